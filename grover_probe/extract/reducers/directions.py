"""Sums of unit vectors: self-similarity and anisotropy without pairs."""

from typing import Self

import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch


class DirectionSums(Reducer):
    """Sums of unit vectors per token and layer: all that exact self-similarity needs.

    Parameters
    ----------
    n_ids
        Rows of the embedding table.
    n_layers
        Layers per batch.
    width
        Hidden size.
    selected
        bool, shape (n_tokens of the corpus,): occurrences to use; all when None.

    Notes
    -----
    Sums, with u a hidden state over its norm: ``count`` (n_ids), ``unit`` (n_layers, n_ids, width) of u, and
    ``to_window`` (n_layers, n_ids) of the cosine between a hidden state and the mean of its window.
    """

    name = "directions"

    def __init__(
        self,
        n_ids: int,
        n_layers: int,
        width: int,
        selected: torch.Tensor | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(device, count=(n_ids,), unit=(n_layers, n_ids, width), to_window=(n_layers, n_ids))
        self._selected = None if selected is None else selected.to(device)

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """All occurrences of a pass."""
        return cls(setup.n_ids, len(setup.layers), setup.width, device=setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""
        chosen = None if self._selected is None else self._selected[batch.positions]
        ids = batch.ids if chosen is None else batch.ids[chosen]
        self.sums["count"] += torch.bincount(ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            unit = torch.nn.functional.normalize(states.float(), dim=1)
            mean = torch.nn.functional.normalize(batch.window_means(layer), dim=1)
            cosine = torch.linalg.vecdot(unit, mean[batch.window])
            if chosen is not None:
                unit, cosine = unit[chosen], cosine[chosen]
            # Unit vectors in single precision, but sums of millions of them in double.
            self.sums["unit"][layer].index_add_(0, ids, unit.double())
            self.sums["to_window"][layer].index_add_(0, ids, cosine.double())
