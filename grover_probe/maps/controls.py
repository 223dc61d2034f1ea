"""Token vectors to hold beside a model's: its input embeddings, and the averages of models that learned nothing."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from grover_probe.extract.reducers.moments import Moments
from grover_probe.extract.run import run_pass

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.models.loading import LanguageModel


def input_embeddings(model: "LanguageModel") -> np.ndarray:
    """The embedding table of a model, before position and normalisation.

    Returns
    -------
    np.ndarray
        float64, shape (n_ids, width); NaN for ids that the model does not have.
    """
    table = model.network.get_input_embeddings().weight.detach().double().cpu().numpy()
    if model.id_map is None:
        return table
    own = model.id_map.cpu().numpy()
    return np.where(own[:, None] >= 0, table[np.maximum(own, 0)], np.nan)


def untrained(model: "LanguageModel", seed: int = 0) -> "LanguageModel":
    """A model of the same shape whose weights are drawn anew, as its architecture draws them."""
    parameter = next(model.network.parameters())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = type(model.network)(model.network.config)
    network = network.to(parameter.device, parameter.dtype).eval()
    return replace(model, name="random", network=network, source={"untrained": model.source, "seed": seed})


def untrained_start(checkpoint: Path, device: str) -> "LanguageModel":
    """The model as it was before its first step, of a checkpoint that says how it began."""
    from grover_probe import models
    from grover_probe.pretrain.untrained import save_untrained
    from grover_probe.pretrain.untrained import untrained_start as rebuild

    with tempfile.TemporaryDirectory() as folder:
        return models.load(save_untrained(rebuild(checkpoint), checkpoint, Path(folder) / "initial"), device=device)


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
    moments = Moments(model.n_ids, len(layers), model.width, model.device)
    run_pass(model, corpus, windows, [moments], layers=layers, batch_size=batch_size, progress=progress)
    return moments.finalize()["mean"]


def spread_windows(windows: np.ndarray, n_tokens: int) -> np.ndarray:
    """Windows of about `n_tokens` tokens together, evenly spread over all of them."""
    total = int((windows[:, 1] - windows[:, 0]).sum())
    if total <= n_tokens:
        return windows
    n_kept = max(1, len(windows) * n_tokens // total)
    return windows[np.linspace(0, len(windows) - 1, n_kept).astype(np.int64)]
