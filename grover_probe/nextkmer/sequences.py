"""The examples: 50 bases and the bases that follow, drawn from training sequence and from held-out sequence.

An example's whole span (flank, context, the bases that follow) lies inside one N-free stretch on one side of the border
between training and held-out sequence. All k share one span of the longest k, so they ask about the same places.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.annotation import read_bed
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import Genome, Region, short_name

CONTEXT = 50  # bases in
KS = (2, 3, 4, 5, 6)
LONGEST = KS[-1]
BLOCK_SIZE = 100_000  # bases


@dataclass(frozen=True)
class Stretch:
    """An N-free stretch of one sequence."""

    genome: Genome
    chrom: str
    start: int
    end: int


@dataclass(frozen=True)
class Examples:
    """Places in a genome with the bases around them, in genome order.

    Attributes
    ----------
    chrom
        Name of each sequence, shape (n,).
    start
        First of the 50 bases, int64, shape (n,).
    codes
        Base codes, uint8, shape (n, flank + 50 + 6): flank, context, what follows.
    flank
        Bases before the context.
    block
        int64, shape (n,): stretch of the genome that each lies in, the unit of the bootstrap.
    """

    chrom: np.ndarray
    start: np.ndarray
    codes: np.ndarray
    flank: int
    block: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.start)

    @property
    def before(self) -> np.ndarray:
        """The flank, shape (n, flank)."""
        return self.codes[:, : self.flank]

    @property
    def context(self) -> np.ndarray:
        """The 50 bases that a system sees, shape (n, 50)."""
        return self.codes[:, self.flank : self.flank + CONTEXT]

    def labels(self, k: int) -> np.ndarray:
        """The next k bases as a class, 0 to 4^k - 1 in alphabetical order: int64, shape (n,)."""
        check_k(k)
        return kmer_number(self.codes[:, self.flank + CONTEXT : self.flank + CONTEXT + k])

    def take(self, rows: np.ndarray) -> "Examples":
        """Some of the examples."""
        return Examples(self.chrom[rows], self.start[rows], self.codes[rows], self.flank, self.block[rows])


def check_k(k: int) -> None:
    """Check the length of what is predicted.

    Raises
    ------
    InputError
        When it is not 2 to 6.
    """
    if k not in KS:
        raise InputError(f"k = {k}: expected {KS[0]} to {KS[-1]} (bases to predict)")


def kmer_number(codes: np.ndarray) -> np.ndarray:
    """Number of a k-mer in alphabetical order: int64, shape (...,) for base codes of shape (..., k)."""
    places = 4 ** np.arange(codes.shape[-1] - 1, -1, -1, dtype=np.int64)
    return codes.astype(np.int64) @ places


def split_genomes(genomes: Sequence[Genome], heldout: Path) -> tuple[list[Stretch], list[Stretch]]:
    """N-free stretches outside and inside of the held-out regions.

    Parameters
    ----------
    genomes
        Sequence names must differ.
    heldout
        BED; each interval must lie on one of the genomes.

    Returns
    -------
    training, test : list of Stretch

    Raises
    ------
    InputError
        When a name is in two genomes, or the BED has nothing on them.
    """
    names = Counter(short_name(name) for genome in genomes for name in genome.names)
    double = [name for name, times in names.items() if times > 1]
    if double:
        raise InputError(f"sequence {double[0]} is in two of the genomes; give each chromosome once")
    held = heldout_regions(genomes, heldout)
    training: list[Stretch] = []
    test: list[Stretch] = []
    for genome in genomes:
        for chrom in genome.names:
            ranges = _merged([(each.start, each.end) for each in held if each.chrom == chrom])
            for start, end in genome.segments(chrom).tolist():
                for first, last, inside in _pieces(start, end, ranges):
                    (test if inside else training).append(Stretch(genome, chrom, first, last))
    return training, test


def heldout_regions(genomes: Sequence[Genome], heldout: Path) -> list[Region]:
    """Regions of a BED file on several genomes, none of which need have all of them.

    Raises
    ------
    InputError
        When no interval is on any of them, or one cannot be right.
    """
    known = {short_name(name) for genome in genomes for name in genome.names}
    problem, found = None, []
    for genome in genomes:
        try:
            found += read_bed(heldout, genome)[0]
        except InputError as error:
            if known - {short_name(name) for name in genome.names} and "nothing on" in str(error):
                problem = error
                continue
            raise
    if not found:
        raise problem or InputError(f"{heldout}: no interval on the genomes")
    return found


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching ranges as one, sorted."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _pieces(start: int, end: int, ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """Cut [start, end) at sorted ranges: what lies in one of them is True."""
    at = start
    for first, last in ranges:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if at < first:
            yield at, first, False
        yield first, last, True
        at = last
    if at < end:
        yield at, end, False


def sample_examples(
    stretches: Sequence[Stretch],
    n: int,
    *,
    flank: int = 0,
    block_size: int = BLOCK_SIZE,
    seed: int = 0,
    what: str = "training",
) -> Examples:
    """Draw places uniformly, no place twice.

    Parameters
    ----------
    stretches
        Where from.
    n
        How many examples.
    flank
        Bases before the context, in the same stretch.
    block_size
        Bases of a block (`Examples.block`).
    seed
        Decides the places.
    what
        For messages: which sequence this is.

    Raises
    ------
    InputError
        When the stretches are too short, or do not have so many places.
    """
    if n < 1:
        raise InputError(f"{n} {what} sequences: expected at least 1")
    if flank < 0 or block_size < 1:
        raise InputError(f"flank {flank}, block size {block_size}: expected bases, 0 or more and 1 or more")
    span = flank + CONTEXT + LONGEST
    rooms = np.array([max(0, each.end - each.start - span + 1) for each in stretches], dtype=np.int64)
    total = int(rooms.sum())
    if total < n:
        where = "outside of the held-out regions" if what == "training" else "inside the held-out regions"
        raise InputError(
            f"{n:,} {what} sequences asked for, but there are {total:,} places {where} with {span} bases without N; "
            "ask for fewer, or give more sequence"
        )
    drawn = np.sort(np.random.default_rng(seed).choice(total, size=n, replace=False))
    ends = np.cumsum(rooms)
    owner = np.searchsorted(ends, drawn, side="right")
    offset = drawn - (ends - rooms)[owner]
    codes = np.empty((n, span), dtype=np.uint8)
    first = np.array([each.start for each in stretches], dtype=np.int64)[owner] + offset
    chrom = np.array([each.chrom for each in stretches], dtype=object)[owner]
    by_name = {each.chrom: each.genome for each in stretches}
    for name in dict.fromkeys(chrom.tolist()):
        rows = np.flatnonzero(chrom == name)
        low = int(first[rows].min())
        sequence = by_name[name].codes(name, low, int(first[rows].max()) + span)
        codes[rows] = sequence[first[rows, None] - low + np.arange(span)]
    start = first + flank
    chrom_number = np.unique(chrom.astype(str), return_inverse=True)[1]
    block = np.unique(np.stack([chrom_number, start // block_size]), axis=1, return_inverse=True)[1].reshape(-1)
    return Examples(chrom, start, codes, flank, block.astype(np.int64))


def held_back(examples: Examples, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Divide training examples into some to learn from and some to choose by, whole blocks as far as possible.

    Returns
    -------
    learn, choose : np.ndarray
        Rows, each in genome order. Blocks are taken in random order until `choose` has its share; only the last one
        taken is divided, in genome order.

    Raises
    ------
    InputError
        With fewer than two examples.
    """
    n = len(examples)
    if n < 2:
        raise InputError(f"{n} training sequence: expected at least 2, one to choose settings by")
    rank = np.random.default_rng(seed).permutation(int(examples.block.max()) + 1)
    order = np.lexsort((np.arange(n), rank[examples.block]))
    cut = max(1, round(share * n))
    return np.sort(order[cut:]), np.sort(order[:cut])
