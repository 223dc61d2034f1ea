"""Readers of sequence files behind one small interface: 2bit, FASTA with an index, FASTA without."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from grover_probe.errors import InputError
from grover_probe.sequence_files.fai import IndexEntry, quiet_htslib, read_index
from grover_probe.sequence_files.twobit_check import MAGIC, SWAPPED_MAGIC, check_2bit

_KEEP_SEQUENCES = 2  # decoded chromosomes held in memory by a FASTA reader


class Reader(Protocol):
    """One sequence file: its sequences in file order and the letters of a stretch."""

    lengths: dict[str, int]

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """ASCII letters of [start, end), uint8."""
        ...


def open_reader(path: Path) -> Reader:
    """The reader for a file; see `grover_probe.genome.open_genome`."""
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {problem}; expected a FASTA (.fa, .fa.gz) or 2bit file")
    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic in (MAGIC, SWAPPED_MAGIC):
        return TwoBitReader(path)
    index = read_index(path)
    return FastaReader(path) if index is None else IndexedFastaReader(path, index)


class TwoBitReader:
    """2bit through py2bit, which seeks; nothing is held in memory."""

    def __init__(self, path: Path) -> None:
        import py2bit

        check_2bit(path)
        try:
            # Masks are stored for py2bit only when asked for at opening.
            self._file = py2bit.open(str(path), storeMasked=True)
            self.lengths: dict[str, int] = dict(self._file.chroms())
        except RuntimeError as error:
            raise InputError(f"{path}: not a readable 2bit file (truncated or damaged)") from error

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """ASCII letters of [start, end), uint8."""
        return np.frombuffer(self._file.sequence(name, start, end).encode("ascii"), dtype=np.uint8)


class IndexedFastaReader:
    """FASTA with an index that fits it, through pysam: reads just what is asked for."""

    def __init__(self, path: Path, index: list[IndexEntry]) -> None:
        import pysam

        self._path = path
        self.lengths = {entry.name: entry.length for entry in index}
        try:
            with quiet_htslib():
                self._file = pysam.FastaFile(str(path))
        except (OSError, ValueError) as error:
            raise self._damaged() from error

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """ASCII letters of [start, end), uint8."""
        from grover_probe.sequence_files.fasta import IS_SEQUENCE

        try:
            with quiet_htslib():
                text = self._file.fetch(name, start, end)
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        letters = np.frombuffer(text.encode("latin-1"), dtype=np.uint8)
        if len(letters) != end - start or not IS_SEQUENCE[letters].all():
            raise self._damaged()
        return letters

    def _damaged(self) -> InputError:
        return InputError(
            f"{self._path}: truncated or damaged, or not the file that its .fai index was made from; "
            "delete the index and try again"
        )


class FastaReader:
    """FASTA without index: one strict pass for names and lengths, then one chromosome at a time in memory."""

    def __init__(self, path: Path) -> None:
        from grover_probe.sequence_files.fasta import scan_fasta

        self._path = path
        self.lengths = scan_fasta(path)
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._stream: Iterator[tuple[str, np.ndarray]] | None = None

    def letters(self, name: str, start: int, end: int) -> np.ndarray:
        """ASCII letters of [start, end), uint8."""
        if name not in self._kept:
            self._advance_to(name)
        self._kept.move_to_end(name)
        return self._kept[name][start:end]

    def _advance_to(self, name: str) -> None:
        """Read on until the sequence has been seen, from the top when it lies behind (once at most)."""
        from grover_probe.sequence_files.fasta import read_fasta

        for stream in (self._stream, read_fasta(self._path)):
            if stream is None:
                continue
            self._stream = stream
            for found, letters in stream:
                if found == name:
                    if len(letters) != self.lengths[name]:
                        break
                    self._kept[name] = letters
                    while len(self._kept) > _KEEP_SEQUENCES:
                        self._kept.popitem(last=False)
                    return
        raise InputError(f"{self._path}: sequence {name!r} has changed since the file was opened; was it rewritten?")
