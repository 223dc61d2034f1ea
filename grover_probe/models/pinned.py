"""Models of the hub that the manifests list: fetched at one revision, verified, kept in the data cache.

`grover_probe.data` does the fetching; ``HF_ENDPOINT`` names a mirror. Weights that come as a pickle only are converted
once, beside it: nothing in the pickle is executed, and later loads are of safetensors.
"""

from pathlib import Path
from typing import Any

from grover_probe.data.resource import HubSource, Resource
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, sha256_of

_PICKLE, _SAFE = "pytorch_model.bin", "model.safetensors"
_SOURCE_KEY = "pickle_sha256"


def pinned_revision(repo: str, revision: str | None = None) -> str | None:
    """The revision of a hub id that the manifests list; None when they do not, or another one is asked for."""
    found = {resource.source.revision for resource in _resources(repo) if isinstance(resource.source, HubSource)}
    known = next(iter(sorted(found)), None)
    return known if revision in (None, known) else None


def pinned_file(repo: str, name: str) -> Path | None:
    """A listed file of a model, verified; None when it is not listed.

    Raises
    ------
    DataError
        When it cannot be had, or is not what the manifest says.
    """
    from grover_probe.data.fetch import fetch

    for resource in _resources(repo):
        if isinstance(resource.source, HubSource) and resource.source.file == name:
            return fetch(resource.id)[resource.id]
    return None


def pinned_folder(repo: str) -> Path:
    """All listed files of a model, in one folder, with weights that need no pickle.

    Raises
    ------
    DataError
        When a file cannot be had, or is not what the manifest says.
    InputError
        When the pickle holds more than tensors.
    """
    from grover_probe.data.fetch import fetch

    paths = fetch([resource.id for resource in _resources(repo)])
    folder = next(path for path in paths.values() if path.name == "config.json").parent
    if (folder / _PICKLE).is_file():
        convert_pickle(folder / _PICKLE)
    return folder


def convert_pickle(pickle: Path) -> Path:
    """Write the tensors of a pickle as ``model.safetensors`` beside it, once.

    Parameters
    ----------
    pickle
        A state dictionary. It is read with `weights_only`: what it would execute is refused.

    Returns
    -------
    Path
        The new file. One that is there is kept if it says that it was made from this very pickle.

    Raises
    ------
    InputError
        When the pickle holds anything but tensors by name.
    """
    import torch
    from safetensors.torch import save_file

    target = pickle.with_name(_SAFE)
    sha256 = sha256_of(pickle)
    if _made_from(target) == sha256:
        return target
    try:
        state = torch.load(pickle, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling, zip and end-of-file errors of several kinds
        raise InputError(
            f"{pickle}: the pickled weights hold more than tensors, or are damaged; they were not executed "
            f"({type(error).__name__})"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{pickle}: not a dictionary of tensors; expected the weights of a model")
    # Tied weights share memory, which safetensors does not store; a copy each is right.
    tensors: dict[str, Any] = {
        name: value.clone(memory_format=torch.contiguous_format) for name, value in state.items()
    }
    with atomic_path(target) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt", _SOURCE_KEY: sha256})
    return target


def _made_from(path: Path) -> str | None:
    """SHA-256 of the pickle that a safetensors file was made from, if the file is whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            return (opened.metadata() or {}).get(_SOURCE_KEY)
    except (OSError, SafetensorError):
        return None


def _resources(repo: str) -> list[Resource]:
    from grover_probe.data.manifest import load_catalogue

    return [
        resource
        for resource in load_catalogue().resources.values()
        if isinstance(resource.source, HubSource) and resource.source.repo == repo
    ]
