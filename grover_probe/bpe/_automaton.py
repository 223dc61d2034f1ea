"""Compiles a merge table over A, C, G, T into a deterministic automaton that encodes.

The encoding of a prefix ends in one certain token. Which one it is after the next base depends on little: for
each suffix of the prefix that begins some piece, on the last token before that suffix. A piece may follow a
token if the two are *compatible*, that is, if encoding their joined text gives just these two; a row of
tokens is the encoding of its text if and only if all neighbours are compatible. Those suffixes with the
pieces that they may still become are the state of the automaton; 600 merges of the human genome give about
1,200 states. Encoding then is one table look-up per base, and walking back over the last tokens.

That byte-pair encoding has such automata is shown by Berglund, Martens and van der Merwe, "Constructing a BPE
tokenization DFA" (2024); compatibility of neighbours is the criterion of linear-time encoders such as the
Rust crate `bpe`. What is built here is a subset construction over the pieces of four letters.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from grover_probe.bpe.merges import BASES, FIRST_MERGE_ID, FIRST_PIECE_ID, Merges
from grover_probe.bpe.reference import merge_pair, split_bases
from grover_probe.display import brief
from grover_probe.errors import InputError

NO_TOKEN = 65535
STRIDE = 8  # entries per state in the step table; a power of two
BREAK_SYMBOL = 4
_NEVER = np.int64(1 << 40)


@dataclass(frozen=True)
class Automaton:
    """Encodes base codes, one look-up per base.

    Attributes
    ----------
    step
        uint32, shape (n_states * STRIDE,): at ``state * STRIDE + symbol`` the next state. Symbols 0-3 are the
        bases; the others are breaks and lead to state 0, in which every text starts.
    token
        uint16, shape (n_states,): the last piece (id less 5) of the encoding of a prefix that leads to this
        state; `NO_TOKEN` for state 0.
    length
        uint8, shape (n_states,): bases of that piece; 1 for state 0.
    """

    step: np.ndarray
    token: np.ndarray
    length: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.token)


def build(merges: Merges) -> Automaton:
    """The automaton of a merge table.

    Raises
    ------
    InputError
        When a piece is longer than 255 bases.
    """
    pieces = merges.pieces
    if max(map(len, pieces)) > 255:
        raise InputError(f"a token of {max(map(len, pieces))} bases; at most 255 are supported")
    reachable, left, right = _spines(merges)
    rows = _rows(_compatible(merges, reachable, left, right))
    child, piece_at, below = _trie(pieces)
    every = sum(1 << piece for piece in range(len(pieces)) if reachable[piece])
    start: tuple[int, _Growing] = (NO_TOKEN, ((0, every),))
    number: dict[tuple[int, _Growing], int] = {start: 0}
    queue: list[tuple[int, _Growing]] = [start]
    step: list[int] = []
    for _, growing in queue:  # grows while it is read
        for symbol in range(len(BASES)):
            state = _advance(growing, symbol, child, piece_at, below, rows)
            if state not in number:
                number[state] = len(number)
                queue.append(state)
            step.append(number[state])
    table = np.zeros((len(queue), STRIDE), dtype=np.uint32)
    table[:, : len(BASES)] = np.array(step).reshape(-1, len(BASES))
    token = np.array([token for token, _ in queue], dtype=np.uint16)
    length = np.array([1] + [len(pieces[token]) for token, _ in queue[1:]], dtype=np.uint8)
    return Automaton(table.ravel(), token, length)


_Growing = tuple[tuple[int, int], ...]  # trie node and, as bits, the pieces below it that may follow what is before


def _advance(
    growing: _Growing,
    symbol: int,
    child: list[list[int]],
    piece_at: list[int],
    below: list[int],
    rows: list[int],
) -> tuple[int, _Growing]:
    last = NO_TOKEN
    longer = []
    for node, allowed in growing:
        node = child[node][symbol]
        allowed &= below[node]
        if not allowed:
            continue
        piece = piece_at[node]
        if piece >= 0 and allowed >> piece & 1:
            last = piece  # the only one: a prefix has one encoding
            allowed &= ~(1 << piece)
        if allowed:
            longer.append((node, allowed))
    longer.append((0, rows[last]))
    return last, tuple(longer)


def _trie(pieces: tuple[str, ...]) -> tuple[list[list[int]], list[int], list[int]]:
    """Children by base, the piece that ends there (-1: none) and the pieces below as bits, per node.

    Node 0 is the root and node 1 a dead end that has no pieces below it.
    """
    child, piece_at, below = [[1] * 4, [1] * 4], [-1, -1], [0, 0]
    for number, text in enumerate(pieces):
        node = 0
        for base in text:
            symbol = BASES.index(base)
            if child[node][symbol] == 1:
                child[node][symbol] = len(child)
                child.append([1] * 4)
                piece_at.append(-1)
                below.append(0)
            node = child[node][symbol]
            below[node] |= 1 << number
        piece_at[node] = number
    return child, piece_at, below


def _spines(merges: Merges) -> tuple[np.ndarray, list[list[int]], list[list[int]]]:
    """What is in turn at the edges of each piece while it is built.

    Returns
    -------
    reachable
        bool, shape (n_pieces,): whether the text of a piece encodes to that piece.
    left, right
        For each piece its leftmost and its rightmost tokens (ids), from the base to the piece itself.
    """
    pairs = [(int(a), int(b)) for a, b in merges.pairs]
    rank = {pair: i for i, pair in enumerate(pairs)}
    reachable = np.zeros(len(merges.pieces), dtype=bool)
    left, right = [], []
    for piece, text in enumerate(merges.pieces):
        (tokens,) = split_bases(text)
        firsts, lasts = [tokens[0]], [tokens[-1]]
        while len(tokens) > 1:
            best = min(pairwise(tokens), key=lambda pair: rank.get(pair, len(rank)))
            if best not in rank:
                break
            tokens = merge_pair(tokens, best, FIRST_MERGE_ID + rank[best])
            firsts += [tokens[0]] if tokens[0] != firsts[-1] else []
            lasts += [tokens[-1]] if tokens[-1] != lasts[-1] else []
        reachable[piece] = tokens == [piece + FIRST_PIECE_ID]
        left.append(firsts)
        right.append(lasts)
    return reachable, left, right


def _compatible(merges: Merges, reachable: np.ndarray, left: list[list[int]], right: list[list[int]]) -> np.ndarray:
    """bool, shape (n_pieces, n_pieces): whether the second piece may follow the first."""
    n = len(merges.pieces)
    rank_of_pair = np.full((n, n), _NEVER, dtype=np.int64)
    numbers = merges.pairs.astype(np.int64) - FIRST_PIECE_ID
    rank_of_pair[numbers[:, 0], numbers[:, 1]] = np.arange(len(numbers))
    found = np.zeros((n, n), dtype=np.bool_)
    _fill_compatible(rank_of_pair, _padded(left), _padded(right), found)
    return found & reachable & reachable[:, None]


def _padded(spines: list[list[int]]) -> np.ndarray:
    """Piece numbers, shape (n_pieces, depth + 1), filled up with -1."""
    table = np.full((len(spines), max(map(len, spines)) + 1), -1, dtype=np.int64)
    for row, spine in zip(table, spines, strict=True):
        row[: len(spine)] = np.array(spine) - FIRST_PIECE_ID
    return table


@njit(nogil=True, cache=True)
def _fill_compatible(rank_of_pair: np.ndarray, left: np.ndarray, right: np.ndarray, found: np.ndarray) -> None:
    """Walk in time along the tokens on both sides of the border, until a merge crosses it or none can.

    At equal rank the left piece's own merge comes before one across the border, and that before the right
    piece's own: merges go from left to right.
    """
    n_bases = len(BASES)
    for first in range(found.shape[0]):
        for second in range(found.shape[0]):
            i = j = 0
            while True:
                x, y = right[first, i], left[second, j]
                x_ends = right[first, i + 1] - n_bases if right[first, i + 1] >= 0 else _NEVER
                y_ends = left[second, j + 1] - n_bases if left[second, j + 1] >= 0 else _NEVER
                across = rank_of_pair[x, y]
                if across < x_ends and across <= y_ends and across < _NEVER:
                    break
                if x_ends == _NEVER and y_ends == _NEVER:
                    found[first, second] = True
                    break
                if x_ends <= y_ends:
                    i += 1
                else:
                    j += 1


def _rows(compatible: np.ndarray) -> list[int]:
    """Each row as the bits of an integer."""
    packed = np.packbits(compatible, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
