"""Sequences of a genome: FASTA and 2bit files, N-free segments, chromosome naming.

Coordinates are 0-based, half-open, in bases on the forward strand. Bases are uint8 codes: A, C, G, T are
0, 1, 2, 3 and everything else is `N_CODE`. Lower case (soft-masked) letters have the code of their upper case;
`Genome.soft_mask` tells them apart.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.errors import InputError
from grover_probe.sequence_files.readers import Reader, open_reader

BASES = "ACGT"
N_CODE = 4


def _code_table() -> np.ndarray:
    table = np.full(256, N_CODE, dtype=np.uint8)
    for code, base in enumerate(BASES):
        table[ord(base)] = table[ord(base.lower())] = code
    return table


_CODE_OF_LETTER = _code_table()


def encode_bases(sequence: str | bytes) -> np.ndarray:
    """Base codes of a text: uint8, shape (n,); any letter but A, C, G, T (either case) gives `N_CODE`."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return _CODE_OF_LETTER[np.frombuffer(raw, dtype=np.uint8)]


def decode_bases(codes: np.ndarray) -> str:
    """The text of base codes, upper case, N for `N_CODE`."""
    return np.frombuffer(b"ACGTN", dtype=np.uint8)[np.minimum(codes, N_CODE)].tobytes().decode()


def acgt_segments(codes: np.ndarray, min_length: int = 1) -> np.ndarray:
    """Runs without N.

    Parameters
    ----------
    codes
        Base codes, shape (n,).
    min_length
        Shorter runs are left out (bases).

    Returns
    -------
    np.ndarray
        int64, shape (n_segments, 2): start and end of each run.
    """
    is_base = np.concatenate(([False], codes < N_CODE, [False]))
    edges = np.flatnonzero(is_base[1:] != is_base[:-1]).astype(np.int64).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= min_length]


def short_name(name: str) -> str:
    """The part of a chromosome name that naming schemes share: ``chr20`` and ``20`` give ``20``, ``chrM`` ``MT``."""
    short = name[3:] if name.lower().startswith("chr") else name
    return "MT" if short in ("M", "MT") else short


@dataclass(frozen=True)
class Region:
    """A stretch of a chromosome: 0-based, half-open, in bases; the name is a BED's fourth column, or empty."""

    chrom: str
    start: int
    end: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start:,}-{self.end:,}"

    def __len__(self) -> int:
        return self.end - self.start


class Genome:
    """Random access to the sequences of one file; opened with `open_genome`.

    Attributes
    ----------
    path
        The file.
    lengths
        Length in bases of each sequence, in file order, by its name in the file.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self.lengths = dict(reader.lengths)
        self._reader = reader
        self._by_short_name = {short_name(name): name for name in self.lengths}

    def __repr__(self) -> str:
        sequences = f"{len(self.lengths):,} sequences" if len(self.lengths) != 1 else next(iter(self.lengths))
        return f"Genome({self.path.name}: {sequences}, {sum(self.lengths.values()):,} bp)"

    @property
    def names(self) -> tuple[str, ...]:
        """Sequence names as the file spells them, in file order."""
        return tuple(self.lengths)

    def resolve(self, name: str) -> str:
        """The file's own spelling of a chromosome name (``20`` and ``chr20`` are the same).

        Raises
        ------
        InputError
            When the file has no such sequence.
        """
        if name in self.lengths:
            return name
        try:
            return self._by_short_name[short_name(name)]
        except KeyError:
            known = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "")
            raise InputError(f"{self.path}: no sequence named {name!r}; it has {known}") from None

    def length(self, name: str) -> int:
        """Length of a sequence in bases."""
        return self.lengths[self.resolve(name)]

    def region(self, name: str, start: int = 0, end: int | None = None) -> Region:
        """Check a stretch against the sequence and spell its name as the file does.

        Raises
        ------
        InputError
            When the sequence is not there or the stretch is empty, negative or runs past the end.
        """
        chrom = self.resolve(name)
        length = self.lengths[chrom]
        end = length if end is None else end
        if not 0 <= start < end <= length:
            raise InputError(
                f"{self.path}: region {name}:{start}-{end} does not lie within {chrom} (0-{length}); "
                "coordinates are 0-based, half-open; is it another assembly?"
            )
        return Region(chrom, start, end)

    def codes(self, name: str, start: int = 0, end: int | None = None) -> np.ndarray:
        """Base codes of [start, end): uint8, shape (end - start,)."""
        return _CODE_OF_LETTER[self._letters(name, start, end)]

    def soft_mask(self, name: str, start: int = 0, end: int | None = None) -> np.ndarray:
        """True where the file has a lower case a, c, g or t: bool, shape (end - start,); N are never masked."""
        letters = self._letters(name, start, end)
        return (letters >= ord("a")) & (_CODE_OF_LETTER[letters] < N_CODE)

    def segments(self, name: str, start: int = 0, end: int | None = None, min_length: int = 1) -> np.ndarray:
        """N-free runs within [start, end) in chromosome coordinates: int64, shape (n_segments, 2)."""
        return acgt_segments(self.codes(name, start, end), min_length) + start

    def _letters(self, name: str, start: int, end: int | None) -> np.ndarray:
        region = self.region(name, start, end)
        return self._reader.letters(region.chrom, region.start, region.end)


def open_genome(path: Path | str) -> Genome:
    """Open a FASTA (plain, gzip or bgzip) or 2bit file.

    A FASTA without index is read once to learn its sequences, and later one chromosome at a time; with an index
    (``.fai``, and ``.gzi`` for bgzip) beside it only the stretches asked for are read.

    Raises
    ------
    InputError
        When the file is missing or is not such a file; the message names the line.
    """
    path = Path(path)
    return Genome(path, open_reader(path))
