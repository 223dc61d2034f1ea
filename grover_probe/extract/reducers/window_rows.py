"""One embedding per window, layer and pooling."""

import shutil
from pathlib import Path
from typing import Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import RowWriter, Setup, TokenBatch

POOLINGS = ("cls", "mean", "max")
FILE = "window_embeddings.npy"


class WindowEmbeddings(RowWriter):
    """The state of [CLS], and mean and maximum over the tokens taken from a window.

    Parameters
    ----------
    n_windows
        Windows of the pass.
    layers
        Which layers of the batches are kept, by their place there.
    poolings
        Of ``cls``, ``mean``, ``max``, in the order of the rows.
    width
        Hidden size.
    path
        As in `RowWriter`.
    """

    name = "windows"

    def __init__(
        self, n_windows: int, layers: tuple[int, ...], poolings: tuple[str, ...], width: int, path: Path | None = None
    ) -> None:
        super().__init__((n_windows, len(layers), len(poolings), width), path)
        self.layers, self.poolings = layers, poolings

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """All windows of a pass."""
        path = None if setup.folder is None else setup.folder / FILE
        return cls(len(setup.windows), setup.kept(), setup.poolings, setup.width, path)

    def update(self, batch: TokenBatch) -> None:
        """Write the windows of a batch."""
        for place, layer in enumerate(self.layers):
            for column, pooling in enumerate(self.poolings):
                self.rows[batch.numbers, place, column] = _pool(batch, layer, pooling).float().cpu().numpy()

    @property
    def files(self) -> tuple[str, ...]:
        """One array."""
        return (FILE,)

    def save(self, folder: Path) -> None:
        """Write the array. A file gets a second name, so that it is still there if the rest of the result fails."""
        if self.path is None:
            np.save(folder / FILE, self.rows)
            return
        self.rows.flush()  # type: ignore[attr-defined]
        try:
            (folder / FILE).hardlink_to(self.path)
        except OSError:  # a file system without links
            shutil.copyfile(self.path, folder / FILE)


def _pool(batch: TokenBatch, layer: int, pooling: str) -> torch.Tensor:
    if pooling == "cls":
        return batch.first[layer]
    if pooling == "mean":
        return batch.window_means(layer)
    return torch.segment_reduce(batch.hidden[layer].float(), "max", lengths=batch.window_sizes)
