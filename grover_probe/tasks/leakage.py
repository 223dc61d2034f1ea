"""Near-duplicate sequences across splits, by sketches of k-mers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grover_probe.display import brief
from grover_probe.genome import N_CODE, encode_bases

K = 15
SCALE = 4  # about one k-mer in so many is kept, the same ones in every sequence
SIMILAR = 0.5
_BLOCK = 256  # sequences compared with all others at a time


@dataclass(frozen=True)
class Leak:
    """What a split shares with another one.

    Attributes
    ----------
    nearest
        For each sequence of the first split the largest containment in any sequence of the second: float64, shape (n,).
    similar
        Sequences whose `nearest` is at least `SIMILAR`.
    """

    nearest: np.ndarray

    __repr__ = brief

    @property
    def similar(self) -> int:
        """Sequences that have a near duplicate in the other split."""
        return int((self.nearest >= SIMILAR).sum())


def sketches(sequences: Sequence[str], k: int = K, scale: int = SCALE) -> list[np.ndarray]:
    """A sample of the k-mers of each sequence, both strands taken as one.

    Parameters
    ----------
    sequences
        Texts.
    k
        Bases, up to 31.
    scale
        A k-mer is kept when its hash is among the lowest ``1 / scale`` of all hashes (FracMinHash, Irber et al. 2022).

    Returns
    -------
    list of np.ndarray
        Distinct hashes of each sequence, uint64, sorted; empty for one shorter than k.
    """
    limit = np.uint64((2**64 - 1) // scale)
    found = []
    for text in sequences:
        hashes = _hash(canonical_kmers(encode_bases(text), k))
        found.append(np.unique(hashes[hashes <= limit]))
    return found


def canonical_kmers(codes: np.ndarray, k: int) -> np.ndarray:
    """Numbers of the k-mers without N, the smaller of the two strands' each: uint64."""
    n = len(codes) - k + 1
    if n <= 0:
        return np.empty(0, dtype=np.uint64)
    forward, backward = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=np.uint64)
    known = np.ones(n, dtype=bool)
    for offset in range(k):
        base = codes[offset : offset + n]
        known &= base < N_CODE
        digit = np.minimum(base, 3).astype(np.uint64)
        forward = forward * np.uint64(4) + digit
        backward += (np.uint64(3) - digit) << np.uint64(2 * offset)
    return np.minimum(forward, backward)[known]


def find_leak(first: Sequence[str], second: Sequence[str], k: int = K, scale: int = SCALE) -> Leak:
    """How much of each sequence of one split is in a single sequence of another.

    Parameters
    ----------
    first, second
        Sequences of the two splits.
    k, scale
        As in `sketches`.

    Returns
    -------
    Leak
        Containment is the share of the smaller sketch that is in the other one.
    """
    from scipy.sparse import csr_matrix

    a, b = sketches(first, k, scale), sketches(second, k, scale)
    names, columns = np.unique(np.concatenate([*a, *b]) if a or b else np.empty(0, np.uint64), return_inverse=True)
    cut = sum(len(part) for part in a)
    left = _matrix(csr_matrix, a, columns[:cut], len(names))
    right = _matrix(csr_matrix, b, columns[cut:], len(names)).T.tocsr()
    sizes_a, sizes_b = (np.array([len(part) for part in parts]) for parts in (a, b))
    nearest = np.zeros(len(a))
    for begin in range(0, len(a), _BLOCK):
        shared = (left[begin : begin + _BLOCK] @ right).tocoo()
        smaller = np.minimum(sizes_a[shared.row + begin], sizes_b[shared.col])
        np.maximum.at(nearest, shared.row + begin, shared.data / smaller)
    return Leak(nearest)


def _matrix(kind: type, parts: list[np.ndarray], columns: np.ndarray, width: int):  # type: ignore[no-untyped-def]
    bounds = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
    return kind((np.ones(len(columns), dtype=np.int32), columns, bounds), shape=(len(parts), width))


def _hash(numbers: np.ndarray) -> np.ndarray:
    """Mix numbers so that their size says nothing of the k-mer (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
