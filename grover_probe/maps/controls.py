"""Token vectors to hold beside a model's: its input embeddings, and the averages of models that learned nothing."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from grover_probe.extract.reducers import Reducer, TokenBatch
from grover_probe.extract.run import run_pass

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.models.loading import LanguageModel


def input_embeddings(model: "LanguageModel") -> np.ndarray:
    """The embedding table of a model, before position and normalisation: float64, shape (n_ids, width)."""
    return model.network.get_input_embeddings().weight.detach().double().cpu().numpy()


def untrained(model: "LanguageModel", seed: int = 0) -> "LanguageModel":
    """A model of the same shape whose weights are drawn anew, as its architecture draws them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = type(model.network)(model.network.config)
    network = network.to(model.device, next(model.network.parameters()).dtype).eval()
    return replace(model, name="random", network=network, source={"untrained": model.source, "seed": seed})


def contextual_means(
    model: "LanguageModel",
    corpus: "Corpus",
    windows: np.ndarray,
    layers: list[int],
    *,
    batch_size: int = 8,
    progress: bool = True,
) -> np.ndarray:
    """Average hidden state of each token: float64, shape (n_layers, n_ids, width), NaN for tokens that do not occur."""
    sums = _TokenSums(model.n_ids, len(layers), model.width, model.device)
    run_pass(model, corpus, windows, [sums], layers=layers, batch_size=batch_size, progress=progress)
    state = sums.state_dict()
    with np.errstate(invalid="ignore"):
        return (state["total"] / state["count"][:, None]).numpy()


class _TokenSums(Reducer):
    """Count and sum of hidden states per token and layer."""

    def __init__(self, n_ids: int, n_layers: int, width: int, device: torch.device) -> None:
        super().__init__(device, count=(n_ids,), total=(n_layers, n_ids, width))

    def update(self, batch: TokenBatch) -> None:
        self.sums["count"] += torch.bincount(batch.ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            self.sums["total"][layer].index_add_(0, batch.ids, states.double())


def spread_windows(windows: np.ndarray, n_tokens: int) -> np.ndarray:
    """Windows of about `n_tokens` tokens together, evenly spread over all of them."""
    total = int((windows[:, 1] - windows[:, 0]).sum())
    if total <= n_tokens:
        return windows
    n_kept = max(1, len(windows) * n_tokens // total)
    return windows[np.linspace(0, len(windows) - 1, n_kept).astype(np.int64)]
