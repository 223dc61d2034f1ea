"""The atlas: one page that shows a map, works without a network and asks for nothing."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.files import atomic_path

_TEMPLATE = "atlas_template.html"
_LABELS = {"gc": "GC", "ag": "AG", "ac": "AC", "cpg": "CpG", "log_frequency": "log10 frequency", "n_tokens": "tokens"}


@dataclass(frozen=True)
class View:
    """One map of the page.

    Attributes
    ----------
    name, note
        Shown in the choice of maps and below it.
    points
        Shape (n, 2).
    nearest
        Row numbers of the nearest others of each, shape (n, k); none when None.
    """

    name: str
    points: np.ndarray
    note: str = ""
    nearest: np.ndarray | None = None

    __repr__ = brief


@dataclass(frozen=True)
class Atlas:
    """What the page shows.

    Attributes
    ----------
    title, subtitle
        Its head.
    noun
        What a point is: ``token``, ``window``.
    names
        Of the points, to be searched.
    columns
        One row per point: numbers become a colour scale, everything else classes. Missing numbers are grey, as is the
        class ``none``.
    views
        Maps of the same points.
    colour
        Column that colours the points at first.
    """

    title: str
    subtitle: str
    noun: str
    names: Sequence[str]
    columns: pd.DataFrame
    views: Sequence[View]
    colour: str
    labels: Mapping[str, str] = field(default_factory=dict)

    __repr__ = brief

    def save(self, path: Path | str) -> Path:
        """Write the page: one file with everything in it."""
        page = resources.files("grover_probe.maps").joinpath(_TEMPLATE).read_text(encoding="utf-8")
        page = page.replace("__TITLE__", html.escape(self.title)).replace("__DATA__", self._embedded())
        with atomic_path(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
        return Path(path)

    def _embedded(self) -> str:
        """The data as JSON that cannot end the script element it stands in."""
        n = len(self.names)
        if not n or len(self.columns) != n or any(len(view.points) != n for view in self.views):
            raise InputError("names, columns and views of an atlas must have the same rows, and some")
        content = {
            "subtitle": self.subtitle,
            "noun": self.noun,
            "example": f"such as {self.names[n // 2]}",
            "names": list(self.names),
            "columns": [self._column(name) for name in self.columns],
            "views": [_view(view) for view in self.views],
            "colour": self.colour,
        }
        return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")

    def _column(self, name: str) -> dict[str, Any]:
        values = self.columns[name]
        label = self.labels.get(name, _LABELS.get(name, name.replace("_", " ")))
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            numbers = [None if not np.isfinite(value) else value for value in values.tolist()]
            short = [round(value, 6) if isinstance(value, float) else value for value in numbers]
            return {"name": name, "label": label, "kind": "number", "values": short}
        codes, classes = pd.factorize(values.astype(str), sort=True)
        return {"name": name, "label": label, "kind": "class", "values": codes.tolist(), "classes": list(classes)}


def _view(view: View) -> dict[str, Any]:
    points = np.asarray(view.points, dtype=np.float64).round(4)
    found: dict[str, Any] = {"name": view.name, "note": view.note}
    found |= {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
    if view.nearest is not None:
        found["nearest"] = view.nearest.tolist()
    return found
