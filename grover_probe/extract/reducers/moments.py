"""Count, mean and variance of each token in each layer."""

from typing import Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch


class Moments(Reducer):
    """Sums of hidden states and of their squares per token and layer.

    Parameters
    ----------
    n_ids, n_layers, width
        Rows of the embedding table, layers per batch, hidden size.

    Notes
    -----
    Sums: ``count`` (n_ids), ``total`` and ``square`` (n_layers, n_ids, width). States have 24 bits, their squares 48:
    in double precision a square is exact, and the variance of a dimension whose mean is a thousand times its standard
    deviation still has seven digits.
    """

    name = "moments"

    def __init__(self, n_ids: int, n_layers: int, width: int, device: str | torch.device = "cpu") -> None:
        shape = (n_layers, n_ids, width)
        super().__init__(device, count=(n_ids,), total=shape, square=shape)

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """All tokens and layers of a pass."""
        return cls(setup.n_ids, len(setup.layers), setup.width, setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""
        self.sums["count"] += torch.bincount(batch.ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            states = states.double()
            self.sums["total"][layer].index_add_(0, batch.ids, states)
            self.sums["square"][layer].index_add_(0, batch.ids, states.square_())

    def finalize(self) -> dict[str, np.ndarray]:
        """``count`` (n_ids), ``mean`` and ``variance`` (over n), both (n_layers, n_ids, width), NaN for none."""
        state = {name: tensor.numpy() for name, tensor in self.state_dict().items()}
        count = state["count"][:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = state["total"] / count
            variance = np.maximum(state["square"] / count - mean**2, 0)
        return {"count": state["count"].astype(np.int64), "mean": mean, "variance": variance}
