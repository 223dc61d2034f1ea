"""The columns of a tab-separated text as numbers, in one pass over its bytes."""

from typing import NamedTuple

import numpy as np
from numba import njit

_TAB, _NEWLINE, _RETURN, _SPACE, _HASH = 9, 10, 13, 32, 35
_ZERO, _NINE, _PLUS, _MINUS, _COMPLEMENT = ord("0"), ord("9"), ord("+"), ord("-"), ord("C")
_TRACK, _BROWSER = np.frombuffer(b"track", dtype=np.uint8), np.frombuffer(b"browser", dtype=np.uint8)
_FNV_START, _FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


class Scan(NamedTuple):
    """Lines of data; a `bad_line` above 0 is the first line that is not plain, where the scan stopped.

    Spans are byte ranges, shape (n, 2); hashes are the same for the same text.
    """

    line: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    chrom_hash: np.ndarray
    chrom_span: np.ndarray
    class_hash: np.ndarray
    class_span: np.ndarray
    bad_line: int
    bad_span: tuple[int, int]


def scan(content: bytes, chrom: int, start: int, end: int, strand: int, klass: int, header_line: int) -> Scan:
    """Read columns (from 0; -1 for none) of every line that is neither blank, a comment nor a track or browser line.

    A line is plain when it has the columns, a chromosome name without blanks at its ends and whole numbers with
    0 <= start <= end. The caller says what is wrong with the first that is not.
    """
    text = np.frombuffer(content, dtype=np.uint8)
    return Scan(*_scan(text, content.count(b"\n"), chrom, start, end, strand, klass, header_line))


@njit(cache=True)
def _scan(text, n_lines, chrom, start, end, strand, klass, header_line):  # type: ignore[no-untyped-def]
    line = np.empty(n_lines, np.int64)
    starts, ends = np.empty(n_lines, np.int64), np.empty(n_lines, np.int64)
    strands = np.zeros(n_lines, np.int8)
    chrom_hash, class_hash = np.zeros(n_lines, np.uint64), np.zeros(n_lines, np.uint64)
    chrom_span, class_span = np.zeros((n_lines, 2), np.int64), np.zeros((n_lines, 2), np.int64)
    n = number = low = bad = 0
    bad_low = bad_high = 0
    needed = max(chrom, start, end, klass) + 1
    while low < len(text):
        high = low
        while text[high] != _NEWLINE:
            high += 1
        number += 1
        after = high + 1
        if high > low and text[high - 1] == _RETURN:
            high -= 1
        if number == header_line or _is_header(text, low, high):
            low = after
            continue
        column, begin, good = 0, low, True
        for at in range(low, high + 1):
            if at < high and text[at] != _TAB:
                continue
            if column == chrom:
                chrom_span[n, 0], chrom_span[n, 1] = begin, at
                good &= at > begin and text[begin] > _SPACE and text[at - 1] > _SPACE
            elif column == start:
                starts[n] = _whole(text, begin, at)
                good &= starts[n] >= 0
            elif column == end:
                ends[n] = _whole(text, begin, at)
                good &= ends[n] >= 0
            elif column == strand and at == begin + 1:
                strands[n] = (text[begin] == _PLUS) - (text[begin] == _MINUS) - (text[begin] == _COMPLEMENT)
            if column == klass:
                class_span[n, 0], class_span[n, 1] = begin, at
            column += 1
            begin = at + 1
        if not good or column < needed or ends[n] < starts[n]:
            bad, bad_low, bad_high = number, low, high
            break
        chrom_hash[n] = _hash(text, chrom_span[n, 0], chrom_span[n, 1])
        class_hash[n] = _hash(text, class_span[n, 0], class_span[n, 1])
        line[n] = number
        n += 1
        low = after
    return (
        line[:n], starts[:n], ends[:n], strands[:n], chrom_hash[:n], chrom_span[:n], class_hash[:n], class_span[:n],
        bad, (bad_low, bad_high),
    )  # fmt: skip


@njit(cache=True)
def _is_header(text, low, high):  # type: ignore[no-untyped-def]
    """Blank, a comment, a track or a browser line."""
    if low == high or text[low] == _HASH:
        return True
    for word in (_TRACK, _BROWSER):
        same = high - low >= len(word)
        for i in range(len(word)):
            same = same and text[low + i] == word[i]
        if same:
            return True
    at = low
    while at < high and (text[at] == _SPACE or text[at] == _TAB):
        at += 1
    return at == high


@njit(cache=True)
def _whole(text, low, high):  # type: ignore[no-untyped-def]
    """A whole number with blanks around it, or -1."""
    while low < high and text[low] == _SPACE:
        low += 1
    while high > low and text[high - 1] == _SPACE:
        high -= 1
    if low == high or high - low > 18:
        return -1
    value = 0
    for at in range(low, high):
        if text[at] < _ZERO or text[at] > _NINE:
            return -1
        value = 10 * value + int(text[at] - _ZERO)
    return value


@njit(cache=True)
def _hash(text, low, high):  # type: ignore[no-untyped-def]
    """FNV-1a, 64 bits."""
    found = _FNV_START
    for at in range(low, high):
        found = (found ^ np.uint64(text[at])) * _FNV_PRIME
    return found
