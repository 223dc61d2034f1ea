"""Kernels for merging by an index: where the junctions of a pair are, so that a merge costs what it changes.

An occurrence of a pair comes into being with the newer of its two tokens, and after that only goes away. So
the junctions of the pairs of a new token are listed once, when it is made, and never added to. A junction
that has gone since is recognised by its marks. Lists are in the order of the sequence.
"""

import numpy as np
from numba import njit

from grover_probe.bpe._marks import BREAK, FILL, merge_at

_BLOCK = 256  # junctions looked at together


@njit(nogil=True, cache=True)
def update_tops(counts: np.ndarray, merged: tuple[int, int], before: np.ndarray, tops: np.ndarray) -> None:
    """Keep the first largest entry of each row of `counts` after a merge made its last row and column.

    `tops`, shape (n_tokens, 2), has its value and column. A row x changes at the left token's and the new token's
    column when `before[x]` is not 0; the rows of the merged tokens change anywhere.
    """
    left, right = merged
    n = counts.shape[0]
    for x in range(n):
        if x in (left, right, n - 1) or (before[x] != 0 and tops[x, 1] == left):
            value, column = counts[x, 0], 0
            for y in range(1, n):
                if counts[x, y] > value:
                    value, column = counts[x, y], y
            tops[x, 0], tops[x, 1] = value, column
        elif counts[x, n - 1] > tops[x, 0]:
            tops[x, 0], tops[x, 1] = counts[x, n - 1], n - 1


@njit(nogil=True, cache=True)
def token_start(marks: np.ndarray, begin: int, end: int) -> int:
    """The first place after `begin` that is certainly between two tokens; `end` when there is none before it."""
    for p in range(begin, end):
        # Inside a token of two bases both marks are the same.
        if marks[p] != marks[p + 1] and marks[p] != FILL and marks[p + 1] != FILL:
            return p + 1
    return end


@njit(nogil=True, cache=True)
def count_junctions(
    marks: np.ndarray, begin: int, end: int, lengths: np.ndarray, list_of: np.ndarray, sizes: np.ndarray
) -> None:
    """Count the junctions of each list. `list_of` has its number by pair; `begin` starts a token."""
    p = begin
    while p < end:
        token = marks[p]
        if token == BREAK:
            p += 1
            continue
        p += lengths[token]
        if marks[p] != BREAK:
            sizes[list_of[token, marks[p]]] += 1


@njit(nogil=True, cache=True)
def list_junctions(
    marks: np.ndarray,
    begin: int,
    end: int,
    lengths: np.ndarray,
    list_of: np.ndarray,
    free: np.ndarray,
    moves: np.ndarray,
    junctions: np.ndarray,
) -> None:
    """Write the junctions of each list to `junctions`.

    `free` has the next place of each list and is moved on by `moves`, which is 0 for the pairs that get no
    list: to write those too, over each other, is quicker than to ask.
    """
    p = begin
    while p < end:
        token = marks[p]
        if token == BREAK:
            p += 1
            continue
        p += lengths[token]
        if marks[p] != BREAK:
            number = list_of[token, marks[p]]
            place = free[number]
            junctions[place] = p - 1
            free[number] = place + moves[number]


@njit(nogil=True, cache=True)
def list_cut(junctions: np.ndarray, begin: int, gap: int) -> int:
    """The first entry from `begin` on that is more than `gap` bases after the one before."""
    for i in range(max(begin, 1), junctions.size):
        if junctions[i] > junctions[i - 1] + gap:
            return i
    return junctions.size


@njit(nogil=True, cache=True)
def merge_listed(
    marks: np.ndarray,
    junctions: np.ndarray,
    pair: tuple[int, int, int],
    pair_lengths: tuple[int, int],
    before: np.ndarray,
    after: np.ndarray,
    made: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> int:
    """Merge a|b at the listed junctions where it still is; returns how many.

    `before` and `after` as in `merge_scan`. `made` takes the last base of each new token and the marks to its
    left and right at the time.
    """
    a, b, c = pair
    a_length, b_length = pair_lengths
    last, previous, following = made
    n = 0
    present = np.empty(_BLOCK, dtype=np.bool_)
    for block in range(0, junctions.size, _BLOCK):
        stop = min(block + _BLOCK, junctions.size)
        # Without branches the processor waits for many memory accesses at a time.
        for i in range(block, stop):
            p = np.int64(junctions[i])
            present[i - block] = (marks[p] == a) & (marks[p + 1] == b)
        for i in range(block, stop):
            p = np.int64(junctions[i])
            # Looked at again because in a run of one token the merge just before may have taken the left one.
            if not present[i - block] or marks[p] != a or marks[p + 1] != b:
                continue
            last[n] = p + b_length
            previous[n] = marks[p - a_length]
            following[n] = marks[p + b_length + 1]
            merge_at(marks, p, c, a_length, b_length, before, after)
            n += 1
    return n


@njit(nogil=True, cache=True)
def list_made(
    last: np.ndarray,
    previous: np.ndarray,
    following: np.ndarray,
    length: int,
    free_before: np.ndarray,
    free_after: np.ndarray,
    junctions: np.ndarray,
) -> None:
    """List the junctions of new tokens by their neighbour; places as in `list_junctions`, -1 for no list."""
    for i in range(last.size):
        x = previous[i]
        if free_before[x] >= 0:
            junctions[free_before[x]] = last[i] - length
            free_before[x] += 1
        y = following[i]
        if free_after[y] >= 0:
            junctions[free_after[y]] = last[i]
            free_after[y] += 1
