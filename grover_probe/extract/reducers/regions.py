"""Mean hidden state over intervals of the genome, base by base."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch

if TYPE_CHECKING:
    from grover_probe.extract.intervals import TokenIntervals

FILE = "region_means.npy"


class RegionMeans(Reducer):
    """Sums of states over intervals, each token weighing with its bases inside.

    Parameters
    ----------
    intervals
        Where the intervals are (`grover_probe.extract.intervals.TokenIntervals`).
    layers
        Which layers of the batches are kept, by their place there.
    width
        Hidden size.

    Notes
    -----
    Sums: ``bases`` (n_regions) and ``total`` (n_regions, layers, width). Memory grows with the number of intervals.
    """

    name = "regions"

    def __init__(
        self,
        intervals: "TokenIntervals",
        layers: tuple[int, ...],
        width: int,
        device: str | torch.device = "cpu",
    ) -> None:
        n = intervals.n_regions
        super().__init__(device, bases=(n,), total=(n, len(layers), width))
        self.intervals, self.layers = intervals, layers

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """With the intervals of a pass."""
        return cls(setup.intervals, setup.kept(), setup.width, setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch that lie in intervals."""
        rows, regions, bases = self.intervals.of_windows(batch.numbers)
        if not len(rows):
            return
        where = batch.ids.device
        row, region = torch.from_numpy(rows).to(where), torch.from_numpy(regions).to(where)
        weight = torch.from_numpy(bases).to(where).double()
        self.sums["bases"].index_add_(0, region, weight)
        states = torch.stack([batch.hidden[layer][row] for layer in self.layers], 1)
        self.sums["total"].index_add_(0, region, states.double() * weight[:, None, None])

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The sums of the intervals met so far and which these are: a part of the genome meets few."""
        met = self.sums["bases"].nonzero()[:, 0]
        return {"met": met.cpu(), **{name: tensor[met].cpu() for name, tensor in self.sums.items()}}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace the sums by saved ones."""
        for name, tensor in self.sums.items():
            tensor.zero_()
            tensor[state["met"].to(tensor.device)] = state[name].to(tensor.device)

    def finalize(self) -> dict[str, np.ndarray]:
        """``bases`` (n_regions) covered by tokens and ``mean`` float32 (n_regions, layers, width), NaN for none."""
        bases = self.sums["bases"].cpu().numpy()
        with np.errstate(invalid="ignore"):
            mean = self.sums["total"].cpu().numpy() / bases[:, None, None]
        return {"bases": bases.astype(np.int64), "mean": mean.astype(np.float32)}

    @property
    def files(self) -> tuple[str, ...]:
        """The means and the table of intervals."""
        return (FILE, "regions.parquet")

    def save(self, folder: Path) -> None:
        """Write the means and the table of intervals."""
        found = self.finalize()
        np.save(folder / self.files[0], found["mean"])
        self.intervals.table(found["bases"]).to_parquet(folder / self.files[1], index=False)
