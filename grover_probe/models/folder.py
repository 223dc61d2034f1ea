"""Model folders and hub ids, looked at without loading a model (and without torch)."""

import json
import logging
from pathlib import Path
from typing import Any

from grover_probe.errors import InputError
from grover_probe.files import sha256_of
from grover_probe.models.pinned import pinned_file, pinned_revision

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
    if not isinstance(config, dict) or not {"model_type", "auto_map"} & config.keys():
        raise InputError(
            f"{folder}/config.json: has no `model_type`; expected the configuration of a transformers model"
        )
    if not any((folder / name).is_file() for name in _WEIGHT_FILES):
        raise InputError(f"{folder}: no weights; expected model.safetensors (or pytorch_model.bin) beside config.json")


def describe_model(model: str | Path, revision: str | None = None) -> dict[str, Any]:
    """Name and content of a model for the record of a result.

    Returns
    -------
    dict
        For a folder ``name`` and the ``sha256`` of config, weights and code; for a hub id ``name`` and the
        ``revision``: the pinned one, else that in the local cache (None when it is not there yet).
    """
    check_model(model)
    folder = Path(model)
    if not folder.is_dir():
        known = pinned_revision(str(model), revision)
        return {"name": str(model), "revision": known or _cached_revision(str(model), revision)}
    files = [
        folder / "config.json",
        *(p for p in sorted(folder.iterdir()) if p.suffix in (".safetensors", ".bin", ".py")),
    ]
    return {"name": folder.resolve().name, "sha256": {path.name: sha256_of(path) for path in files}}


def hub_file(model: str, name: str, revision: str | None = None) -> Path:
    """A file of a model on the hub, from the local cache or fetched.

    What the manifests list is fetched at their revision, and verified (`grover_probe.models.pinned`).

    Parameters
    ----------
    model
        Hub id.
    name
        Path of the file in the repository.
    revision
        Commit, branch or tag; None for the pinned one, else the newest.

    Raises
    ------
    InputError
        When it cannot be had.
    DataError
        When a listed file cannot be had, or is not what the manifest says.
    """
    check_model(model)
    if pinned_revision(model, revision) is not None:
        found = pinned_file(model, name)
        if found is None:
            raise InputError(f"{model}: {name} is not among the files of this model that the manifests list")
        return found
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import logging as hub_logging

    level = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.CRITICAL)  # its retries are not for the user; the outcome is, below
    try:
        return Path(hf_hub_download(model, name, revision=revision))
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


def _cached_revision(model: str, revision: str | None) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(found).parent.name if isinstance(found, str) else None
