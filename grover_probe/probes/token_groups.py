"""Groups of tokens that are near-copies of each other, to be held out together.

A merged token contains the tokens it was made of, so AAAAT tells a probe what AAAATA is. Tokens have no place on a
genome; what can leak between them is shared sequence. Two tokens are alike by the longest stretch of bases that they
share, on the same or on opposite strands: 2 |stretch| / (|a| + |b|). Average linkage on 1 - likeness, cut at a half,
gives the groups. Single linkage would join all of a BPE dictionary in one chain.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from grover_probe.genome import encode_bases

CUT = 0.5
_MOST = 5_000  # tokens: the distances of more would not fit


def token_groups(sequences: Sequence[str], cut: float = CUT) -> np.ndarray:
    """Group tokens by shared sequence.

    Parameters
    ----------
    sequences
        Upper case A, C, G, T, none empty.
    cut
        Mean distance above which groups are not joined, 0 to 1.

    Returns
    -------
    np.ndarray
        int64, shape (n_tokens,). Beyond 5,000 tokens the groups are the first six bases.
    """
    if len(sequences) > _MOST:
        return np.unique([text[:6] for text in sequences], return_inverse=True)[1].astype(np.int64)
    if len(sequences) < 2:
        return np.zeros(len(sequences), dtype=np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage

    distance = 1 - likeness(sequences)
    condensed = distance[np.triu_indices(len(sequences), 1)]
    return fcluster(linkage(condensed, "average"), cut, "distance").astype(np.int64)


def likeness(sequences: Sequence[str]) -> np.ndarray:
    """2 |longest common stretch| / (|a| + |b|), of either strand: float64, shape (n, n)."""
    longest = max(len(text) for text in sequences)
    codes = np.full((len(sequences), longest), 9, dtype=np.uint8)
    lengths = np.array([len(text) for text in sequences], dtype=np.int64)
    for row, text in enumerate(sequences):
        codes[row, : len(text)] = encode_bases(text)
    return _likeness(codes, lengths)


@njit(nogil=True, cache=True)
def _likeness(codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    n = len(lengths)
    found = np.ones((n, n))
    for a in range(n):
        for b in range(a + 1, n):
            best = max(
                _longest_common(codes[a, : lengths[a]], codes[b, : lengths[b]]),
                _longest_common(codes[a, : lengths[a]], 3 - codes[b, : lengths[b]][::-1]),
            )
            found[a, b] = found[b, a] = 2 * best / (lengths[a] + lengths[b])
    return found


@njit(nogil=True, cache=True)
def _longest_common(a: np.ndarray, b: np.ndarray) -> int:
    """Length of the longest stretch that two sequences share."""
    best = 0
    run = np.zeros(len(b) + 1, dtype=np.int64)
    for i in range(len(a)):
        for j in range(len(b), 0, -1):
            run[j] = run[j - 1] + 1 if a[i] == b[j - 1] else 0
            best = max(best, run[j])
    return best
