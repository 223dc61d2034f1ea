"""Which dimensions make the cosine, and what similarity is left without them (Timkey and van Schijndel 2021)."""

from typing import Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch
from grover_probe.extract.reducers.directions import DirectionSums


class DimensionSums(Reducer):
    """Anisotropy of each layer and the share that each dimension has in it.

    Parameters
    ----------
    n_layers, width
        Layers per batch, hidden size.

    Notes
    -----
    With u the unit vectors of n tokens, the mean over all pairs of u_i v_i is ((sum u_i)^2 - sum u_i^2) / (n (n - 1)):
    the contribution of dimension i to the mean cosine, which is the sum over dimensions. Sums: ``count`` (1), ``unit``
    and ``square`` (n_layers, width).

    References
    ----------
    Timkey and van Schijndel (2021), All bark and no bite: rogue dimensions in transformer language models obscure
    representational quality, EMNLP. Ethayarajh (2019) for anisotropy.
    """

    name = "dimensions"

    def __init__(self, n_layers: int, width: int, device: str | torch.device = "cpu") -> None:
        super().__init__(device, count=(1,), unit=(n_layers, width), square=(n_layers, width))

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """All tokens and layers of a pass."""
        return cls(len(setup.layers), setup.width, setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""
        self.sums["count"] += len(batch.ids)
        for layer, states in enumerate(batch.hidden):
            unit = torch.nn.functional.normalize(states.float(), dim=1)
            self.sums["unit"][layer] += unit.sum(0, dtype=torch.float64)
            self.sums["square"][layer] += unit.square_().sum(0, dtype=torch.float64)

    def finalize(self) -> dict[str, np.ndarray]:
        """``anisotropy`` (n_layers): mean cosine of two tokens; ``contribution`` and ``share`` (n_layers, width)."""
        state = {name: tensor.numpy() for name, tensor in self.state_dict().items()}
        n = state["count"][0]
        with np.errstate(invalid="ignore", divide="ignore"):
            contribution = (state["unit"] ** 2 - state["square"]) / (n * (n - 1))
            anisotropy = contribution.sum(1)
            share = contribution / anisotropy[:, None]
        return {"anisotropy": anisotropy, "contribution": contribution, "share": share}


class StandardisedSums(DirectionSums):
    """`DirectionSums` of standardised states: each dimension less its mean, over its standard deviation.

    Parameters
    ----------
    centre, scale
        Mean and standard deviation of each dimension, shape (n_layers, width).
    n_ids
        Rows of the embedding table.

    Notes
    -----
    Rogue dimensions then weigh no more than others. Mean and standard deviation come from windows spread evenly over
    the corpus that are read before the pass, because the cosine needs them at each token.

    References
    ----------
    Timkey and van Schijndel (2021), see `DimensionSums`.
    """

    name = "standardised"

    def __init__(
        self, n_ids: int, centre: torch.Tensor, scale: torch.Tensor, device: str | torch.device = "cpu"
    ) -> None:
        super().__init__(n_ids, centre.shape[0], centre.shape[1], device=device)
        self._centre = centre.to(device=device, dtype=torch.float32)
        self._scale = scale.to(device=device, dtype=torch.float32).clamp_min(1e-12)

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """With the mean and standard deviation that the pass found beforehand."""
        return cls(setup.n_ids, setup.options["centre"], setup.options["scale"], setup.device)

    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""
        hidden = tuple(
            (states.float() - centre) / scale
            for states, centre, scale in zip(batch.hidden, self._centre, self._scale, strict=True)
        )
        super().update(TokenBatch(batch.ids, batch.positions, batch.window, batch.n_windows, hidden))

    def finalize(self) -> dict[str, np.ndarray]:
        """The sums, with ``centre`` and ``scale``."""
        return super().finalize() | {"centre": self._centre.cpu().numpy(), "scale": self._scale.cpu().numpy()}
