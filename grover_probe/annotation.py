"""BED annotation: strict reading, merging, and which tokens lie in it.

Files are checked line by line before bedtools sees them, so that a message can name the line.
"""

import gzip
import re
import shutil
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.corpus import Corpus
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.genome import Genome, Region, short_name

_HEADERS = ("track", "browser", "#")
_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,18}\s*")


@dataclass(frozen=True)
class Intervals:
    """Merged intervals of one BED file on one genome.

    Attributes
    ----------
    name
        File name without endings.
    by_chrom
        For each chromosome name of the genome: int64, shape (n, 2), sorted, apart from each other.
    n_read
        Intervals read on these chromosomes, before merging.
    elsewhere
        Intervals on chromosomes that the genome file does not have.
    """

    name: str
    by_chrom: dict[str, np.ndarray]
    n_read: int
    elsewhere: int

    def __repr__(self) -> str:
        return f"Intervals({self.name}: {self.n_read:,} intervals, {self.bases:,} bases)"

    @property
    def bases(self) -> int:
        """Bases covered."""
        return int(sum((part[:, 1] - part[:, 0]).sum() for part in self.by_chrom.values()))

    def overlaps(self, chrom: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether each stretch [start, end) of a chromosome shares at least one base with an interval: bool."""
        part = self.by_chrom.get(chrom)
        if part is None:
            part = {short_name(name): pairs for name, pairs in self.by_chrom.items()}.get(short_name(chrom))
        if part is None or not len(part):
            return np.zeros(len(starts), dtype=bool)
        # The last interval that begins before the stretch ends is the only one that need be looked at.
        last = np.searchsorted(part[:, 0], ends, side="left") - 1
        return (last >= 0) & (part[np.maximum(last, 0), 1] > starts)


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
    for number, (chrom, start, end, label) in _bed_lines(path):
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


def share_per_token(corpus: Corpus, runs: np.ndarray, intervals: Intervals) -> np.ndarray:
    """Share of each token's occurrences that have at least one base inside intervals.

    Parameters
    ----------
    corpus
        The tokens.
    runs
        Token ranges that count, shape (n_runs, 2).
    intervals
        The annotation.

    Returns
    -------
    np.ndarray
        float64, shape (n_ids,), NaN for tokens that do not occur.
    """
    n_ids = len(corpus.token_lengths)
    inside, total = np.zeros(n_ids, dtype=np.int64), np.zeros(n_ids, dtype=np.int64)
    for begin, stop in runs:
        chrom = corpus.chroms[int(corpus.chrom_of(begin))]
        ids = corpus.ids[begin:stop]
        starts = corpus.starts[begin:stop].astype(np.int64)
        hit = intervals.overlaps(chrom, starts, corpus.ends(begin, stop))
        inside += np.bincount(ids[hit], minlength=n_ids)
        total += np.bincount(ids, minlength=n_ids)
    with np.errstate(invalid="ignore"):
        return inside / total


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


def _bed_lines(path: Path) -> Iterator[tuple[int, tuple[str, int, int, str]]]:
    """Yield (line number, (chromosome, start, end, name))."""
    try:
        with path.open("rb") as probe:
            opener = gzip.open if probe.read(2) == b"\x1f\x8b" else open
        with opener(path, "rt", encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip() and not line.startswith(_HEADERS):
                    yield number, _parse_line(line, path, number)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file; expected a BED file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; expected a BED file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: binary data, not a BED file") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip stream is truncated or damaged; fetch the file again") from error


def _parse_line(line: str, path: Path, number: int) -> tuple[str, int, int, str]:
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) < 3:
        hint = "columns must be separated by tabs, not spaces" if len(line.split()) >= 3 else "expected 3 columns"
        raise InputError(f"{path}:{number}: not a BED line: {hint} (chrom, start, end)")
    chrom, start_text, end_text = fields[:3]
    if not chrom or chrom != chrom.strip():
        raise InputError(f"{path}:{number}: {chrom!r} is not a chromosome name; expected one without blanks")
    if not (_WHOLE_NUMBER.fullmatch(start_text) and _WHOLE_NUMBER.fullmatch(end_text)):
        raise InputError(f"{path}:{number}: start {start_text!r} and end {end_text!r} must be whole numbers (bases)")
    start, end = int(start_text), int(end_text)
    if start < 0 or end < 0:
        raise InputError(f"{path}:{number}: {chrom}:{start}-{end} is negative; BED coordinates are 0-based")
    if end < start:
        raise InputError(f"{path}:{number}: {chrom}:{start}-{end} ends before it starts; expected start <= end")
    return chrom, start, end, fields[3] if len(fields) > 3 else ""
