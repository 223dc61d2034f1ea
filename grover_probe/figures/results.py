"""Where figures find results: one folder, with a folder in it for each command."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# What lies in a folder of results, and the command that makes it.
LAYOUT = {
    "vocabulary": "grover_probe.vocabulary",
    "diagnose": "grover_probe.vocabulary diagnose",
    "evaluate": "grover_probe.evaluate",  # evaluate/MODEL: checkpoint, 4-mer, 5-mer, 6-mer, ...
    "pass": "grover_probe.extract",
    "pass-random": "grover_probe.extract, of grover_probe.untrained --start random",
    "pass-initial": "grover_probe.extract, of grover_probe.untrained --start initial",
    "selfsim": "grover_probe.selfsim --extracted",
    "maps-tokens": "grover_probe.maps tokens",
    "maps-windows": "grover_probe.maps windows",
    "overlap": "grover_probe.overlap",
    "probes": "grover_probe.probes",
    "nextkmer": "grover_probe.nextkmer sweep",
    "compare": "grover_probe.compare",  # compare/TASK: prom300, promscan, ctcf, ...
    "region": "grover_probe.evaluate region",
}


@dataclass(frozen=True)
class Results:
    """A folder of results in the layout of the workflow (`LAYOUT`).

    Attributes
    ----------
    folder
        ``runs/sample``, ``runs/chr20``, ...
    used
        The folders in it that were asked for and are there.
    """

    folder: Path
    used: set[str] = field(default_factory=set, compare=False, repr=False)

    def path(self, name: str) -> Path:
        """A file or folder of results, such as ``overlap/tokens.parquet``.

        Raises
        ------
        InputError
            When it is not there; the message says which command makes it.
        """
        found = self.folder / name
        if not self.has(name):
            made_by = LAYOUT[Path(name).parts[0]]
            raise InputError(f"{found}: not there; python -m {made_by} makes it, or snakemake all of them")
        return found

    def has(self, name: str) -> bool:
        """Whether a file or folder of results is there, for what a figure can do without."""
        there = (self.folder / name).exists()
        if there:
            self.used.add(Path(name).parts[0])
        return there

    def table(self, name: str, **options: Any) -> "pd.DataFrame":
        """A table by its path in the folder: Parquet, TSV or CSV.

        Parameters
        ----------
        name
            Such as ``selfsim/selfsim.parquet``.
        options
            For the reader of pandas.
        """
        import pandas as pd

        path = self.path(name)
        if path.suffix == ".parquet":
            return pd.read_parquet(path, **options)
        options = {"sep": "\t" if path.suffix == ".tsv" else ",", **options}
        return pd.read_csv(path, **options)

    def record(self, name: str) -> dict[str, Any]:
        """A JSON file, such as ``selfsim/selfsim.run.json``."""
        import json

        return dict(json.loads(self.path(name).read_text(encoding="utf-8")))

    def names(self, name: str) -> list[str]:
        """The folders in a folder of results, in order: the models of ``evaluate``, the tasks of ``compare``."""
        return sorted(each.name for each in self.path(name).iterdir() if each.is_dir())
