"""Any tokenizer of the `tokenizers` library that cuts DNA into pieces, behind the interface of `BPETokenizer`.

Each run of A, C, G, T is given to it in one call, in the case of letters that its vocabulary has: the ids are those of
one call over the whole sequence, without the tokens that it makes of N. What comes back is checked: the pieces must
spell the run. A tokenizer that answers [UNK] for plain bases (WordPiece does, for words over 100 letters), drops some,
or adds a blank is refused instead of being believed. A call needs several hundred bytes a token: tens of megabases in
one run take gigabytes; fixed k-mers and byte-pair encodings do not come here.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.bpe.encode import Encoding
from grover_probe.bpe.merges import FIRST_PIECE_ID, SPECIAL_TOKENS
from grover_probe.errors import InputError
from grover_probe.genome import acgt_segments, decode_bases, encode_bases

_MARKS = ("##", "▁", "Ġ")  # before a piece: WordPiece inside a word, SentencePiece and byte level at its start
_MOST_IDS = 1 << 16
_CASE = str.maketrans("acgt", "NNNN")


class FastTokenizer:
    """A ``tokenizer.json`` of any kind.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    own_ids
        int64, shape (n_pieces,): the file's own ids of the pieces, which have the ids 5, 6, ... here in the same order.

    Raises
    ------
    InputError
        When the file cannot be read or its vocabulary has no DNA.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._backend = open_backend(path)
        vocab = self._backend.get_vocab(with_added_tokens=False)
        upper, lower = _pieces(vocab, "ACGT"), _pieces(vocab, "acgt")
        self._lower = len(lower) > len(upper)
        found = sorted((lower if self._lower else upper).items())
        if not found:
            raise InputError(f"{path}: no token of the vocabulary is made of A, C, G and T; not a tokenizer of DNA")
        self.own_ids = np.array([token_id for token_id, _ in found], dtype=np.int64)
        self.pieces = tuple(piece.upper() for _, piece in found)
        self.n_ids = FIRST_PIECE_ID + len(found)
        if self.n_ids > _MOST_IDS:
            raise InputError(f"{path}: {self.n_ids:,} ids of DNA; a corpus holds up to {_MOST_IDS:,}")
        self._number = np.full(max(vocab.values()) + 1, -1, dtype=np.int64)
        self._number[self.own_ids] = np.arange(FIRST_PIECE_ID, self.n_ids)

    def __repr__(self) -> str:
        return f"FastTokenizer({self.path}, {self.n_ids} ids)"

    @property
    def special(self) -> dict[str, int]:
        """Ids of the special tokens by name."""
        return {name: number for number, name in enumerate(SPECIAL_TOKENS)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self._backend.to_str().encode()).hexdigest()

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64, shape (n_ids,): bases of each token, 0 for special tokens."""
        return np.array([0] * FIRST_PIECE_ID + [len(piece) for piece in self.pieces], dtype=np.int64)

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
            Base codes, uint8, shape (n_bases,); values above 3 end a run and belong to no token.
        threads
            For the interface's sake: one run is one call.

        Raises
        ------
        InputError
            When the tokens do not spell a run.
        """
        parts = [
            self._encode_run(decode_bases(codes[begin:end]), int(begin)) for begin, end in acgt_segments(codes).tolist()
        ]
        offsets = np.uint32 if len(codes) < 1 << 32 else np.int64
        if not parts:
            return Encoding(np.empty(0, dtype=np.uint16), np.empty(0, dtype=offsets))
        ids, starts = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Encoding(ids.astype(np.uint16), starts.astype(offsets))

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
            raise InputError(f"token id {int(numbers.max())}: this tokenizer has ids 0 to {self.n_ids - 1}")
        return "".join(self.pieces[number - FIRST_PIECE_ID] for number in numbers.tolist() if number >= FIRST_PIECE_ID)

    def _encode_run(self, text: str, begin: int) -> tuple[np.ndarray, np.ndarray]:
        found = self._backend.encode(text.lower() if self._lower else text, add_special_tokens=False)
        own = np.array(found.ids, dtype=np.int64)
        numbers = np.where(own < len(self._number), self._number[np.minimum(own, len(self._number) - 1)], -1)
        starts = np.array([start for start, _ in found.offsets], dtype=np.int64)
        if (numbers < 0).any() or self.decode(numbers) != text:
            strange = [found.tokens[at] for at in np.flatnonzero(numbers < 0)[:1].tolist()]
            what = f"gives {strange[0]}" if strange else "gives tokens that do not spell the sequence"
            raise InputError(f"{self.path}: {what} for a run of {len(text):,} bases; it cannot encode whole sequences")
        if not np.array_equal(starts, np.cumsum(self.lengths[numbers]) - self.lengths[numbers]):
            raise InputError(f"{self.path}: its offsets do not say where its tokens are; not a tokenizer for this use")
        return numbers, starts + begin


def open_backend(path: Path) -> Any:
    """The `tokenizers.Tokenizer` of a file, that neither cuts off nor fills up.

    Raises
    ------
    InputError
        When the library cannot read it.
    """
    from tokenizers import Tokenizer

    try:
        backend = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare exceptions
        raise InputError(f"{path}: cannot be read by `tokenizers` ({error})") from error
    backend.no_truncation()
    backend.no_padding()
    return backend


def _pieces(vocab: dict[str, int], letters: str) -> dict[int, str]:
    """Vocabulary entries of nothing but these letters, by id, marks taken off."""
    found = {}
    for name, token_id in vocab.items():
        for mark in _MARKS:
            name = name.removeprefix(mark)
        if name and set(name) <= set(letters):
            found[token_id] = name
    return found
