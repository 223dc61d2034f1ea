"""BED files: every line checked, overlapping intervals merged by bedtools."""

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np

from grover_probe.annotation.formats import data_lines
from grover_probe.annotation.intervals import Intervals
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.genome import Genome, Region, short_name


def read_bed(path: Path | str, genome: Genome) -> tuple[list[Region], int]:
    """Read the intervals of a BED file that lie on a genome's sequences.

    Parameters
    ----------
    path
        BED3 or more columns, plain or gzip; ``track``, ``browser`` and comment lines are passed over.
    genome
        Chromosomes are named as here (``20`` = ``chr20``), and coordinates are checked against its lengths.

    Returns
    -------
    regions : list of Region
        In file order.
    elsewhere : int
        Intervals on sequences that the genome does not have.

    Raises
    ------
    InputError
        For a line that is not BED, an interval past the end of its chromosome (another assembly?), or when no interval
        is on the genome.
    """
    path = Path(path)
    known = {short_name(name): name for name in genome.names}
    regions, elsewhere, seen = [], 0, set()
    for number, (chrom, start, end, label) in data_lines(path):
        name = chrom if chrom in genome.lengths else known.get(short_name(chrom))
        if name is None:
            elsewhere += 1
            seen.add(chrom)
            continue
        if end > genome.lengths[name]:
            raise InputError(
                f"{path}:{number}: {chrom}:{start}-{end} runs past the end of {name} ({genome.lengths[name]:,} bp) in "
                f"{genome.path.name}; is the file from another assembly?"
            )
        if end > start:
            regions.append(Region(name, start, end, label))
    if not regions:
        found = (
            f"its {elsewhere} intervals are on {', '.join(sorted(seen)[:5])}" if elsewhere else "it has no intervals"
        )
        raise InputError(f"{path}: nothing on {genome.path.name} ({', '.join(genome.names[:5])}): {found}")
    return regions, elsewhere


def read_intervals(path: Path | str, genome: Genome) -> Intervals:
    """Read a BED file (see `read_bed`) and merge overlapping and touching intervals with bedtools."""
    path = Path(path)
    regions, elsewhere = read_bed(path, genome)
    require_bedtools()
    import pybedtools

    lines = "".join(f"{region.chrom}\t{region.start}\t{region.end}\n" for region in regions)
    merged: dict[str, list[tuple[int, int]]] = defaultdict(list)
    temporary: list[Path] = []  # pybedtools.cleanup() would delete the files of every caller in this process
    try:
        bed = pybedtools.BedTool(lines, from_string=True)
        temporary.append(Path(bed.fn))
        bed = bed.sort()
        temporary.append(Path(bed.fn))
        bed = bed.merge()
        temporary.append(Path(bed.fn))
        for interval in bed:
            merged[interval.chrom].append((interval.start, interval.end))
    finally:
        for file in temporary:
            file.unlink(missing_ok=True)
    by_chrom = {chrom: np.asarray(pairs, dtype=np.int64) for chrom, pairs in merged.items()}
    return Intervals(path.name.split(".")[0], by_chrom, len(regions), elsewhere)


def require_bedtools() -> None:
    """Check that the bedtools program is there.

    Raises
    ------
    MissingDependencyError
        When it is not; the message names three ways to install it.
    """
    if shutil.which("bedtools") is None:
        raise MissingDependencyError(
            "bedtools is not installed; install it with one of: sudo apt-get install bedtools | "
            "conda install -c bioconda bedtools | brew install bedtools"
        )
