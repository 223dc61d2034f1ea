"""Byte-pair encoding as its definition says it: slow, readable, and what the fast kernels must equal.

After Sennrich, Haddow and Birch (2016), with the details that decide a result spelled out:

* every adjacent pair of tokens counts, so the pair (A, A) occurs twice in AAA;
* the pair with the highest count is merged next; of several the one with the smallest ids, left before right;
* a merge is applied from left to right without overlap, so AAA becomes AA A;
* no pair spans a break.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from grover_probe.bpe.merges import BASES, FIRST_MERGE_ID, FIRST_PIECE_ID


def split_bases(text: str) -> list[list[int]]:
    """Ids of the bases of each run of A, C, G, T; anything else is a break."""
    runs: list[list[int]] = [[]]
    for letter in text:
        if letter in BASES:
            runs[-1].append(FIRST_PIECE_ID + BASES.index(letter))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def merge_pair(tokens: Sequence[int], pair: tuple[int, int], new: int) -> list[int]:
    """Replace `pair` by `new`, left to right, without overlap."""
    merged: list[int] = []
    position = 0
    while position < len(tokens):
        if tuple(tokens[position : position + 2]) == pair:
            merged.append(new)
            position += 2
        else:
            merged.append(tokens[position])
            position += 1
    return merged


def train(texts: Iterable[str], n_merges: int) -> list[tuple[int, int, int]]:
    """The first `n_merges` merges (left id, right id, count); fewer when nothing is left to merge."""
    runs = [run for text in texts for run in split_bases(text)]
    merges: list[tuple[int, int, int]] = []
    while len(merges) < n_merges:
        counts = Counter(pair for run in runs for pair in pairwise(run))
        if not counts:
            break
        pair, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        runs = [merge_pair(run, pair, FIRST_MERGE_ID + len(merges)) for run in runs]
        merges.append((*pair, count))
    return merges


def encode(text: str, merges: Iterable[Sequence[int]]) -> list[int]:
    """Token ids of a text: of its pairs the one of the best rank is merged, until none has a rank."""
    ranks = {(left, right): rank for rank, (left, right, *_) in enumerate(merges)}
    tokens: list[int] = []
    for run in split_bases(text):
        while len(run) > 1:
            pair = min(pairwise(run), key=lambda pair: ranks.get(pair, len(ranks)))
            if pair not in ranks:
                break
            run = merge_pair(run, pair, FIRST_MERGE_ID + ranks[pair])
        tokens += run
    return tokens
