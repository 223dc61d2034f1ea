"""Logit lens: what the model's own prediction head reads from each layer."""

from typing import Any, Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch, hash_positions


class LogitLens(Reducer):
    """How well each layer says which token stands there.

    Parameters
    ----------
    head
        Takes states (n, width), gives logits (n, n_ids): the model's language-model head.
    n_ids, n_layers
        Rows of the embedding table, layers per batch.
    every
        About one token in so many is read; which ones depends on their position alone.

    Notes
    -----
    The input is not masked: a token's identity is there from the start, and a head that finds it has predicted nothing.
    What is measured is in which layers identity is written in the form that the head reads, and where it makes room for
    context; masked accuracy is in `grover_probe.evaluate`. Sums: ``count`` (n_ids), ``top1`` and ``log_p`` (natural
    logarithm of the token's own probability), both (n_layers, n_ids).

    References
    ----------
    nostalgebraist (2020), interpreting GPT: the logit lens, LessWrong.
    """

    name = "lens"

    def __init__(
        self, head: Any, n_ids: int, n_layers: int, every: int = 1, device: str | torch.device = "cpu"
    ) -> None:
        super().__init__(device, count=(n_ids,), top1=(n_layers, n_ids), log_p=(n_layers, n_ids))
        self._head, self._every = head, every

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """With the model's head and the pass's ``sample_every``."""
        options = setup.options
        return cls(options["head"], setup.n_ids, len(setup.layers), options["sample_every"], setup.device)

    @torch.inference_mode()
    def update(self, batch: TokenBatch) -> None:
        """Add the sampled tokens of a batch."""
        rows = (hash_positions(batch.positions) % self._every == 0).nonzero()[:, 0]
        ids = batch.ids[rows]
        self.sums["count"] += torch.bincount(ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            logits = self._head(states[rows]).float()
            own = logits.log_softmax(1).gather(1, ids[:, None])[:, 0]
            self.sums["log_p"][layer].index_add_(0, ids, own.double())
            self.sums["top1"][layer].index_add_(0, ids, (logits.argmax(1) == ids).double())

    def finalize(self) -> dict[str, np.ndarray]:
        """``count`` (n_ids); means ``top1`` and ``log_p`` (n_layers, n_ids), ``top1_all`` and ``log_p_all``."""
        state = {name: tensor.numpy() for name, tensor in self.state_dict().items()}
        count = state["count"]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = {name: state[name] / count for name in ("top1", "log_p")}
            overall = {f"{name}_all": state[name].sum(1) / count.sum() for name in ("top1", "log_p")}
        return {"count": count.astype(np.int64), **means, **overall}
