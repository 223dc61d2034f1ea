"""Finished cells (one system, one seed) on disk, named by the content that decides them."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe import __version__
from grover_probe.baselines.splits import Predicted
from grover_probe.files import atomic_path

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Cell:
    """What one system with one seed predicts, and how long that took.

    Attributes
    ----------
    predicted
        Of the validation and the test split.
    seconds
        Wall time of training and prediction; of the last attempt when an interrupted one was continued.
    """

    predicted: Predicted
    seconds: float


class CellStore:
    """A folder of finished cells.

    Parameters
    ----------
    folder
        Made when the first cell is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Cell | None:
        """A cell; None when it is not there or its file is damaged."""
        try:
            with self._path(key).open("rb") as handle, np.load(handle) as stored:
                meta = json.loads(str(stored["meta"]))
                predicted = Predicted(stored["validation"], stored["test"], meta["chosen"])
            return Cell(predicted, float(meta["seconds"]))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, key: str, cell: Cell) -> None:
        """Keep a cell; its unfinished work goes."""
        meta = json.dumps({"chosen": cell.predicted.chosen, "seconds": cell.seconds})
        with atomic_path(self._path(key)) as temporary:
            np.savez_compressed(
                temporary, validation=cell.predicted.validation, test=cell.predicted.test, meta=np.array(meta)
            )
        shutil.rmtree(self.work(key), ignore_errors=True)

    def work(self, key: str) -> Path:
        """Where a cell may keep checkpoints while it is made."""
        return self.folder / f"{key}.work"

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def cell_key(**content: Any) -> str:
    """The name of a cell: a hash of everything that decides it."""
    text = json.dumps({"format": FORMAT_VERSION, "version": __version__, **content}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
