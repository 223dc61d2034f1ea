"""Longest-match tokenisation: at each place the longest token of the vocabulary, from left to right.

This is what a WordPiece tokenizer does with a list of tokens (``vocab.txt``) that says nothing of the order of merges.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit

from grover_probe.bpe.encode import Encoding
from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.genome import N_CODE, encode_bases
from grover_probe.kmer import AnyTokenizer
from grover_probe.vocabulary.stability import Row, agreement
from grover_probe.vocabulary.windows import inner, lay_boundaries


class LongestMatch:
    """Encodes with the tokens of another tokenizer, by longest match.

    Parameters
    ----------
    tokenizer
        Its pieces, the four bases among them, and their ids are taken.
    """

    def __init__(self, tokenizer: AnyTokenizer) -> None:
        self.lengths = tokenizer.lengths
        self.hash = f"longest-match-{tokenizer.hash}"
        self._child, self._id_at = _trie(tokenizer.pieces)

    def encode(self, codes: np.ndarray) -> Encoding:
        """Tokens of a sequence of base codes, uint8, shape (n_bases,); values above 3 belong to no token."""
        codes = np.ascontiguousarray(codes, dtype=np.uint8)
        ids = np.empty(len(codes), dtype=np.uint16)
        starts = np.empty(len(codes), dtype=np.uint32 if len(codes) < 1 << 32 else np.int64)
        count = _match(codes, self._child, self._id_at, ids, starts)
        return Encoding(ids[:count].copy(), starts[:count].copy())


def longest_match(tokenizer: AnyTokenizer, codes: np.ndarray) -> Iterator[Row]:
    """Encode with the tokenizer and by longest match with its tokens: which boundaries differ?

    Parameters
    ----------
    tokenizer
        Any.
    codes
        Base codes, shape (n, width).

    Yields
    ------
    ``boundaries_differ``: one less the Jaccard index; ``boundaries_lost``: share of the tokenizer's boundaries that
    longest match does not have; ``tokens_ratio``: tokens by longest match per token of the tokenizer.
    """
    ours, greedy = lay_boundaries(tokenizer, codes), lay_boundaries(LongestMatch(tokenizer), codes)
    where = inner(codes)
    n = len(codes)
    yield "longest_match", "boundaries_differ", 1 - agreement(ours, greedy, where)[0], n
    yield "longest_match", "boundaries_lost", float((ours & ~greedy & where).sum() / (ours & where).sum()), n
    # A row of tokens has one boundary more than tokens.
    yield "longest_match", "tokens_ratio", float((greedy.sum() - n) / (ours.sum() - n)), n


def _trie(pieces: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Children by base (0: none) and the token id at each node (0: none); node 0 is the root."""
    child, id_at = [[0] * 4], [0]
    for token_id, piece in enumerate(pieces, start=FIRST_PIECE_ID):
        node = 0
        for code in encode_bases(piece).tolist():
            if not child[node][code]:
                child[node][code] = len(child)
                child.append([0] * 4)
                id_at.append(0)
            node = child[node][code]
        id_at[node] = token_id
    return np.array(child, dtype=np.int32), np.array(id_at, dtype=np.uint16)


@njit(nogil=True, cache=True)
def _match(codes: np.ndarray, child: np.ndarray, id_at: np.ndarray, ids: np.ndarray, starts: np.ndarray) -> int:
    """Write ids and starts; returns how many."""
    free = position = 0
    while position < len(codes):
        if codes[position] >= N_CODE:
            position += 1
            continue
        node, end, found = 0, position, 0
        i = position
        while i < len(codes) and codes[i] < N_CODE and child[node, codes[i]] > 0:
            node = child[node, codes[i]]
            i += 1
            if id_at[node] > 0:
                end, found = i, id_at[node]
        ids[free], starts[free] = found, position
        free += 1
        position = end
    return free
