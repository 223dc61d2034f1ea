"""Base composition of stretches of a sequence: what embeddings must beat to say more than GC content does."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome

MAX_K = 8  # 65,536 columns


def window_gc(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Share of G and C among the bases of each stretch that are not N.

    Parameters
    ----------
    codes
        Base codes of a sequence, uint8, shape (n_bases,).
    starts, ends
        Stretches [start, end) of it, in bases, shape (n,); they may overlap.

    Returns
    -------
    np.ndarray
        float64, shape (n,); NaN for a stretch without A, C, G or T.

    Raises
    ------
    InputError
        When a stretch does not lie within the sequence.
    """
    starts, ends = _check(codes, starts, ends)
    counts = _count_kmers(codes, starts, ends, 1)
    with np.errstate(invalid="ignore"):
        return (counts[:, 1] + counts[:, 2]) / counts.sum(axis=1, dtype=np.int64)


def kmer_spectrum(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, k: int) -> np.ndarray:
    """Relative frequency of each k-mer in each stretch, overlapping occurrences counted, forward strand.

    Parameters
    ----------
    codes
        Base codes of a sequence, uint8, shape (n_bases,).
    starts, ends
        Stretches [start, end) of it, in bases, shape (n,); they may overlap.
    k
        Bases per k-mer, 1 to 8.

    Returns
    -------
    np.ndarray
        float32, shape (n, 4^k), k-mers in alphabetical order. Only k-mers that lie wholly inside a stretch and have
        no N count. A row sums to 1, or is all zero where there is no k-mer.

    Raises
    ------
    InputError
        When k is out of range or a stretch does not lie within the sequence.
    """
    _check_k(k)
    starts, ends = _check(codes, starts, ends)
    counts = _count_kmers(codes, starts, ends, k)
    totals = counts.sum(axis=1, keepdims=True, dtype=np.int64)
    return (counts / np.maximum(totals, 1)).astype(np.float32)


def genome_composition(
    genome: Genome, chroms: Sequence[str], starts: np.ndarray, ends: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """GC content and k-mer spectrum of stretches on several chromosomes; each chromosome is read once.

    Parameters
    ----------
    genome
        Where the bases are.
    chroms, starts, ends
        Stretches [start, end), in bases, shape (n,).
    k
        As in `kmer_spectrum`.

    Returns
    -------
    gc : np.ndarray
        float64, shape (n,).
    spectrum : np.ndarray
        float32, shape (n, 4^k).

    Raises
    ------
    InputError
        When the genome lacks a chromosome or a stretch runs past its end.
    """
    _check_k(k)
    names, starts, ends = np.asarray(chroms, dtype=object), np.asarray(starts), np.asarray(ends)
    gc, spectrum = np.full(len(names), np.nan), np.zeros((len(names), 4**k), dtype=np.float32)
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        first, last = int(starts[rows].min()), int(ends[rows].max())
        codes = genome.codes(name, first, last)
        here = starts[rows] - first, ends[rows] - first
        gc[rows], spectrum[rows] = window_gc(codes, *here), kmer_spectrum(codes, *here, k)
    return gc, spectrum


def _check_k(k: int) -> None:
    if not 1 <= k <= MAX_K:
        raise InputError(f"k-mers of {k} bases: expected 1 to {MAX_K}")


def _check(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts, ends = np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64)
    if len(starts) != len(ends):
        raise InputError(f"{len(starts)} starts but {len(ends)} ends")
    wrong = np.flatnonzero((starts < 0) | (ends < starts) | (ends > len(codes)))
    if len(wrong):
        at = wrong[0]
        raise InputError(f"stretch {starts[at]}-{ends[at]} does not lie within the sequence (0-{len(codes)})")
    return starts, ends


@njit(nogil=True, cache=True)
def _count_kmers(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, k: int) -> np.ndarray:
    """Occurrences of each k-mer in each stretch: int32, shape (n, 4^k)."""
    n_kmers = 4**k
    counts = np.zeros((len(starts), n_kmers), dtype=np.int32)
    for row in range(len(starts)):
        value = run = 0
        for at in range(starts[row], ends[row]):
            code = codes[at]
            if code >= N_CODE:
                run = value = 0
                continue
            value = (value * 4 + code) % n_kmers
            run += 1
            if run >= k:
                counts[row, value] += 1
    return counts
