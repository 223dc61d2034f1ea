"""Reducers: small sums that hidden states are added to, so that no hidden state is ever stored.

Every state is a commutative sum in float64. Results therefore do not depend on batch size or order, states of several
machines add up, and a run that was stopped goes on from a saved state.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch


@dataclass(frozen=True)
class TokenBatch:
    """Hidden states of the tokens of some whole windows; special tokens and padding are left out.

    Attributes
    ----------
    ids
        int64, shape (n_tokens,): token ids.
    positions
        int64, shape (n_tokens,): index of each token in the corpus.
    window
        int64, shape (n_tokens,): which window of the batch a token is in, 0 to n_windows - 1.
    n_windows
        Windows in the batch.
    hidden
        One tensor per layer asked for, each of shape (n_tokens, width).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    window: torch.Tensor
    n_windows: int
    hidden: tuple[torch.Tensor, ...]


class Reducer(ABC):
    """A sum over all tokens of a pass: a dictionary of float64 tensors that add up.

    Parameters
    ----------
    device
        Where the sums are kept: the model's device.
    shapes
        Name and shape of each sum.
    """

    def __init__(self, device: str | torch.device = "cpu", **shapes: tuple[int, ...]) -> None:
        self.sums = {name: torch.zeros(shape, dtype=torch.float64, device=device) for name, shape in shapes.items()}

    @abstractmethod
    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""

    def merge(self, other: Self) -> None:
        """Add the sums of another reducer of the same kind and shape."""
        for name, tensor in self.sums.items():
            tensor += other.sums[name].to(tensor.device)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Copies of the sums, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.sums.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Replace the sums by saved ones."""
        for name, tensor in self.sums.items():
            tensor.copy_(state[name])


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

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""
        chosen = slice(None) if self._selected is None else self._selected[batch.positions]
        ids = batch.ids[chosen]
        sizes = torch.bincount(batch.window, minlength=batch.n_windows)
        self.sums["count"] += torch.bincount(ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            states = states.float()
            unit = torch.nn.functional.normalize(states, dim=1)
            mean = torch.zeros(batch.n_windows, states.shape[1], device=states.device)
            mean.index_add_(0, batch.window, states).div_(sizes[:, None])
            mean = torch.nn.functional.normalize(mean, dim=1)
            cosine = (unit * mean[batch.window]).sum(1)
            # Unit vectors in single precision, but sums of millions of them in double.
            self.sums["unit"][layer].index_add_(0, ids, unit[chosen].double())
            self.sums["to_window"][layer].index_add_(0, ids, cosine[chosen].double())
