"""Merged intervals of one class of annotation, and which tokens lie in them."""

from dataclasses import dataclass

import numpy as np

from grover_probe.corpus import Corpus
from grover_probe.genome import short_name


@dataclass(frozen=True)
class Intervals:
    """Merged intervals of one class of annotation on one genome.

    Attributes
    ----------
    name
        Of the class, or of the file without endings.
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

    def on(self, chrom: str) -> np.ndarray:
        """Intervals on one chromosome (``20`` = ``chr20``), shape (n, 2)."""
        part = self.by_chrom.get(chrom)
        if part is None:
            part = {short_name(name): pairs for name, pairs in self.by_chrom.items()}.get(short_name(chrom))
        return np.empty((0, 2), dtype=np.int64) if part is None else part

    def overlaps(self, chrom: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether each stretch [start, end) of a chromosome shares at least one base with an interval: bool."""
        part = self.on(chrom)
        if not len(part):
            return np.zeros(len(starts), dtype=bool)
        # The last interval that begins before the stretch ends is the only one that need be looked at.
        last = np.searchsorted(part[:, 0], ends, side="left") - 1
        return (last >= 0) & (part[np.maximum(last, 0), 1] > starts)

    def bases_in(self, chrom: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Bases of each stretch [start, end) of a chromosome that lie in intervals: int64."""
        part = self.on(chrom)
        return bases_below(part, np.asarray(ends)) - bases_below(part, np.asarray(starts))


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


def merge(intervals: np.ndarray) -> np.ndarray:
    """Merge intervals that overlap or touch, as ``bedtools merge`` does.

    Parameters
    ----------
    intervals
        int64, shape (n, 2), in any order.

    Returns
    -------
    np.ndarray
        int64, shape (n_merged, 2), sorted, apart from each other.
    """
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    opens = np.ones(len(ordered), dtype=bool)
    opens[1:] = ordered[1:, 0] > reach[:-1]
    closes = np.append(opens[1:], True)[: len(ordered)]
    return np.stack([ordered[opens, 0], reach[closes]], axis=1).astype(np.int64)


def bases_below(merged: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Bases of merged intervals, shape (n, 2), that lie before each position: int64, shape of `positions`."""
    covered = np.concatenate(([0], np.cumsum(merged[:, 1] - merged[:, 0])))
    ends = np.concatenate(([0], merged[:, 1]))
    begun = np.searchsorted(merged[:, 0], positions, side="left")
    beyond = np.where(begun > 0, np.maximum(ends[begun] - positions, 0), 0)
    return covered[begun] - beyond
