"""Tokenizers on disk: the `tokenizer.json` that `tokenizers` and `transformers` read, written and checked.

In the Hugging Face tokenizer each N (and each lower-case letter) becomes one [UNK]; in `BPETokenizer` it is a
break that belongs to no token. The tokens in between are the same.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.merges import BASES, FIRST_MERGE_ID, FIRST_PIECE_ID, SPECIAL_TOKENS, Merges
from grover_probe.errors import InputError
from grover_probe.files import atomic_path

TOKENIZER_FILE = "tokenizer.json"
MODEL_MAX_LENGTH = 512
_ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")  # in the order of SPECIAL_TOKENS
_HARMLESS = {None, "Whitespace", "WhitespaceSplit", "BertPreTokenizer"}  # do nothing to a text without spaces


def save_tokenizer(tokenizer: BPETokenizer, folder: Path | str) -> Path:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`.

    `tokenizers.Tokenizer.from_file` and `transformers.AutoTokenizer.from_pretrained` load them and give the
    same ids.

    Returns
    -------
    Path
        The tokenizer.json.
    """
    folder = Path(folder)
    roles = dict(zip(_ROLES, SPECIAL_TOKENS, strict=True))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MODEL_MAX_LENGTH,
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
        **roles,
    }
    for name, content in (
        ("special_tokens_map.json", roles),
        ("tokenizer_config.json", config),
        (TOKENIZER_FILE, _to_json(tokenizer)),
    ):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder / TOKENIZER_FILE


def _to_json(tokenizer: BPETokenizer) -> dict[str, Any]:
    pieces = tokenizer.pieces
    names = [*SPECIAL_TOKENS, *pieces]
    cls, sep = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]"))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": name, **flags} for i, name in enumerate(SPECIAL_TOKENS)],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, {"Sequence": {"id": "A", "type_id": 0}}, sep],
            "pair": [
                cls,
                {"Sequence": {"id": "A", "type_id": 0}},
                sep,
                {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
            ],
            "special_tokens": {
                name: {"id": name, "ids": [SPECIAL_TOKENS.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {name: i for i, name in enumerate(names)},
            "merges": [[names[left], names[right]] for left, right in tokenizer.merges.pairs.tolist()],
        },
    }


def load_tokenizer(path: Path | str) -> BPETokenizer:
    """Read a tokenizer.json, given itself or its folder.

    The published GROVER artefact is accepted as it is: its empty token (id 609, beyond the model's embedding
    rows) and the merges with an empty right side, which can never happen, are left out.

    Raises
    ------
    InputError
        When there is no such file, it is not JSON, not a byte-pair encoding over A, C, G, T with this
        project's ids, or its merges do not build its tokens.
    """
    path = Path(path)
    if path.is_dir():
        path = path / TOKENIZER_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "; vocab.txt alone does not hold the merges" if path.with_name("vocab.txt").exists() else ""
        raise InputError(f"{path}: no such file; expected a tokenizer.json or its folder{hint}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); expected a tokenizer.json") from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise InputError(f"{path}: has no `model`; expected a tokenizer.json of the `tokenizers` library")
    try:
        check_kind(content, model)
        return BPETokenizer(_read_merges(model))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def check_kind(content: dict[str, Any], model: dict[str, Any]) -> None:
    """Refuse what would give other ids than merging the bases in rank order."""
    kind = model.get("type")
    if kind != "BPE":
        raise InputError(
            f"model type {kind or 'missing'}, expected BPE: longest-match tokenizers (WordPiece) give other "
            "tokens from the same vocabulary"
        )
    for option in (
        "dropout",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "byte_fallback",
        "ignore_merges",
    ):
        if model.get(option):
            raise InputError(f"model option {option} = {model[option]!r} is not supported: it changes the tokens")
    if content.get("normalizer") is not None:
        raise InputError("has a normalizer, which changes the sequence; expected none")
    splitter = content.get("pre_tokenizer")
    name = splitter.get("type") if isinstance(splitter, dict) else splitter
    if name not in _HARMLESS:
        raise InputError(f"pre-tokenizer {name} may cut the sequence; expected none")


def _read_merges(model: dict[str, Any]) -> Merges:
    vocab, rows = model.get("vocab"), model.get("merges")
    if not isinstance(vocab, dict) or not isinstance(rows, list):
        raise InputError("model without `vocab` or `merges`")
    for expected, name in enumerate([*SPECIAL_TOKENS, *BASES]):
        if vocab.get(name) != expected:
            raise InputError(f"{name} has id {vocab.get(name, 'none')}, expected {expected}")
    names = [*SPECIAL_TOKENS, *BASES]
    known = {name: i for i, name in enumerate(names) if i >= FIRST_PIECE_ID}
    pairs: list[tuple[int, int]] = []
    for number, row in enumerate(rows, start=1):
        sides = row.split(" ") if isinstance(row, str) else row
        if not isinstance(sides, list) or len(sides) != 2 or not all(isinstance(side, str) for side in sides):
            raise InputError(f"merge {number} is {row!r}, expected two tokens")
        left, right = sides
        if not right and left in known:
            continue
        if left not in known or right not in known:
            raise InputError(f"merge {number} ({left} {right}) uses a token that no earlier merge makes")
        piece = left + right
        if piece in known:
            raise InputError(f"merge {number} ({left} {right}) makes {piece} a second time")
        if vocab.get(piece) != FIRST_MERGE_ID + len(pairs):
            raise InputError(
                f"merge {number} makes {piece}, which has id {vocab.get(piece, 'none')}; "
                f"expected {FIRST_MERGE_ID + len(pairs)}"
            )
        known[piece] = FIRST_MERGE_ID + len(pairs)
        pairs.append((known[left], known[right]))
    unmade = [name for name in vocab if name and name not in known and name not in SPECIAL_TOKENS]
    if unmade:
        raise InputError(f"token {unmade[0]} ({len(unmade)} in all) is made by no merge")
    table = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return Merges(table, np.zeros(len(table), dtype=np.int64))
