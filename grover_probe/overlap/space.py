"""The tokenised bases of a chromosome end to end, and annotation turned around on them.

Telomeres, gaps and everything else that no token covers is left out before annotation is moved, so that no interval
lands on N and none is lost: the bases that tokens cover are joined to a ring, on which annotation keeps the sizes
of its intervals and their distances in tokenised bases. An interval that a gap cuts is one interval on the ring.
"""

from dataclasses import dataclass

import numpy as np

from grover_probe.annotation import Intervals
from grover_probe.annotation.intervals import bases_below
from grover_probe.corpus import Corpus
from grover_probe.display import brief


@dataclass(frozen=True)
class Ring:
    """Tokens of one chromosome without the gaps between them.

    Attributes
    ----------
    chrom
        Name.
    ids
        Token ids, shape (n_tokens,).
    starts
        First base of each token on the ring, shape (n_tokens,).
    size
        Bases of the ring.
    stretches
        Bases of the chromosome that make up the ring, int64, shape (n, 2), in order.
    """

    chrom: str
    ids: np.ndarray
    starts: np.ndarray
    size: int
    stretches: np.ndarray

    __repr__ = brief

    def place(self, intervals: Intervals) -> np.ndarray:
        """Intervals on the ring: sorted, not overlapping, int64, shape (n, 2)."""
        placed = bases_below(self.stretches, intervals.on(self.chrom))
        return placed[placed[:, 0] < placed[:, 1]]


def make_rings(corpus: Corpus, runs: np.ndarray) -> list[Ring]:
    """The ring of each chromosome that has tokens in `runs` (token ranges, shape (n, 2))."""
    chrom_of = corpus.chrom_of(runs[:, 0])
    rings = []
    for number in np.unique(chrom_of):
        here = runs[chrom_of == number]
        whole = (here[1:, 0] == here[:-1, 1]).all()  # then the ids need no copy
        ids = corpus.ids[here[0, 0] : here[-1, 1]] if whole else np.concatenate([corpus.ids[a:b] for a, b in here])
        ends = np.cumsum(corpus.token_lengths[ids])
        first = corpus.starts[here[:, 0]].astype(np.int64)
        last = np.array([corpus.ends(stop - 1, stop)[0] for stop in here[:, 1].tolist()], dtype=np.int64)
        starts = (ends - corpus.token_lengths[ids]).astype(np.uint32)
        rings.append(Ring(corpus.chroms[number], ids, starts, int(ends[-1]), np.stack([first, last], axis=1)))
    return rings


def turn(intervals: np.ndarray, shift: int, size: int) -> np.ndarray:
    """Intervals moved by `shift` bases around a ring; one that crosses its end is cut in two.

    Parameters
    ----------
    intervals
        Sorted, not overlapping, within [0, size), shape (n, 2).
    shift
        Bases, from 0 to `size`.
    size
        Bases of the ring.
    """
    moved = intervals + shift
    over = int(np.searchsorted(moved[:, 0], size))
    turned = np.concatenate([moved[over:] - size, moved[:over]])
    if len(turned) and turned[-1, 1] > size:
        cut = np.array([[0, turned[-1, 1] - size]], dtype=np.int64)
        turned[-1, 1] = size
        turned = np.concatenate([cut, turned])
    return turned


def touching_starts(intervals: np.ndarray, length: int, size: int, edges: np.ndarray) -> np.ndarray:
    """At how many bases of a ring a stretch may begin so that it touches an interval.

    Averaged over all turns of the annotation, an occurrence of a token is inside with the probability
    ``touching_starts / size``, so that the mean of the circular null is known without turning anything.

    Parameters
    ----------
    intervals
        Sorted, not overlapping, shape (n, 2).
    length
        Bases of the stretch.
    size
        Bases of the ring.
    edges
        Bounds of blocks, from 0 to `size`, shape (n_blocks + 1,).

    Returns
    -------
    np.ndarray
        int64, shape (n_blocks,): such bases in each block.
    """
    blocks = np.diff(edges)
    if not len(intervals):
        return np.zeros_like(blocks)
    begins = intervals[:, 1]
    stops = np.append(intervals[1:, 0], size + intervals[0, 0]) - length + 1
    free = np.stack([begins, stops], axis=1)[begins < stops]  # a stretch that begins here touches nothing
    if len(free) and free[-1, 1] > size:
        beyond = np.array([[0, free[-1, 1] - size]])
        free[-1, 1] = size
        free = np.concatenate([beyond, free[free[:, 0] < size]])
    return blocks - np.diff(bases_below(free, edges))
