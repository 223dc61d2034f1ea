"""The hidden states that a pass meets, window by window and nothing padded, as everyone can read them."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from grover_probe.bpe.merges import CLS_ID, SEP_ID
from grover_probe.extract.central import central_windows
from grover_probe.extract.intervals import TokenIntervals
from grover_probe.extract.reducers import Setup
from grover_probe.genome import Region

LAYERS = (0, 1, 2)
OVERLAP = 24


@dataclass
class Truth:
    """Tokens of a pass in corpus order: position, id, window, states (n, n_layers, width) and [CLS] per window."""

    positions: np.ndarray
    ids: np.ndarray
    window: np.ndarray
    states: np.ndarray
    first: np.ndarray


def read_all(network, corpus, windows, taken) -> Truth:
    """One window at a time through a model of transformers."""
    positions, window, states, first = [], [], [], []
    for number, ((begin, stop), (low, high)) in enumerate(zip(windows, taken, strict=True)):
        ids = torch.tensor([[CLS_ID, *corpus.ids[begin:stop].tolist(), SEP_ID]])
        with torch.no_grad():
            layers = network(input_ids=ids, output_hidden_states=True).hidden_states
        found = torch.stack([layer[0] for layer in layers], 1).double().numpy()
        first.append(found[0])
        states.append(found[1 + low - begin : 1 + high - begin])
        positions.append(np.arange(low, high))
        window.append(np.full(high - low, number))
    where = np.concatenate(positions)
    return Truth(where, corpus.ids[where].astype(int), np.concatenate(window), np.concatenate(states), np.array(first))


@pytest.fixture(scope="session")
def tiny_windows(tiny_corpus) -> tuple[np.ndarray, np.ndarray]:
    """Windows that overlap, and what is taken from them; 25 of them."""
    windows, taken = central_windows(tiny_corpus.runs(), 64, OVERLAP)
    return windows[:25], taken[:25]


@pytest.fixture(scope="session")
def truth(tiny_network, tiny_corpus, tiny_windows) -> Truth:
    return read_all(tiny_network, tiny_corpus, *tiny_windows)


@pytest.fixture(scope="session")
def tiny_regions() -> list[Region]:
    """Intervals that overlap each other, cut tokens, lie across windows, hold one base, or nothing that was read."""
    spans = [(0, 40), (33, 1_500), (500, 501), (700, 2_111), (690, 700), (11_000, 11_500)]
    return [Region("chr1", start, end, f"r{start}") for start, end in spans]


@pytest.fixture(scope="session")
def setup(tiny_model, tiny_corpus, tiny_windows, tiny_regions) -> Setup:
    """What every reducer can be made from."""
    from grover_probe.extract.head import prediction_head

    windows, taken = tiny_windows
    generator = torch.Generator().manual_seed(1)
    return Setup(
        tiny_model,
        tiny_corpus,
        windows,
        taken,
        LAYERS,
        window_layers=(0, 2),
        poolings=("max", "cls", "mean"),
        intervals=TokenIntervals(tiny_corpus, taken, tiny_regions, list(enumerate(tiny_regions))),
        options={
            "sample_every": 3,
            "sample_per_token": 5,
            "head": prediction_head(tiny_model),
            "centre": torch.randn(3, 16, generator=generator),
            "scale": torch.rand(3, 16, generator=generator) + 0.5,
        },
    )
