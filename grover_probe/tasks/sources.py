"""What the builders read: one or several sequence files as one genome, stretches of it, and the lines of BED files."""

import gzip
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.annotation import read_bed
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, open_genome, short_name
from grover_probe.sequence_files.readers import Reader, open_reader

_HEADERS = ("track", "browser", "#")
_NO_END = 1 << 62


@dataclass(frozen=True)
class BedLine:
    """One interval of a BED file.

    Attributes
    ----------
    number
        Line of the file, from 1.
    chrom, start, end
        Where, spelled as the genome does; 0-based, half-open.
    fields
        All columns of the line.
    """

    number: int
    chrom: str
    start: int
    end: int
    fields: tuple[str, ...]

    def column(self, index: int) -> str:
        """A column, 0-based; empty when the line has fewer."""
        return self.fields[index] if len(self.fields) > index else ""


class _JoinedReader:
    """Sequences of several files behind one reader."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self.lengths: dict[str, int] = {}
        self._reader_of: dict[str, Reader] = {}
        for reader in readers:
            for name, length in reader.lengths.items():
                self.lengths[name] = length
                self._reader_of[name] = reader

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """ASCII letters of [start, end), uint8."""
        return self._reader_of[name].letters(name, start, end)


def open_genomes(paths: Sequence[Path]) -> Genome:
    """Open several sequence files as one genome.

    Raises
    ------
    InputError
        When a chromosome is in two of them, or a file is no FASTA or 2bit.
    """
    if len(paths) == 1:
        return open_genome(paths[0])
    readers = [open_reader(Path(path)) for path in paths]
    owner: dict[str, Path] = {}
    for path, reader in zip(paths, readers, strict=True):
        for name in reader.lengths:
            other = owner.setdefault(short_name(name), path)
            if other is not path:
                raise InputError(f"{path}: has {name}, as {other} does; give each chromosome once")
    return Genome(Path(" + ".join(Path(path).name for path in paths)), _JoinedReader(readers))


def file_or_resource(name: str | Path) -> Path:
    """A path as it is, or the cached file of a resource that the manifests name.

    Raises
    ------
    InputError
        When it is neither.
    """
    from grover_probe.data.fetch import cached_path
    from grover_probe.data.manifest import load_catalogue

    path = Path(name)
    if path.exists():
        return path
    if str(name) in load_catalogue().resources:
        return cached_path(str(name))
    raise InputError(f"{name}: no such file, nor a resource of `grover-probe data list`")


class _OnlyLengths:
    """Lengths without sequence, to check coordinates against."""

    def __init__(self, lengths: dict[str, int]) -> None:
        self.lengths = lengths

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """There are none."""
        raise NotImplementedError


def read_lines(
    path: Path | str, genome: Genome, truncated: Collection[str] = ()
) -> tuple[list[BedLine], dict[str, int]]:
    """Read a BED file with all its columns.

    Parameters
    ----------
    path
        Plain or gzip.
    genome
        Coordinates are checked against its lengths.
    truncated
        Chromosomes of which the genome file holds only the beginning: intervals past its end are left out. Elsewhere
        such an interval is an error, for it comes from another assembly.

    Returns
    -------
    lines : list of BedLine
        In file order, without empty intervals.
    left_out : dict
        Number of intervals left out, by reason.

    Raises
    ------
    InputError
        As `grover_probe.annotation.read_bed`; the message names the line.
    """
    path = Path(path)
    part = {genome.resolve(name) for name in truncated}
    lengths = {name: _NO_END if name in part else length for name, length in genome.lengths.items()}
    try:
        _, elsewhere = read_bed(path, Genome(genome.path, _OnlyLengths(lengths)))
    except InputError as error:
        if "runs past the end" not in str(error):
            raise
        raise InputError(f"{error} (a truncated chromosome can be named with --truncated)") from error
    known = {short_name(name): name for name in genome.names}
    with path.open("rb") as probe:
        opener = gzip.open if probe.read(2) == b"\x1f\x8b" else open
    found, beyond = [], 0
    with opener(path, "rt", encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip() or line.startswith(_HEADERS):
                continue
            fields = tuple(line.rstrip("\r\n").split("\t"))
            chrom = known.get(short_name(fields[0]))
            start, end = int(fields[1]), int(fields[2])
            if chrom is None or end == start:
                continue
            if end > genome.lengths[chrom]:
                beyond += 1
                continue
            found.append(BedLine(number, chrom, start, end, fields))
    if not found:
        raise InputError(f"{path}: nothing on {genome.path.name}: {beyond} intervals lie past the end of its sequences")
    left_out = {
        "on sequences that the genome does not have": elsewhere,
        "past the end of a truncated chromosome": beyond,
    }
    return found, {reason: count for reason, count in left_out.items() if count}


class Strands:
    """Stretches of a genome on either strand, one chromosome in memory at a time.

    Parameters
    ----------
    genome
        The sequences.
    """

    def __init__(self, genome: Genome) -> None:
        self.genome = genome
        self._name = ""
        self._codes = np.empty(0, dtype=np.uint8)

    def codes(self, chrom: str, start: int, end: int, forward: bool = True) -> np.ndarray | None:
        """Base codes of [start, end), reverse-complemented for the other strand; None beyond an end or with an N."""
        if chrom != self._name:
            self._name, self._codes = chrom, self.genome.codes(chrom)
        if start < 0 or end > len(self._codes):
            return None
        found = self._codes[start:end]
        if (found >= N_CODE).any():
            return None
        return found if forward else (3 - found)[::-1]
