"""Tokenizers of other models in this project's numbers, with a map to their own.

Whatever a model's files look like, its tokenizer becomes one with the interface of `grover_probe.bpe.BPETokenizer`:
five special tokens, then `pieces`. Fixed k-mers and byte-pair encodings get this project's exact, linear-time encoders;
every other fast tokenizer is asked itself (`grover_probe.models.fast_tokenizer`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.batches import SpecialIds
from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.files import TOKENIZER_FILE, check_kind, load_tokenizer
from grover_probe.bpe.merges import (
    BASES,
    CLS_ID,
    FIRST_MERGE_ID,
    FIRST_PIECE_ID,
    MASK_ID,
    PAD_ID,
    SEP_ID,
    SPECIAL_TOKENS,
    Merges,
)
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.kmer import AnyTokenizer
from grover_probe.models.fast_tokenizer import FastTokenizer, open_backend
from grover_probe.models.kmers import read_kmer_tokenizer

ROLES = ("pad", "unk", "cls", "sep", "mask")  # in the order of SPECIAL_TOKENS
# Spellings of special tokens where no file says which is which.
_USUAL = {
    "pad": ("[PAD]", "<pad>", "<|padding|>"),
    "unk": ("[UNK]", "<unk>"),
    "mask": ("[MASK]", "<mask>"),
}


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer and what its ids are called in its model.

    Attributes
    ----------
    tokenizer
        In this project's numbers.
    model_ids
        int64, shape (tokenizer.n_ids,): the model's own ids, -1 for a special token that it does not have.
    specials
        Special tokens that stand in the model's input.
    """

    tokenizer: AnyTokenizer
    model_ids: np.ndarray
    specials: SpecialIds

    __repr__ = brief

    @property
    def is_ours(self) -> bool:
        """Whether the model's own ids are the same."""
        return bool(np.array_equal(self.model_ids, np.arange(len(self.model_ids))))


def make_vocabulary(
    tokenizer: AnyTokenizer, own: Mapping[str, int], special: Mapping[str, int | None], where: str
) -> Vocabulary:
    """Look up the pieces of a tokenizer in a model's vocabulary.

    Parameters
    ----------
    tokenizer
        In this project's numbers.
    own
        The model's id of each piece.
    special
        The model's ids of special tokens by role (`ROLES`); those that it lacks are None or missing. What is given
        for ``cls`` and ``sep`` stands around every window.
    where
        The file, for messages.

    Raises
    ------
    InputError
        When a piece is missing.
    """
    missing = [piece for piece in tokenizer.pieces if piece not in own]
    if missing:
        raise InputError(f"{where}: lacks {missing[0]} ({len(missing)} tokens in all); fetch the file again")
    ids = [_or_none(special.get(role)) for role in ROLES] + [own[piece] for piece in tokenizer.pieces]
    return Vocabulary(tokenizer, np.array(ids, dtype=np.int64), specials_of(special))


def specials_of(special: Mapping[str, int | None]) -> SpecialIds:
    """Which special tokens a model has, in this project's numbers."""
    return SpecialIds(
        pad=PAD_ID if special.get("pad") is not None else FIRST_PIECE_ID,  # any id does under a mask, or if causal
        cls=CLS_ID if special.get("cls") is not None else None,
        sep=SEP_ID if special.get("sep") is not None else None,
        mask=MASK_ID if special.get("mask") is not None else None,
    )


def read_vocabulary(path: Path) -> Vocabulary:
    """The tokenizer of a ``tokenizer.json``, by what is in it.

    Parameters
    ----------
    path
        The file; ``tokenizer_config.json`` and ``special_tokens_map.json`` beside it are looked at too.

    Raises
    ------
    InputError
        When it is no such file, or not one of DNA.
    """
    content = _read_object(path)
    kmers = read_kmer_tokenizer(content)
    if kmers is not None:
        return _ours(kmers)
    special = special_ids(path, content)
    model = content["model"]
    if model.get("type") == "BPE":
        if _has_our_ids(model):
            return _ours(load_tokenizer(path))
        bpe = _bpe(content, path)
        if bpe is not None:
            return make_vocabulary(bpe, model["vocab"], special, str(path))
    fast = FastTokenizer(path)
    ids = [_or_none(special.get(role)) for role in ROLES] + fast.own_ids.tolist()
    return Vocabulary(fast, np.array(ids, dtype=np.int64), specials_of(special))


def special_ids(path: Path, content: dict[str, Any]) -> dict[str, int | None]:
    """A tokenizer's ids of special tokens by role.

    What stands before and after a sequence is found by encoding one; the others by their names in the files.
    """
    backend = open_backend(path)
    names: dict[str, Any] = {}
    for beside in ("special_tokens_map.json", "tokenizer_config.json"):
        if path.with_name(beside).is_file():
            names |= _read_object(path.with_name(beside), tokenizer=False)
    found: dict[str, int | None] = {}
    for role, usual in _USUAL.items():
        name = names.get(f"{role}_token")
        candidates = (name.get("content") if isinstance(name, dict) else name, *usual)
        known = [backend.token_to_id(each) for each in candidates if isinstance(each, str)]
        found[role] = next((token_id for token_id in known if token_id is not None), None)
    alone, around = (backend.encode("ACGT", add_special_tokens=flag).ids for flag in (False, True))
    before = next((at for at in range(3) if around[at : at + len(alone)] == alone), None)
    after = None if before is None else len(around) - len(alone) - before
    if before not in (0, 1) or after not in (0, 1):
        raise InputError(f"{path}: puts more than one token before or after a sequence, which is not supported")
    found["cls"] = around[0] if before else None
    found["sep"] = around[-1] if after else None
    return found


def _bpe(content: dict[str, Any], path: Path) -> BPETokenizer | None:
    """A byte-pair encoding of upper-case bases in any numbering; None for one that needs its own library."""
    vocab, rows = content["model"].get("vocab", {}), content["model"].get("merges", [])
    try:
        check_kind(content, content["model"])
        if not all(base in vocab for base in BASES):
            return None
        known = {base: FIRST_PIECE_ID + number for number, base in enumerate(BASES)}
        pairs: list[tuple[int, int]] = []
        for row in rows:
            left, right = row.split(" ") if isinstance(row, str) else row
            if left in known and right in known:  # others hold a letter that is no base, or an empty string
                known[left + right] = FIRST_MERGE_ID + len(pairs)
                pairs.append((known[left], known[right]))
        table = np.array(pairs, dtype=np.int32).reshape(-1, 2)
        return BPETokenizer(Merges(table, np.zeros(len(table), dtype=np.int64)))
    except (InputError, ValueError, TypeError):
        return None


def _ours(tokenizer: AnyTokenizer) -> Vocabulary:
    return Vocabulary(tokenizer, np.arange(tokenizer.n_ids), SpecialIds())


def _has_our_ids(model: dict[str, Any]) -> bool:
    """Whether special tokens and bases have this project's ids: then the file is held to be one of ours."""
    vocab = model.get("vocab")
    names = (*SPECIAL_TOKENS, *BASES)
    return isinstance(vocab, dict) and all(vocab.get(name) == number for number, name in enumerate(names))


def _or_none(token_id: int | None) -> int:
    return -1 if token_id is None else token_id


def _read_object(path: Path, *, tokenizer: bool = True) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; expected a {TOKENIZER_FILE}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict) or (tokenizer and not isinstance(content.get("model"), dict)):
        raise InputError(f"{path}: not a file of the `tokenizers` library; fetch it again")
    return content
