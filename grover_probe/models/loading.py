"""Open a language model from a folder or the model hub, and refuse what cannot be right."""

import contextlib
import logging
import os
import pickle
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grover_probe.batches import BERT_SPECIALS
from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.errors import InputError
from grover_probe.models.custom_code import author_class, has_code, require_trust
from grover_probe.models.families import Family, family_of
from grover_probe.models.files import ModelFiles, model_files
from grover_probe.models.folder import describe_model
from grover_probe.models.language_model import LanguageModel
from grover_probe.models.pinned import pinned_folder, pinned_revision

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
DTYPES = tuple(_DTYPES)
# Without this a hub model that has only a pickle is sent to the hub's converter in the background.
_NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"


def load(
    model: str | Path,
    *,
    device: str = "auto",
    dtype: str = "fp32",
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> LanguageModel:
    """Load a masked or causal language model for reading hidden states and logits.

    Parameters
    ----------
    model
        A folder with ``config.json`` and weights, or a hub id such as ``PoetschLab/GROVER``. Pickled weights are read
        with ``weights_only``: nothing in them is executed.
    device
        ``auto`` takes a GPU when there is one.
    dtype
        ``fp32``, ``bf16`` or ``fp16``: the precision of the forward pass.
    trust_remote_code
        Run the code of the model's author if it needs that. A line on stderr says which files.
    revision
        Commit, branch or tag of a hub id. By default the one that the manifests pin and verify, else the newest.

    Raises
    ------
    InputError
        When there is no model, its weights are missing, unsafe, damaged or of another shape, or it needs code that
        was not allowed.
    DataError
        When a file that the manifests list cannot be had or is not what they say.
    """
    precision, where = pick_dtype(dtype), pick_device(device)
    files = model_files(model, revision)
    config = files.config()
    family = family_of(files, config)
    causal = _is_causal(config)
    auto_class = f"AutoModelFor{'CausalLM' if causal else 'MaskedLM'}"
    source = describe_model(model, revision)
    coded = has_code(config)
    if coded:
        origin = f"in {model}" if files.is_local else f"repository {model}, revision {source['revision']}"
        require_trust(files, config, auto_class, trust_remote_code, origin)
    vocabulary = family.vocabulary(files, config)
    full, info = _open(files, config, auto_class, precision, source)
    encoder, network = full.base_model_prefix, full.base_model
    specials = BERT_SPECIALS if vocabulary is None else vocabulary.specials
    loaded = LanguageModel(
        name=files.name,
        network=network.to(where).eval(),
        device=where,
        source=source,
        n_layers=_first_of(files, network.config, "num_hidden_layers", "n_layer", "n_layers") + 1,
        width=_first_of(files, network.config, "hidden_size", "d_model", "n_embd"),
        max_tokens=_positions(files, family, network.config) - specials.around,
        module=full.to(where).eval(),
        read=family.read,
        family=family.name,
        specials=specials,
        causal=causal,
        id_map=None if vocabulary is None or vocabulary.is_ours else torch.from_numpy(vocabulary.model_ids).to(where),
        token_lengths=None if vocabulary is None else vocabulary.tokenizer.lengths,
        has_head=not any(_is_head(key, encoder) for key in info["missing_keys"]),
    )
    if vocabulary is not None and int(vocabulary.model_ids.max()) >= loaded.n_rows:
        raise InputError(
            f"{model}: its tokenizer has ids up to {int(vocabulary.model_ids.max())}, but the weights have "
            f"{loaded.n_rows} embedding rows; the files are not of one model"
        )
    if coded:
        _try_out(loaded)
    return loaded


def _is_causal(config: dict[str, Any]) -> bool:
    """By the class that was saved, else by what its author's code offers; masked when nothing says."""
    names = [*(config.get("architectures") or ()), *(config.get("auto_map") or ())]
    if any("MaskedLM" in name for name in names):
        return False
    return any("CausalLM" in name or name.endswith("LMHeadModel") for name in names)


def _open(
    files: ModelFiles, config: dict[str, Any], auto_class: str, dtype: torch.dtype, source: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The network with its head, all weights of the encoder in place, and what transformers says of the others."""
    place, revision, coded = files.model, None, has_code(config)
    if not files.is_local and pinned_revision(files.model, files.revision) is not None:
        place = str(pinned_folder(files.model))
    elif not files.is_local:
        revision = source["revision"] or files.revision  # the commit that was looked at, and no newer one
    with _as_input_errors(files, coded):
        make = author_class(config, auto_class, place, revision) if coded else _native_class(auto_class)
        full, info = make(
            place,
            dtype=dtype,
            revision=revision,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, with the shapes
        )
    _check_weights(files.model, full.base_model_prefix, info)
    return full, info


def _native_class(auto_class: str) -> Callable[..., Any]:
    import transformers

    return partial(getattr(transformers, auto_class).from_pretrained, trust_remote_code=False)


@contextlib.contextmanager
def _as_input_errors(files: ModelFiles, coded: bool) -> Iterator[None]:
    """Whatever goes wrong while a network is made, in one line; nothing else is printed."""
    import transformers

    try:
        with quiet_transformers():
            yield
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{files.model}: the pickled weights hold more than tensors and were not executed; "
            "ask for a safetensors version of the model"
        ) from error
    except Exception as error:  # of any kind: safetensors, pickle, config checks, hub and custom code raise their own
        kind = "cannot be loaded" if files.is_local else "cannot be had from the hub, or not be loaded"
        code = f" (its author's code, with transformers {transformers.__version__})" if coded else ""
        raise InputError(f"{files.model}: {kind}{code}: {_first_sentence(error)}") from error


def _check_weights(model: str, encoder: str, info: dict[str, Any]) -> None:
    """Refuse weights that leave any tensor of the encoder random; pooler and contact head are not used."""
    for name, found, expected in sorted(info["mismatched_keys"]):
        raise InputError(
            f"{model}: the weights do not fit config.json: {name} has shape {tuple(found)}, expected {tuple(expected)}"
        )
    missing = sorted(key for key in info["missing_keys"] if not _is_head(key, encoder) and not _is_unused(key))
    if missing:
        raise InputError(
            f"{model}: the weights do not fit config.json: {len(missing)} tensors are missing, first {missing[0]}"
        )


def _is_head(key: str, encoder: str) -> bool:
    return bool(encoder) and not key.startswith(f"{encoder}.")


def _is_unused(key: str) -> bool:
    return ".pooler." in key or ".contact_head." in key


def _first_of(files: ModelFiles, config: Any, *names: str) -> int:
    """A size from a configuration, which custom code may spell in another way."""
    found = next((getattr(config, name) for name in names if isinstance(getattr(config, name, None), int)), None)
    if found is None:
        raise InputError(f"{files.model}/config.json: has no {names[0]}; this kind of model is not known")
    return found


def _positions(files: ModelFiles, family: Family, config: Any) -> int:
    try:
        return family.positions(config)
    except (InputError, AttributeError, TypeError) as error:
        raise InputError(f"{files.model}: {error}") from error


def _try_out(model: LanguageModel) -> None:
    """Run code of a model's author once: what it cannot do is said now, not in the middle of a pass."""
    ids = torch.full((1, 3), FIRST_PIECE_ID, device=model.device)
    try:
        with torch.inference_mode():
            states = model.hidden_states(ids)
        shapes = [tuple(layer.shape) for layer in states]
    except Exception as error:
        raise InputError(f"{model.name}: its author's code does not run here: {_first_sentence(error)}") from error
    if shapes != [(1, 3, model.width)] * model.n_layers:
        raise InputError(
            f"{model.name}: its author's code gives {len(shapes)} hidden states, shapes {sorted(set(shapes))}; "
            f"expected {model.n_layers} of (1, 3, {model.width})"
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
    own = model.token_lengths
    if model.id_map is not None and own is not None and not np.array_equal(token_lengths, own):
        raise InputError(
            f"{tokenizer_name}: other tokens than those of {model.name}, which numbers its own in its own way; use the "
            "model's tokenizer (grover_probe.models.load_tokenizer)"
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
