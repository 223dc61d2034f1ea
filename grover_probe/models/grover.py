"""GROVER as published (`PoetschLab/GROVER`, Sanabria et al. 2024) and what is odd about its files.

* It is a plain ``BertForMaskedLM``; no code of its authors is needed. The manifests pin one revision and the sha256 of
  each file. The weights are a pickle only, which is converted once (`grover_probe.models.pinned`); its two tensors of a
  pooler belong to nothing that is used here.
* ``tokenizer.json`` has 610 entries, the model 609 embedding rows: id 609 is the empty string. The first four merges
  join a base and this empty string and can never happen. Both are left out here, so that id 609 reaches no model.
* ``special_tokens_map.json`` does not name [SEP] and [UNK]; transformers then does not treat them as special. Here
  all five are set.
* Only upper case is a base: each lower-case letter and each N is one [UNK].
* ``vocab.txt`` lists the same tokens but not the order of the merges. A tokenizer that takes the longest match
  (WordPiece) reads it without complaint and puts many boundaries elsewhere, so it is refused.
"""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.bpe.files import MODEL_MAX_LENGTH, TOKENIZER_FILE, load_tokenizer, save_tokenizer
from grover_probe.bpe.merges import SPECIAL_TOKENS
from grover_probe.errors import InputError
from grover_probe.models.files import ModelFiles
from grover_probe.models.vocabulary import Vocabulary, read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from grover_probe.bpe.encode import BPETokenizer

NAME = "GROVER"
REPO = "PoetschLab/GROVER"
EMPTY_ID = 609  # the entry of the published tokenizer that has no embedding row
_CLASSES = {None, "PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend"}


def recognises(files: ModelFiles, config: dict[str, Any]) -> bool:
    """By its hub id, or a folder whose tokenizer has the empty string that the model has no row for."""
    if not files.is_local or config.get("vocab_size") != EMPTY_ID or not files.has(TOKENIZER_FILE):
        return files.name == REPO
    model = _read_json(files.path(TOKENIZER_FILE)).get("model")
    return isinstance(model, dict) and isinstance(model.get("vocab"), dict) and model["vocab"].get("") == EMPTY_ID


def vocabulary(files: ModelFiles, config: dict[str, Any]) -> Vocabulary:
    """The published tokenizer, its settings checked."""
    beside = [files.path(name) for name in (TOKENIZER_FILE, "config.json")]
    if files.has("tokenizer_config.json"):
        beside.append(files.path("tokenizer_config.json"))
    load_published_tokenizer(beside[0].parent)
    return read_vocabulary(beside[0])


def load_published_tokenizer(folder: Path | str) -> "BPETokenizer":
    """Read a copy of the published tokenizer, or one of the same layout.

    Parameters
    ----------
    folder
        Holds ``tokenizer.json`` and, if there, ``tokenizer_config.json`` and ``config.json``, which are checked too. A
        ``tokenizer.json`` may be given itself.

    Returns
    -------
    BPETokenizer
        609 ids for 600 merges, all five special tokens among them.

    Raises
    ------
    InputError
        When it is not a byte-pair encoding (WordPiece and other longest-match tokenizers give other tokens from the
        same vocabulary), its settings ask for another class or for lower case, or the model has too few rows for it.
    """
    path = Path(folder)
    tokenizer = load_tokenizer(path)
    beside = path if path.is_dir() else path.parent
    _check_settings(beside / "tokenizer_config.json")
    rows = _read_json(beside / "config.json").get("vocab_size", tokenizer.n_ids)
    if not isinstance(rows, int) or rows < tokenizer.n_ids:
        raise InputError(
            f"{beside / 'config.json'}: vocab_size {rows}, but the tokenizer has ids up to {tokenizer.n_ids - 1}; "
            "use the tokenizer that the model was trained with"
        )
    return tokenizer


def as_transformers_tokenizer(tokenizer: "BPETokenizer | Path | str") -> "PreTrainedTokenizerFast":
    """The tokenizer as a transformers one: same ids, five special tokens, at most 512 tokens, padding on the right.

    Parameters
    ----------
    tokenizer
        The tokenizer, or what `load_published_tokenizer` reads. The result is made from its merges, so that neither
        the empty string nor id 609 is in it.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    if isinstance(tokenizer, (str, Path)):
        tokenizer = load_published_tokenizer(tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        backend = Tokenizer.from_file(str(save_tokenizer(tokenizer, folder)))
    pad, unk, cls, sep, mask = SPECIAL_TOKENS
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=MODEL_MAX_LENGTH,
        padding_side="right",
        truncation_side="right",
        clean_up_tokenization_spaces=False,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
    )


def check_ids(ids: Any, n_rows: int = EMPTY_ID) -> None:
    """Check token ids that were made elsewhere before a model sees them.

    Parameters
    ----------
    ids
        Token ids, any shape.
    n_rows
        Embedding rows of the model.

    Raises
    ------
    InputError
        When an id has no row.
    """
    numbers = np.asarray(ids)
    wrong = numbers[(numbers < 0) | (numbers >= n_rows)]
    if wrong.size:
        hint = " (the empty string of the published tokenizer.json)" if wrong.flat[0] == EMPTY_ID else ""
        raise InputError(
            f"token id {wrong.flat[0]}{hint} has no embedding row, {wrong.size} such ids in all; expected 0 to "
            f"{n_rows - 1}: tokenise with grover_probe.models.grover.load_published_tokenizer"
        )


def _check_settings(path: Path) -> None:
    settings = _read_json(path)
    name = settings.get("tokenizer_class")
    if name not in _CLASSES:
        raise InputError(
            f"{path}: tokenizer_class {name}, expected PreTrainedTokenizerFast: {name} would not merge pairs in rank "
            f"order (longest-match tokenizers give other tokens); keep only {TOKENIZER_FILE} or fetch the folder again"
        )
    if settings.get("do_lower_case"):
        raise InputError(f"{path}: do_lower_case is on, which turns every base into [UNK]; set it to false")


def _read_json(path: Path) -> dict[str, Any]:
    """An optional JSON object; empty when there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); fetch it again or delete it") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object; fetch it again or delete it")
    return content
