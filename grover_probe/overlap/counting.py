"""Exact counts of tokens inside intervals: sorted tokens against merged intervals, each found by galloping search.

The kernels know arrays only. A token counts as inside when it shares at least one base with an interval.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from grover_probe.annotation import Intervals
from grover_probe.corpus import Corpus
from grover_probe.display import brief


@dataclass(frozen=True)
class TokenCounts:
    """Occurrences of each token, by id; int64, shape (n_ids,) each.

    Attributes
    ----------
    count
        Occurrences.
    inside
        Occurrences that share at least one base with an interval.
    bases
        Bases of the token's occurrences that lie in intervals.
    """

    count: np.ndarray
    inside: np.ndarray
    bases: np.ndarray

    __repr__ = brief


def count_tokens(corpus: Corpus, intervals: Intervals, runs: np.ndarray | None = None) -> TokenCounts:
    """Count each token of a corpus and its occurrences inside intervals.

    Parameters
    ----------
    corpus
        The tokens.
    intervals
        One class of annotation.
    runs
        Token ranges that count, shape (n, 2); all tokens when None.
    """
    n_ids = len(corpus.token_lengths)
    total = np.zeros(n_ids, dtype=np.int64)
    inside, bases = np.zeros_like(total), np.zeros_like(total)
    if runs is None:
        runs = np.stack([corpus.bounds[:-1], corpus.bounds[1:]], axis=1)
    for begin, stop in runs[runs[:, 0] < runs[:, 1]]:
        part = intervals.on(corpus.chroms[int(corpus.chrom_of(begin))])
        ids, starts = corpus.ids[begin:stop], corpus.starts[begin:stop]
        total += np.bincount(ids, minlength=n_ids)
        found = count_inside(starts, ids, corpus.token_lengths, part)
        inside += found[0]
        bases += found[1]
    return TokenCounts(total, inside, bases)


def count_inside(
    starts: np.ndarray, ids: np.ndarray, lengths: np.ndarray, intervals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Occurrences inside intervals and their bases inside, by token id.

    Parameters
    ----------
    starts, ids
        First base and id of each token in order of position, shape (n_tokens,); tokens do not overlap.
    lengths
        Bases of each token by id, shape (n_ids,).
    intervals
        Sorted, not overlapping (they may touch), shape (n, 2).

    Returns
    -------
    inside, bases : np.ndarray
        int64, shape (n_ids,).
    """
    inside, bases = np.zeros(len(lengths), dtype=np.int64), np.zeros(len(lengths), dtype=np.int64)
    if len(starts) and len(intervals):
        _count(starts, ids, lengths, np.ascontiguousarray(intervals), inside, bases)
    return inside, bases + inside * lengths


@njit(cache=True, nogil=True)
def _count(starts, ids, lengths, intervals, inside, outside):  # type: ignore[no-untyped-def]
    """Add to `inside`; to `outside` what a counted token's bases inside differ from its length (0 or below)."""
    counted = 0  # tokens before this one are done
    at = 0
    for number in range(len(intervals)):
        low, high = intervals[number, 0], intervals[number, 1]
        first = _first_from(starts, at, low)
        if first > 0 and starts[first - 1] + lengths[ids[first - 1]] > low:
            first -= 1
        last = _first_from(starts, first, high)
        at = max(last - 1, 0)
        if first == last:
            continue
        if first < counted:  # touched by the interval before, which took its other bases away
            token = ids[first]
            end = min(starts[first] + lengths[token], high)
            outside[token] += end - max(low, starts[first])
        elif starts[first] < low:
            outside[ids[first]] -= low - starts[first]
        token = ids[last - 1]
        beyond = starts[last - 1] + lengths[token] - high
        if beyond > 0 and last - 1 >= counted:
            outside[token] -= beyond
        for i in range(max(first, counted), last):
            inside[ids[i]] += 1
        counted = last


@njit(cache=True, nogil=True)
def _first_from(starts, at, position):  # type: ignore[no-untyped-def]
    """First token from `at` on that starts at `position` or later: steps that double, then bisection."""
    n = len(starts)
    if at >= n or starts[at] >= position:
        return at
    step = 1
    low = at
    while low + step < n and starts[low + step] < position:
        low += step
        step *= 2
    high = min(low + step, n)
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] < position:
            low = middle
        else:
            high = middle
    return high
