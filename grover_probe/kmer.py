"""Fixed k-mer tokenizers behind the interface of `grover_probe.bpe.BPETokenizer`.

A run of A, C, G, T is cut from its first base into k-mers that do not overlap. What is left at its end, fewer than
k bases, becomes single bases (as in the Nucleotide Transformer) or is dropped. Anything that is not A, C, G or T
belongs to no token and ends the run, so that the next one starts in a frame of its own.

Ids: the five special tokens 0 to 4, the bases 5 to 8, then the 4^k k-mers in alphabetical order, whichever way the
tail is treated. For k = 1 the k-mers are the bases.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numba import njit

from grover_probe.bpe.encode import Encoding
from grover_probe.bpe.files import load_tokenizer
from grover_probe.bpe.merges import BASES, FIRST_MERGE_ID, FIRST_PIECE_ID, SPECIAL_TOKENS
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, encode_bases

MAX_K = 7  # the ids of 8-mers do not fit 16 bits
Tail = Literal["bases", "drop"]
_NAME = re.compile(r"(\d+)-?mers?", re.IGNORECASE)
_CASE = str.maketrans("acgt", "NNNN")


class AnyTokenizer(Protocol):
    """What BPE and k-mer tokenizers have in common."""

    @property
    def pieces(self) -> Sequence[str]:
        """Sequences of the tokens in id order, from id 5."""
        ...

    @property
    def n_ids(self) -> int:
        """Rows that a model's embedding needs."""
        ...

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the ids."""
        ...

    @property
    def lengths(self) -> np.ndarray:
        """Bases of each token by id, 0 for special tokens: int64, shape (n_ids,)."""
        ...

    def encode(self, codes: np.ndarray) -> Encoding:
        """Tokens of a sequence of base codes."""
        ...

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """The sequence of some tokens."""
        ...


class KmerTokenizer:
    """Cuts DNA into k-mers that do not overlap.

    Parameters
    ----------
    k
        Bases per token, 1 to 7.
    tail
        What becomes of the last, fewer than k, bases of a run: ``"bases"``, one token each, or ``"drop"``, no token.

    Raises
    ------
    InputError
        For another k or tail.

    Examples
    --------
    >>> KmerTokenizer(3).decode(KmerTokenizer(3).encode_text("ACGTTGCA").ids)
    'ACGTTGCA'
    """

    def __init__(self, k: int, tail: Tail = "bases") -> None:
        if not 1 <= k <= MAX_K:
            raise InputError(f"k-mers of {k} bases: expected 1 to {MAX_K}, whose ids fit 16 bits")
        if tail not in get_args(Tail):
            raise InputError(f"tail {tail!r}: expected one of {', '.join(get_args(Tail))}")
        self.k, self.tail = k, tail
        self._first = FIRST_PIECE_ID if k == 1 else FIRST_MERGE_ID
        self.n_ids = self._first + 4**k

    def __repr__(self) -> str:
        return f"KmerTokenizer(k={self.k}, tail={self.tail!r}, {self.n_ids} ids)"

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The sequences of the tokens in id order from id 5."""
        kmers = tuple("".join(letters) for letters in product(BASES, repeat=self.k))
        return kmers if self.k == 1 else (*BASES, *kmers)

    @property
    def special(self) -> dict[str, int]:
        """Ids of the special tokens by name."""
        return {name: number for number, name in enumerate(SPECIAL_TOKENS)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what decides the ids: special tokens, bases, k and the rule for the tail."""
        content = {"special": SPECIAL_TOKENS, "bases": BASES, "k": self.k, "tail": self.tail}
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64, shape (n_ids,): bases of each token, 0 for special tokens."""
        table = np.full(self.n_ids, self.k, dtype=np.int64)
        table[:FIRST_PIECE_ID] = 0
        table[FIRST_PIECE_ID:FIRST_MERGE_ID] = 1
        return table

    @property
    def longest(self) -> int:
        """Bases of the longest piece."""
        return self.k

    def piece_codes(self, token_id: int) -> np.ndarray:
        """Base codes of a token: uint8, shape (n_bases,); empty for special tokens."""
        number = token_id - FIRST_PIECE_ID
        return encode_bases(self.pieces[number] if 0 <= number < len(self.pieces) else "")

    def encode(self, codes: np.ndarray, *, threads: int | None = None) -> Encoding:
        """Tokens of a sequence.

        Parameters
        ----------
        codes
            Base codes, uint8, shape (n_bases,); values above 3 end a run and belong to no token.
        threads
            For the interface's sake; one thread is fast enough.
        """
        codes = np.ascontiguousarray(codes, dtype=np.uint8)
        keep_tail = self.tail == "bases"
        count = _count(codes, self.k, keep_tail)
        ids = np.empty(count, dtype=np.uint16)
        starts: np.ndarray = np.empty(count, dtype=np.uint32 if len(codes) < 1 << 32 else np.int64)
        _fill(codes, self.k, keep_tail, self._first, ids, starts)
        return Encoding(ids, starts)

    def encode_text(self, text: str, *, threads: int | None = None) -> Encoding:
        """Tokens of a text. As for BPE only upper case A, C, G and T are bases."""
        return self.encode(encode_bases(text.translate(_CASE)))

    def encode_batch(
        self, sequences: Sequence[np.ndarray] | Sequence[str], *, threads: int | None = None
    ) -> list[Encoding]:
        """Tokens of many sequences (base codes, or texts as for `encode_text`)."""
        return [self.encode_text(each) if isinstance(each, str) else self.encode(each) for each in sequences]

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """The sequence of some tokens; special tokens give nothing.

        Raises
        ------
        InputError
            When an id is not one of this tokenizer.
        """
        numbers = np.asarray(ids, dtype=np.int64).reshape(-1)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= self.n_ids):
            wrong = numbers[(numbers < 0) | (numbers >= self.n_ids)][0]
            raise InputError(f"token id {wrong}: this tokenizer has ids 0 to {self.n_ids - 1}")
        return "".join([self.pieces[n - FIRST_PIECE_ID] for n in numbers.tolist() if n >= FIRST_PIECE_ID])


def open_tokenizer(name: str | Path) -> AnyTokenizer:
    """A tokenizer by name: ``6-mer``, or the path of a ``tokenizer.json`` or its folder.

    Raises
    ------
    InputError
        When it is neither.
    """
    found = _NAME.fullmatch(str(name))
    if found and not Path(name).exists():
        return KmerTokenizer(int(found[1]))
    return load_tokenizer(name)


@njit(nogil=True, cache=True)
def _count(codes: np.ndarray, k: int, keep_tail: bool) -> int:
    """Number of tokens."""
    count = run = 0
    for code in codes:
        if code < N_CODE:
            run += 1
        else:
            count += run // k + (run % k if keep_tail else 0)
            run = 0
    return count + run // k + (run % k if keep_tail else 0)


@njit(nogil=True, cache=True)
def _fill(codes: np.ndarray, k: int, keep_tail: bool, first: int, ids: np.ndarray, starts: np.ndarray) -> None:
    """Write ids and starts of all tokens."""
    free = pending = value = 0
    for i in range(len(codes) + 1):
        if i < len(codes) and codes[i] < N_CODE:
            value = value * 4 + codes[i]
            pending += 1
            if pending == k:
                ids[free], starts[free] = first + value, i + 1 - k
                free += 1
                pending = value = 0
        else:
            if keep_tail:
                for j in range(i - pending, i):
                    ids[free], starts[free] = FIRST_PIECE_ID + codes[j], j
                    free += 1
            pending = value = 0
