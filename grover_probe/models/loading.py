"""Open a masked language model from a folder or the model hub, and refuse what cannot be right."""

import contextlib
import logging
import os
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from grover_probe.batches import BERT_SPECIALS, SpecialIds
from grover_probe.errors import InputError
from grover_probe.models.folder import check_model, describe_model

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
DTYPES = tuple(_DTYPES)
# Without this a hub model that has only a pickle is sent to the hub's converter in the background.
_NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"


@dataclass(frozen=True)
class LanguageModel:
    """A model that gives hidden states for token ids.

    Attributes
    ----------
    name
        Folder name or hub id.
    network
        The encoder, without its prediction head, in evaluation mode.
    device
        Where it is.
    source
        Name and hashes, for the record of a result.
    specials
        Special tokens that its input takes.
    """

    name: str
    network: Any
    device: torch.device
    source: dict[str, Any]
    specials: SpecialIds = BERT_SPECIALS

    def __repr__(self) -> str:
        return f"LanguageModel({self.name}: {self.n_layers - 1} blocks of {self.width}, on {self.device})"

    @property
    def n_layers(self) -> int:
        """Layers of hidden states: the embedding output (layer 0) and the output of each block."""
        return self.network.config.num_hidden_layers + 1

    @property
    def width(self) -> int:
        """Size of a hidden state."""
        return self.network.config.hidden_size

    @property
    def n_ids(self) -> int:
        """Rows of the token embedding table; ids from here on cannot be embedded."""
        return self.network.get_input_embeddings().weight.shape[0]

    @property
    def max_tokens(self) -> int:
        """Longest window in tokens, room for [CLS] and [SEP] left."""
        return self.network.config.max_position_embeddings - 2

    def hidden_states(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Hidden states of all layers.

        Parameters
        ----------
        ids
            int64, shape (n_windows, n_positions), special tokens included.
        mask
            1 for everything but padding, same shape; None when nothing is padded.

        Returns
        -------
        tuple of torch.Tensor
            `n_layers` tensors of shape (n_windows, n_positions, width).
        """
        return self.network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states


def load(model: str | Path, *, device: str = "auto", dtype: str = "fp32") -> LanguageModel:
    """Load a masked language model for reading hidden states.

    Parameters
    ----------
    model
        A folder with ``config.json`` and weights, or a hub id such as ``PoetschLab/GROVER``. Pickled weights are read
        with ``weights_only`` (nothing in them is executed); code of a model's author is never run.
    device
        ``auto`` takes a GPU when there is one.
    dtype
        ``fp32``, ``bf16`` or ``fp16``: the precision of the forward pass.

    Raises
    ------
    InputError
        When there is no model, its weights are missing, unsafe, damaged or of another shape.
    """
    from transformers import AutoModelForMaskedLM

    check_model(model)
    precision, where = pick_dtype(dtype), pick_device(device)
    try:
        with quiet_transformers():
            full, info = AutoModelForMaskedLM.from_pretrained(
                str(model),
                dtype=precision,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, with the shapes
            )
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{model}: the pickled weights hold more than tensors and were not executed; "
            "ask for a safetensors version of the model"
        ) from error
    except Exception as error:  # of any kind: safetensors, pickle, config checks and hub each raise their own
        kind = "cannot be loaded" if Path(model).is_dir() else "is no folder here and cannot be had from the hub"
        raise InputError(f"{model}: {kind}: {_first_sentence(error)}") from error
    _check_weights(str(model), full.base_model_prefix, info)
    return LanguageModel(
        name=Path(model).resolve().name if Path(model).is_dir() else str(model),
        network=full.base_model.to(where).eval(),
        device=where,
        source=describe_model(model),
    )


def _check_weights(model: str, encoder: str, info: dict[str, Any]) -> None:
    """Refuse weights that leave any tensor of the encoder random; the prediction head and the pooler are not used."""
    for name, found, expected in sorted(info["mismatched_keys"]):
        raise InputError(
            f"{model}: the weights do not fit config.json: {name} has shape {tuple(found)}, expected {tuple(expected)}"
        )
    missing = sorted(key for key in info["missing_keys"] if key.startswith(f"{encoder}.") and ".pooler." not in key)
    if missing:
        raise InputError(
            f"{model}: the weights do not fit config.json: {len(missing)} tensors are missing, first {missing[0]}"
        )


def check_fits(model: LanguageModel, token_lengths: Any, tokenizer_name: str) -> None:
    """Check that every id a tokenizer can give has a row in the model's embedding table.

    Parameters
    ----------
    model
        The model.
    token_lengths
        Bases per token by id; its length is the number of ids.
    tokenizer_name
        For the message.

    Raises
    ------
    InputError
        When ids would be out of range.
    """
    if len(token_lengths) > model.n_ids:
        raise InputError(
            f"{tokenizer_name}: the tokenizer has ids up to {len(token_lengths) - 1}, but {model.name} has "
            f"{model.n_ids} embedding rows; use the tokenizer that the model was trained with"
        )


def pick_device(device: str) -> torch.device:
    """A torch device; ``auto`` is a GPU when there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        where = torch.device(device)
        torch.empty(1, device=where)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used here: {_first_sentence(error)}") from error
    return where


def pick_dtype(dtype: str) -> torch.dtype:
    """A torch dtype from its short name."""
    try:
        return _DTYPES[dtype]
    except KeyError:
        raise InputError(f"dtype {dtype!r} is not one of {', '.join(_DTYPES)}") from None


def _first_sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return (text or type(error).__name__)[:300]


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No load report, bar, warning or call to the hub's converter: what matters is checked and raised here."""
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    convert = os.environ.get(_NO_CONVERSION)
    os.environ[_NO_CONVERSION] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if convert is None:
            del os.environ[_NO_CONVERSION]
        else:
            os.environ[_NO_CONVERSION] = convert
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
