"""Model folders and hub ids, looked at without loading a model (and without torch)."""

import json
import logging
from pathlib import Path
from typing import Any

from grover_probe.errors import InputError
from grover_probe.files import sha256_of

_WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def check_model(model: str | Path) -> None:
    """Check that something is a model folder with weights, or could be a hub id.

    Raises
    ------
    InputError
        When it is neither.
    """
    folder = Path(model)
    if not folder.is_dir():
        if folder.exists() or not _looks_like_hub_id(str(model)):
            raise InputError(f"{model}: no such model folder; expected a folder with config.json and model.safetensors")
        return
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: no config.json; expected the folder of a transformers model")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{folder}/config.json: not valid JSON ({error})") from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise InputError(
            f"{folder}/config.json: has no `model_type`; expected the configuration of a transformers model"
        )
    if not any((folder / name).is_file() for name in _WEIGHT_FILES):
        raise InputError(f"{folder}: no weights; expected model.safetensors (or pytorch_model.bin) beside config.json")


def describe_model(model: str | Path) -> dict[str, Any]:
    """Name and content of a model for the record of a result.

    Returns
    -------
    dict
        For a folder ``name`` and the ``sha256`` of config and weights; for a hub id ``name`` and the ``revision`` in
        the local cache (None when it is not there yet).
    """
    check_model(model)
    folder = Path(model)
    if not folder.is_dir():
        return {"name": str(model), "revision": _cached_revision(str(model))}
    files = [
        folder / "config.json",
        *(p for p in sorted(folder.iterdir()) if p.suffix in (".safetensors", ".bin")),
    ]
    return {"name": folder.resolve().name, "sha256": {path.name: sha256_of(path) for path in files}}


def hub_file(model: str, name: str) -> Path:
    """A file of a model on the hub, from the local cache or fetched.

    Raises
    ------
    InputError
        When it cannot be had.
    """
    check_model(model)
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import logging as hub_logging

    level = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.CRITICAL)  # its retries are not for the user; the outcome is, below
    try:
        return Path(hf_hub_download(model, name))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(
            f"{model}: neither a folder here nor a model that can be fetched from the hub ({type(error).__name__}); "
            "check the name, or the network"
        ) from error
    finally:
        hub_logging.set_verbosity(level)


def _looks_like_hub_id(model: str) -> bool:
    parts = model.split("/")
    return len(parts) == 2 and all(part and not part.startswith(".") for part in parts)


def _cached_revision(model: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")
    return Path(found).parent.name if isinstance(found, str) else None
