"""Finished cells on disk, so that a run that was stopped goes on where it was.

A cell is one target read by one probe from one set of features. Its file is named by the content that decides it, so a
file that is there is right, and a changed input finds none.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grover_probe import __version__
from grover_probe.files import atomic_path

FORMAT_VERSION = 1


@dataclass(frozen=True)
class CellRow:
    """One row of the table before it is compared with others.

    Attributes
    ----------
    row
        Its columns.
    drawn
        The headline metric of each bootstrap resample, the first with all blocks once.
    """

    row: dict[str, Any]
    drawn: list[float]


class CellStore:
    """A folder of finished cells.

    Parameters
    ----------
    folder
        Where they are kept; None keeps none.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.found = 0

    def get(self, key: str) -> list[CellRow] | None:
        """The rows of a cell, None when it is not there or its file is damaged."""
        if self.folder is None:
            return None
        try:
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
            rows = [CellRow(each["row"], each["drawn"]) for each in stored["rows"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.found += 1
        return rows

    def put(self, key: str, rows: list[CellRow]) -> None:
        """Keep the rows of a cell."""
        if self.folder is None:
            return
        with atomic_path(self._path(key)) as temporary:
            content = {"rows": [{"row": each.row, "drawn": each.drawn} for each in rows]}
            temporary.write_text(json.dumps(content), encoding="utf-8")

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{key}.json"


def cell_key(**content: Any) -> str:
    """The name of a cell: a hash of everything that decides it."""
    text = json.dumps({"format": FORMAT_VERSION, "version": __version__, **content}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
