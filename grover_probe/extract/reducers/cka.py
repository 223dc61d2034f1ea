"""How alike two layers are: linear CKA from covariances."""

from typing import Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch, hash_positions


class LayerCovariances(Reducer):
    """Sums and products of the states of every two layers, over a sample of tokens.

    Parameters
    ----------
    n_layers, width
        Layers per batch, hidden size.
    every
        About one token in so many is used; which ones depends on their position alone.

    Notes
    -----
    Linear CKA of X and Y, centred, is |Y'X|^2 / (|X'X| |Y'Y|) with Frobenius norms. Sums: ``count`` (1), ``total``
    (n_layers, width), ``product`` (n_layers (n_layers + 1) / 2, width, width): all pairs once.

    References
    ----------
    Kornblith, Norouzi, Lee and Hinton (2019), Similarity of neural network representations revisited, ICML.
    """

    name = "cka"

    def __init__(self, n_layers: int, width: int, every: int = 1, device: str | torch.device = "cpu") -> None:
        self.pairs = [(one, other) for one in range(n_layers) for other in range(one, n_layers)]
        super().__init__(device, count=(1,), total=(n_layers, width), product=(len(self.pairs), width, width))
        self._every = every

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """With the pass's ``sample_every``."""
        return cls(len(setup.layers), setup.width, setup.options["sample_every"], setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the sampled tokens of a batch."""
        rows = (hash_positions(batch.positions) % self._every == 0).nonzero()[:, 0]
        states = [layer[rows].double() for layer in batch.hidden]
        self.sums["count"] += len(rows)
        for layer, part in enumerate(states):
            self.sums["total"][layer] += part.sum(0)
        for index, (one, other) in enumerate(self.pairs):
            self.sums["product"][index].addmm_(states[one].T, states[other])

    def finalize(self) -> dict[str, np.ndarray]:
        """``cka`` (n_layers, n_layers) and ``count`` of tokens used."""
        total, n = self.sums["total"], self.sums["count"]
        squared = torch.zeros(len(total), len(total), dtype=torch.float64)
        for index, (one, other) in enumerate(self.pairs):
            centred = self.sums["product"][index] - torch.outer(total[one], total[other]) / n
            squared[one, other] = squared[other, one] = centred.square().sum().cpu()
        own = squared.diagonal().sqrt()
        return {"cka": (squared / own[:, None] / own).numpy(), "count": n.cpu().numpy().astype(np.int64)}
