"""Where the weights of a model are, without fetching anything; and the command that would."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grover_probe.compare.systems import EMBEDDED, RANDOM, System

_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class Weights:
    """A model on this machine.

    Attributes
    ----------
    place
        Folder, or hub id whose files are in the hub's cache.
    content
        What decides its numbers: hashes of the files, or the revision. No names.
    """

    place: str
    content: dict[str, Any]


def find_weights(system: System) -> Weights | str:
    """The weights of a system, or how to get them.

    Raises
    ------
    InputError
        When a folder that the user named is no model.
    """
    if system.model is None:
        name = system.name.removeprefix(RANDOM)
        return f"train one (grover-probe pretrain --tokenizer {name}) and give --model {name}=FOLDER"
    if system.model == EMBEDDED:
        from grover_probe.data.sample import sample_path

        return _described(str(sample_path("checkpoint")))
    from grover_probe.models.folder import check_model

    check_model(system.model)
    if Path(system.model).is_dir():
        return _described(system.model)
    return _from_hub(system.model)


def _described(place: str) -> Weights:
    from grover_probe.models.folder import describe_model

    return Weights(place, {name: value for name, value in describe_model(place).items() if name != "name"})


def _from_hub(repo: str) -> Weights | str:
    from grover_probe.data.cache import Cache
    from grover_probe.data.manifest import load_catalogue
    from grover_probe.data.resource import HubSource
    from grover_probe.errors import DataError
    from grover_probe.models.pinned import pinned_folder

    store = Cache()
    listed = [
        (resource, resource.source)
        for resource in load_catalogue().resources.values()
        if isinstance(resource.source, HubSource) and resource.source.repo == repo
    ]
    if not listed:
        return _from_hub_cache(repo)
    groups = sorted({resource.id.removesuffix(f".{source.file}") for resource, source in listed})
    command = f"grover-probe data fetch {' '.join(groups)}"
    try:
        if all(store.find(resource) is not None for resource, _ in listed):
            return _described(str(pinned_folder(repo)))
    except DataError as error:
        return f"{command} (damaged in the cache: {error})"
    return command


def _from_hub_cache(repo: str) -> Weights | str:
    """A model that no manifest lists, when the hub's own cache has it."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repo, "config.json")
    found = [try_to_load_from_cache(repo, name) for name in _WEIGHTS]
    if isinstance(config, str) and any(isinstance(path, str) for path in found):
        return Weights(repo, {"revision": Path(config).parent.name})
    return f"hf download {repo}"
