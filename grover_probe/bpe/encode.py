"""Exact byte-pair encoding of DNA in linear time.

The merge table is compiled into an automaton (`grover_probe.bpe._automaton`); the ids are those of merging
pair by pair, whatever the number of threads and however a sequence is cut for them.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from grover_probe.bpe import _automaton
from grover_probe.bpe._walk import SETTLE, backward, forward, settle
from grover_probe.bpe.merges import BASES, FIRST_PIECE_ID, SPECIAL_TOKENS, Merges
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, encode_bases

CHUNK = 1 << 20  # bases per chunk: enough of them for all threads, and small beside a chromosome
_CODE_OF_LETTER = np.full(256, N_CODE, dtype=np.uint8)
_CODE_OF_LETTER[np.frombuffer(BASES.encode(), dtype=np.uint8)] = np.arange(len(BASES))


@dataclass(frozen=True)
class Encoding:
    """Tokens of one sequence.

    Attributes
    ----------
    ids
        uint16, shape (n_tokens,): token ids.
    starts
        uint32 (int64 beyond 4 Gbp), shape (n_tokens,): first base of each token, 0-based. Without breaks the
        tokens partition the sequence; bases that are not A, C, G or T belong to no token.
    """

    ids: np.ndarray
    starts: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.ids)


class BPETokenizer:
    """Encodes and decodes DNA with a merge table; not changed once it is made.

    Parameters
    ----------
    merges
        What to merge, in rank order.
    n_ids
        Rows that a model's embedding needs; by default just enough (609 for 600 merges).

    Examples
    --------
    >>> tokenizer = load_tokenizer("tokenizer.json")  # doctest: +SKIP
    >>> encoding = tokenizer.encode(genome.codes("chr20"))  # doctest: +SKIP
    """

    def __init__(self, merges: Merges, n_ids: int | None = None) -> None:
        self.merges = merges
        self.pieces = merges.pieces
        needed = FIRST_PIECE_ID + len(self.pieces)
        if len(set(self.pieces)) < len(self.pieces):
            raise InputError("two merges make the same piece: not a merge table that training gives")
        self.n_ids = needed if n_ids is None else n_ids
        if self.n_ids < needed:
            raise InputError(f"{needed} token ids do not fit {self.n_ids} embedding rows")
        self._automaton = _automaton.build(merges)

    def __repr__(self) -> str:
        return f"BPETokenizer({len(self.merges)} merges, {self.n_ids} ids, hash {self.hash[:12]})"

    @property
    def special(self) -> dict[str, int]:
        """Ids of the special tokens by name."""
        return {name: number for number, name in enumerate(SPECIAL_TOKENS)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what decides the ids: special tokens, bases and merges."""
        content = {"special": SPECIAL_TOKENS, "bases": BASES, "merges": self.merges.pairs.tolist()}
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64, shape (n_ids,): bases of each token, 0 for special tokens."""
        table = np.zeros(self.n_ids, dtype=np.int64)
        table[FIRST_PIECE_ID : FIRST_PIECE_ID + len(self.pieces)] = [len(piece) for piece in self.pieces]
        return table

    @property
    def longest(self) -> int:
        """Bases of the longest piece."""
        return int(self.lengths.max())

    def piece_codes(self, token_id: int) -> np.ndarray:
        """Base codes of a token: uint8, shape (n_bases,); empty for special tokens."""
        number = token_id - FIRST_PIECE_ID
        return encode_bases(self.pieces[number] if 0 <= number < len(self.pieces) else "")

    def encode(self, codes: np.ndarray, *, threads: int | None = None) -> Encoding:
        """Tokens of a sequence.

        Parameters
        ----------
        codes
            Base codes, uint8, shape (n_bases,); values above 3 are breaks: what lies between two of them is
            encoded on its own, and they belong to no token.
        threads
            Threads for long sequences; all processors when None. The result does not depend on it.
        """
        codes = np.ascontiguousarray(codes, dtype=np.uint8)
        return _encode(self._automaton, codes, threads or os.cpu_count() or 1, CHUNK)

    def encode_text(self, text: str, *, threads: int | None = None) -> Encoding:
        """Tokens of a text. As in the Hugging Face tokenizer only upper case A, C, G and T are bases."""
        letters = np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8)
        return self.encode(_CODE_OF_LETTER[letters], threads=threads)

    def encode_batch(
        self, sequences: Sequence[np.ndarray] | Sequence[str], *, threads: int | None = None
    ) -> list[Encoding]:
        """Tokens of many sequences (base codes, or texts as for `encode_text`); quicker than one by one.

        They are joined with a break between two, so that short ones also keep all threads busy.
        """
        if not len(sequences):
            return []
        bounds = np.concatenate(([0], np.cumsum([len(sequence) + 1 for sequence in sequences]))).astype(np.int64)
        if isinstance(sequences[0], str):
            whole = self.encode_text("N".join(cast(Sequence[str], sequences)), threads=threads)
        else:
            joined = np.full(int(bounds[-1]), N_CODE, dtype=np.uint8)
            for begin, codes in zip(bounds.tolist(), cast(Sequence[np.ndarray], sequences), strict=False):
                joined[begin : begin + len(codes)] = codes
            whole = self.encode(joined, threads=threads)
        begins = bounds.astype(whole.starts.dtype)
        cuts = np.searchsorted(whole.starts, begins).tolist()
        return [
            Encoding(whole.ids[low:high], whole.starts[low:high] - begin)
            for low, high, begin in zip(cuts[:-1], cuts[1:], begins[:-1], strict=True)
        ]

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """The sequence of some tokens; special tokens give nothing.

        Raises
        ------
        InputError
            When an id is not one of this tokenizer.
        """
        ids = np.asarray(ids, dtype=np.int64).reshape(-1)
        table = [""] * FIRST_PIECE_ID + list(self.pieces)
        if ids.size and (ids.min() < 0 or ids.max() >= len(table)):
            raise InputError(f"token id {int(ids.max())}: this tokenizer has ids 0 to {len(table) - 1}")
        return "".join([table[number] for number in ids.tolist()])


def _encode(automaton: _automaton.Automaton, codes: np.ndarray, threads: int, chunk: int) -> Encoding:
    n = len(codes)
    offsets = np.uint32 if n < 1 << 32 else np.int64
    begins = range(0, n, chunk)
    work = [_Chunk(automaton, codes, begin, min(begin + chunk, n), offsets) for begin in begins]
    if threads > 1 and len(work) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(_Chunk.guess, work))
    else:
        for part in work:
            part.guess()
    state = 0
    for part in work:  # true states from the left ...
        state = part.confirm_state(state)
    end = n
    for part in reversed(work):  # ... true ends from the right
        end = part.confirm_end(end)
    if not work:
        return Encoding(np.empty(0, dtype=np.uint16), np.empty(0, dtype=offsets))
    return Encoding(np.concatenate([p.ids for p in work]), np.concatenate([p.starts for p in work]))


class _Chunk:
    """The tokens that start in [begin, end): first guessed from the chunk's surroundings, then confirmed.

    A run that starts `SETTLE` bases early and a walk back that starts `SETTLE` bases late are almost always
    right inside the chunk. Whether they are is decided by one comparison each, and a wrong guess is done
    again.
    """

    def __init__(self, automaton: _automaton.Automaton, codes: np.ndarray, begin: int, end: int, offsets: type) -> None:
        self.automaton, self.codes, self.begin, self.end, self.offsets = automaton, codes, begin, end, offsets

    def guess(self) -> None:
        """Encode the chunk from its surroundings."""
        self._run(settle(self.codes, self.begin, SETTLE, self.automaton.step), min(self.end + SETTLE, len(self.codes)))

    def confirm_state(self, state: int) -> int:
        """Start from the true state, and return the true one at the chunk's end."""
        if state != self.first_state:
            self._run(state, min(self.end + SETTLE, len(self.codes)))
        return self.last_state

    def confirm_end(self, tail: int) -> int:
        """End the chunk's last token at the true place, and return where its first one starts."""
        if tail != self.tail:
            self._run(self.first_state, tail)
        return self.head

    def _run(self, first_state: int, last: int) -> None:
        """Run from `begin` in `first_state` to `last`, take that for the end of a token, and walk back."""
        token, length = self.automaton.token, self.automaton.length
        small = len(self.automaton) <= 1 << 16
        states: np.ndarray = np.empty(last - self.begin, dtype=np.uint16 if small else np.uint32)
        ids = np.empty(len(states), dtype=np.uint16)
        starts: np.ndarray = np.empty(len(states), dtype=self.offsets)
        self.first_state = first_state
        forward(self.codes, self.begin, last, first_state, SETTLE, self.automaton.step, states)
        self.last_state = int(states[self.end - self.begin - 1])
        _, self.tail = backward(states, self.begin, self.end, last, token, length, ids, starts)
        count, self.head = backward(states, self.begin, self.begin, self.tail, token, length, ids, starts)
        self.ids, self.starts = ids[len(ids) - count :].copy(), starts[len(starts) - count :].copy()
