"""Annotation where it is and turned around: counts of each token, in all and in blocks of the genome.

The annotation of each chromosome is turned around on its tokenised bases (`grover_probe.overlap.space`), which keeps
the clustering of annotation and of tokens. The mean over all turns is known exactly, and takes into account that a long
token touches more than a short one; random turns give the spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grover_probe.annotation import Intervals
from grover_probe.display import brief
from grover_probe.genome import short_name
from grover_probe.overlap.counting import count_inside
from grover_probe.overlap.space import Ring, touching_starts, turn


@dataclass(frozen=True)
class Null:
    """Counts of one class on the ring of each chromosome, and what turning the annotation gives.

    Attributes
    ----------
    inside, bases
        Occurrences of each token that touch the class, and their bases inside: int64, shape (n_ids,).
    block_count, block_inside
        The same in blocks of the genome: int64, shape (n_blocks, n_ids).
    block_touching
        Bases of each block at which a token may begin so that it touches the class: int64, shape (n_blocks, n_ids).
    turned
        Occurrences inside for each turn: int64, shape (n_turns, n_ids).
    """

    inside: np.ndarray
    bases: np.ndarray
    block_count: np.ndarray
    block_inside: np.ndarray
    block_touching: np.ndarray
    turned: np.ndarray

    __repr__ = brief


@dataclass(frozen=True)
class Blocks:
    """Equal parts of the rings, for intervals of confidence.

    Attributes
    ----------
    edges
        Bounds on each ring: one array per ring.
    ring
        Index of the ring of each block, shape (n_blocks,).
    size
        Bases of each block, shape (n_blocks,).
    count
        Occurrences of each token in each block (by the token's first base), shape (n_blocks, n_ids).
    """

    edges: list[np.ndarray]
    ring: np.ndarray
    size: np.ndarray
    count: np.ndarray

    __repr__ = brief


def make_blocks(rings: Sequence[Ring], n_ids: int, n_blocks: int) -> Blocks:
    """Cut rings into about `n_blocks` equal parts, at least one each."""
    whole = sum(ring.size for ring in rings)
    edges, counts = [], []
    for ring in rings:
        parts = max(1, round(n_blocks * ring.size / whole))
        edges.append(np.linspace(0, ring.size, parts + 1).astype(np.int64))
        cuts = np.searchsorted(ring.starts, edges[-1])
        counts += [np.bincount(part, minlength=n_ids) for part in np.split(ring.ids, cuts[1:-1])]
    number = np.repeat(np.arange(len(rings)), [len(each) - 1 for each in edges])
    return Blocks(edges, number, np.concatenate([np.diff(each) for each in edges]), np.array(counts))


def draw_turns(rings: Sequence[Ring], n_turns: int, seed: int) -> np.ndarray:
    """By how many bases each ring is turned: uniform, independent between chromosomes; shape (n_turns, n_rings).

    They are the same for every class, and those of a chromosome do not depend on the others.
    """
    columns = [
        np.random.default_rng([seed, *short_name(ring.chrom).encode()]).integers(1, max(ring.size, 2), size=n_turns)
        for ring in rings
    ]
    return np.stack(columns, axis=1)


def measure(
    intervals: Intervals, rings: Sequence[Ring], blocks: Blocks, turns: np.ndarray, lengths: np.ndarray
) -> Null:
    """Count one class where it is and on every turn.

    Parameters
    ----------
    intervals
        The class.
    rings, blocks, turns
        From `make_rings`, `make_blocks` and `draw_turns`.
    lengths
        Bases of each token by id.
    """
    bases = np.zeros(len(lengths), dtype=np.int64)
    block_inside, block_touching = [], []
    turned = np.zeros((len(turns), len(lengths)), dtype=np.int64)
    for number, ring in enumerate(rings):
        placed, edges = ring.place(intervals), blocks.edges[number]
        cuts = np.searchsorted(ring.starts, edges)
        for low, high, begin, stop in zip(cuts[:-1], cuts[1:], edges[:-1], edges[1:] + lengths.max(), strict=True):
            near = placed[(placed[:, 1] > begin) & (placed[:, 0] < stop)]
            inside, within = count_inside(ring.starts[low:high], ring.ids[low:high], lengths, near)
            block_inside.append(inside)
            bases += within
        sizes, of_token = np.unique(np.maximum(lengths, 1), return_inverse=True)
        touching = np.stack([touching_starts(placed, int(size), ring.size, edges) for size in sizes], axis=1)
        block_touching.append(touching[:, of_token])
        for row, shift in zip(turned, turns[:, number].tolist(), strict=True):
            row += count_inside(ring.starts, ring.ids, lengths, turn(placed, shift, ring.size))[0]
    per_block = np.array(block_inside)
    return Null(per_block.sum(axis=0), bases, blocks.count, per_block, np.concatenate(block_touching), turned)


def expected_inside(null: Null, blocks: Blocks) -> np.ndarray:
    """Occurrences inside, the mean over all turns of the annotation: float64, shape (n_ids,)."""
    total = np.zeros(null.block_count.shape[1])
    for number in np.unique(blocks.ring):
        here = blocks.ring == number
        total += null.block_count[here].sum(0) * (null.block_touching[here].sum(0) / blocks.size[here].sum())
    return total


def expected_without_block(null: Null, blocks: Blocks) -> np.ndarray:
    """`expected_inside` with each block left out in turn: shape (n_blocks, n_ids)."""
    found = np.tile(expected_inside(null, blocks), (len(blocks.size), 1))
    for number in np.unique(blocks.ring):
        here = np.flatnonzero(blocks.ring == number)
        count, touching = null.block_count[here].sum(0), null.block_touching[here].sum(0)
        size = blocks.size[here].sum()
        rest = (size - blocks.size[here])[:, None]
        left = (count - null.block_count[here]) * ((touching - null.block_touching[here]) / np.maximum(rest, 1))
        found[here] += left - count * (touching / size)
    return np.maximum(found, 0)
