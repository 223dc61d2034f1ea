"""The files of a model, one by one: in a folder, in the data cache (verified), or in the hub's own cache."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grover_probe.errors import InputError
from grover_probe.models.folder import check_model, hub_file


@dataclass(frozen=True)
class ModelFiles:
    """Where the files of a model are.

    Attributes
    ----------
    name
        Folder name or hub id.
    model
        Folder or hub id as given.
    revision
        Of a hub id: the commit or branch asked for; None for the one that the manifests pin, else the newest.
    """

    name: str
    model: str
    revision: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a folder."""
        return Path(self.model).is_dir()

    def path(self, name: str) -> Path:
        """One file; fetched when it is on the hub.

        Raises
        ------
        InputError
            When it cannot be had.
        """
        if not self.is_local:
            return hub_file(self.model, name, self.revision)
        found = Path(self.model) / name
        if not found.is_file():
            raise InputError(
                f"{self.model}: has no {name}, which this kind of model needs; fetch it from where it came"
            )
        return found

    def has(self, name: str) -> bool:
        """Whether the folder holds a file, or the hub gives it."""
        try:
            return self.path(name).is_file()
        except InputError:
            return False

    def config(self) -> dict[str, Any]:
        """``config.json``.

        Raises
        ------
        InputError
            When it is not there or is no JSON object.
        """
        path = self.path("config.json")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not valid JSON ({error})") from error
        if not isinstance(content, dict):
            raise InputError(f"{path}: not a JSON object; expected the configuration of a transformers model")
        return content


def model_files(model: str | Path, revision: str | None = None) -> ModelFiles:
    """Look at a model folder or hub id.

    Raises
    ------
    InputError
        When it is neither, or a revision of a folder is asked for.
    """
    check_model(model)
    if Path(model).is_dir():
        if revision is not None:
            raise InputError(f"{model}: is a folder, which has no revisions; leave out revision {revision}")
        return ModelFiles(Path(model).resolve().name, str(model))
    return ModelFiles(str(model), str(model), revision)
