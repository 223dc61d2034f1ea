"""Fixed k-mer tokenizers as a ``tokenizer.json``: what a k-mer model of this project carries beside its weights.

`tokenizers` and `transformers` read the file and give the same ids: a pattern takes k bases where it can and single
letters elsewhere, and a table gives each its id. N become [UNK] there and belong to no token here.
"""

import json
import re
from pathlib import Path
from typing import Any

from grover_probe.bpe.files import MODEL_MAX_LENGTH, TOKENIZER_FILE
from grover_probe.bpe.merges import SPECIAL_TOKENS
from grover_probe.errors import InputError
from grover_probe.files import atomic_path
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.files import ModelFiles

NAME = "fixed k-mers"
_PATTERN = re.compile(r"\[ACGT\]\{(\d)\}(\|\.)?")
_ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")  # in the order of SPECIAL_TOKENS


def recognises(files: ModelFiles, config: dict[str, Any]) -> bool:
    """By the pattern in its ``tokenizer.json``."""
    if not files.is_local or not files.has(TOKENIZER_FILE):
        return False
    try:
        content = json.loads(files.path(TOKENIZER_FILE).read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(content, dict) and _pattern(content) is not None


def save_kmer_tokenizer(tokenizer: KmerTokenizer, folder: Path | str) -> Path:
    """Write ``tokenizer.json`` and its settings.

    Returns
    -------
    Path
        The tokenizer.json.
    """
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from tokenizers.processors import TemplateProcessing

    names = [*SPECIAL_TOKENS, *tokenizer.pieces]
    backend = Tokenizer(WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    if tokenizer.tail == "bases":
        backend.pre_tokenizer = Split(Regex(f"[ACGT]{{{tokenizer.k}}}|."), "isolated")
    else:
        backend.pre_tokenizer = Split(Regex(f"[ACGT]{{{tokenizer.k}}}"), "removed", invert=True)
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    backend.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(name, SPECIAL_TOKENS.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    roles = dict(zip(_ROLES, SPECIAL_TOKENS, strict=True))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": MODEL_MAX_LENGTH,
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
        **roles,
    }
    folder = Path(folder)
    texts = {
        "special_tokens_map.json": json.dumps(roles, indent=1) + "\n",
        "tokenizer_config.json": json.dumps(settings, indent=1) + "\n",
        TOKENIZER_FILE: backend.to_str(pretty=True) + "\n",
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder / TOKENIZER_FILE


def read_kmer_tokenizer(content: dict[str, Any]) -> KmerTokenizer | None:
    """The k-mer tokenizer that a ``tokenizer.json`` describes; None when it describes something else.

    Raises
    ------
    InputError
        When the pattern is that of k-mers, but the table has other ids.
    """
    found = _pattern(content)
    if found is None:
        return None
    tokenizer = KmerTokenizer(int(found[1]), "bases" if found[2] else "drop")
    expected = {name: number for number, name in enumerate([*SPECIAL_TOKENS, *tokenizer.pieces])}
    if content["model"].get("vocab") != expected:
        raise InputError(f"a tokenizer of {tokenizer.k}-mers whose ids are not those of this project; save it again")
    return tokenizer


def _pattern(content: dict[str, Any]) -> re.Match[str] | None:
    splitter, model = content.get("pre_tokenizer"), content.get("model")
    if not isinstance(splitter, dict) or not isinstance(model, dict) or model.get("type") != "WordLevel":
        return None
    pattern = splitter.get("pattern")
    text = pattern.get("Regex", "") if isinstance(pattern, dict) else ""
    return _PATTERN.fullmatch(text) if splitter.get("type") == "Split" else None
