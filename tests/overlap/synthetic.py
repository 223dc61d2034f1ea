"""Made genomes: tokens drawn one by one, so that what is enriched where is known."""

from itertools import product
from pathlib import Path

import numpy as np

from grover_probe.annotation import Annotation
from grover_probe.corpus import Corpus

PIECES = tuple("".join(letters) for k in (1, 2, 3) for letters in product("ACGT", repeat=k))[:44]
FIRST = 5
LENGTHS = np.array([0] * FIRST + [len(piece) for piece in PIECES])


def make_corpus(numbers: np.ndarray, chrom: str = "chr1") -> Corpus:
    """Tokens without a gap; `numbers` count from 0 in `PIECES`."""
    ids = (numbers + FIRST).astype(np.uint16)
    ends = np.cumsum(LENGTHS[ids])
    starts = (ends - LENGTHS[ids]).astype(np.uint32)
    return Corpus(ids, starts, (chrom,), np.array([0, len(ids)]), LENGTHS, {"tokenizer": {"hash": "made"}})


def make_annotation(intervals, name: str = "made", classes: np.ndarray | None = None) -> Annotation:
    """Intervals of `chr1`, all of one class or of those that are given as numbers."""
    intervals = np.asarray(intervals, dtype=np.int64)
    codes = np.zeros(len(intervals), dtype=np.int64) if classes is None else np.asarray(classes)
    names = (name,) if classes is None else tuple(f"class {number}" for number in range(codes.max() + 1))
    zeros = np.zeros(len(intervals), dtype=np.int64)
    return Annotation(
        name, Path(name), ("chr1",), names, zeros, codes, intervals[:, 0], intervals[:, 1], zeros.astype(np.int8)
    )


def patchy_corpus(rng: np.random.Generator, n_tokens: int = 40_000, patch: int = 400) -> Corpus:
    """Patches rich in A and T between patches rich in C and G, as isochores are: tokens come in clusters."""
    n_gc = np.array([sum(letter in "CG" for letter in piece) / len(piece) for piece in PIECES])
    weights = np.stack([np.exp(4 * n_gc), np.exp(-4 * n_gc)])
    weights /= weights.sum(axis=1, keepdims=True)
    kinds = rng.integers(0, 2, size=n_tokens // patch)
    return make_corpus(np.concatenate([rng.choice(len(PIECES), size=patch, p=weights[kind]) for kind in kinds]))


def clustered_intervals(rng: np.random.Generator, size: int, clusters: int = 40, members: int = 10) -> np.ndarray:
    """Clusters of intervals of 30 bases, anywhere: what annotation looks like, and independent of the tokens."""
    places = rng.integers(0, size - 1_200, size=clusters)
    begins = (places[:, None] + rng.integers(0, 1_100, size=(clusters, members))).ravel()
    return np.stack([begins, begins + 30], axis=1)
