"""Kernels on the marked sequence: the state of a text while it is merged.

The marked sequence is a uint16 array with one entry per base. A token's number (A, C, G, T = 0-3, merges from
4) stands at its first and at its last base, `FILL` at the bases between them, and `BREAK` where a sequence is
broken. So both neighbours of a token are one step away, and no linked list is needed. For two different
tokens a and b, ``marks[p] == a and marks[p + 1] == b`` holds exactly where a's last base is at p and b starts
at p + 1: looking for a pair is a comparison of whole vectors. The array has `PADDING` entries of `BREAK` at
both ends.
"""

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

FILL = 65535
BREAK = 65534
MAX_TOKENS = 65000  # numbers above are kept for FILL and BREAK
PADDING = 64
_BLOCK = 2048  # bases whose comparison results fit the first-level cache


@njit(nogil=True, cache=True)
def mark_bases(codes: np.ndarray, marks: np.ndarray, counts: np.ndarray) -> None:
    """Write base codes into `marks` (of the same length) and add their pairs to `counts`."""
    mark_of = np.array([0, 1, 2, 3, BREAK], dtype=np.uint16)
    # Four tables in turn: to increase the same number twice in a row makes the processor wait.
    found = np.zeros((4, 5, 5), dtype=np.int64)
    previous = 4
    for i in range(codes.size):
        code = min(codes[i], 4)
        marks[i] = mark_of[code]
        found[i & 3, previous, code] += 1
        previous = code
    for left in range(4):
        for right in range(4):
            counts[left, right] += found[:, left, right].sum()


@intrinsic
def trailing_zeros(typing_context, word):  # type: ignore[no-untyped-def]
    """Index of the lowest set bit of a uint64 that is not 0: one machine instruction."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@njit(nogil=True, cache=True)
def _find(marks: np.ndarray, begin: int, n: int, a: int, b: int, hits: np.ndarray) -> None:
    """hits[j] = whether a junction a|b may lie at begin + j (a loop that compiles to vector code)."""
    window = marks[begin : begin + n + 1]
    left, right = np.uint16(a), np.uint16(b)
    for j in range(n):
        hits[j] = (window[j] == left) & (window[j + 1] == right)


@njit(nogil=True, cache=True)
def quiet_cut(marks: np.ndarray, begin: int, end: int, pair: tuple[int, int], lengths: tuple[int, int]) -> int:
    """A place from about `begin` on where two threads may part to merge `pair` on either side; `end` if none.

    What a merge reads and writes reaches one base beyond its two tokens, so a stretch of that size without
    the pair keeps the threads apart.
    """
    clear = 0
    for p in range(begin, end):
        if marks[p] == pair[0] and marks[p + 1] == pair[1]:
            clear = 0
        else:
            clear += 1
            if clear >= lengths[0] + lengths[1] + 2:
                return p + 1 - lengths[0]
    return end


@njit(nogil=True, cache=True)
def merge_at(
    marks: np.ndarray, p: int, c: int, a_length: int, b_length: int, before: np.ndarray, after: np.ndarray
) -> None:
    """Merge the tokens on both sides of the junction at p into c; count the neighbours by their marks."""
    start = p + 1 - a_length
    last = p + b_length
    before[marks[start - 1]] += 1
    after[marks[last + 1]] += 1
    marks[p] = FILL
    marks[p + 1] = FILL
    marks[start] = c
    marks[last] = c


@njit(nogil=True, cache=True)
def merge_scan(
    marks: np.ndarray,
    begin: int,
    end: int,
    pair: tuple[int, int, int],
    pair_lengths: tuple[int, int],
    before: np.ndarray,
    after: np.ndarray,
) -> int:
    """Merge every a|b with its junction in [begin, end), left to right; returns how many.

    `pair` is (a, b, new token). `before` and `after`, shape (65536,), are increased for the mark to the left
    and to the right of each merged pair at the time it is merged.
    """
    a, b, c = pair
    a_length, b_length = pair_lengths
    # Only a token of two bases looks like a pair of itself from the inside.
    twin = a == b and a_length == 2
    hits = np.zeros(_BLOCK, dtype=np.uint8)
    words = hits.view(np.uint64)
    n_merged = 0
    for block in range(begin, end, _BLOCK):
        n = min(_BLOCK, end - block)
        _find(marks, block, n, a, b, hits)
        hits[n:] = 0
        for w in range((n + 7) >> 3):
            word = words[w]
            while word != 0:
                p = block + 8 * w + np.int64(trailing_zeros(word) >> np.uint64(3))
                word &= word - np.uint64(1)
                # Looked at again because a merge just before may have taken the left token.
                if marks[p] != a or marks[p + 1] != b:
                    continue
                junction = p
                if twin:
                    if marks[p + 2] != a:
                        continue
                    junction = p + 1
                merge_at(marks, junction, c, a_length, b_length, before, after)
                n_merged += 1
    return n_merged
