"""The start from corpus statistics."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.corpus import Corpus
from grover_probe.ngrams import neighbour_counts
from grover_probe.pretrain.initialise import attend_to_neighbours, neighbour_vectors, sinusoids
from grover_probe.pretrain.model import build_model
from grover_probe.pretrain.recipe import Architecture, Recipe
from grover_probe.pretrain.train import Trainer


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=20), min_size=1, max_size=4))
def test_neighbour_counts_equal_a_counter(parts: list[list[int]]) -> None:
    ids = np.concatenate([np.asarray(part, dtype=np.uint16) for part in parts])
    edges = np.cumsum([0, *map(len, parts)])
    expected = Counter(pair for part in parts for pair in pairwise(part))
    counts = neighbour_counts(ids, np.stack([edges[:-1], edges[1:]], axis=1), 7)
    assert {(int(a), int(b)): int(counts[a, b]) for a, b in np.argwhere(counts)} == expected


def test_tokens_with_like_neighbours_get_like_vectors() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 500, (30, 30)).astype(float)
    counts[1], counts[:, 1] = counts[0], counts[:, 0]
    counts[1, 1] = counts[0, 1] = counts[1, 0] = counts[0, 0]
    vectors = neighbour_vectors(counts, 16)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert cosine[0, 1] == pytest.approx(1, abs=1e-6)
    assert cosine[0, 2:].max() < 0.99
    assert vectors.shape == (30, 16)
    assert vectors.std() == pytest.approx(0.02)


def test_positions_are_distinct_and_scaled() -> None:
    table = sinusoids(512, 64)
    assert table.std() == pytest.approx(0.02)
    assert len(np.unique(table.round(9), axis=0)) == 512


def test_heads_begin_with_their_distance_wherever_the_window_is() -> None:
    """The attention of the untrained first block, from positions 0 and 300 of the table, without token content."""
    model = build_model(Architecture(2, 64, 4, 128, 512, 0.0), 20, seed=0)
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.copy_(torch.from_numpy(sinusoids(512, 64)).float())
        attend_to_neighbours(model)
        positions = model.bert.embeddings.LayerNorm(model.bert.embeddings.position_embeddings.weight)
        for depth, block in enumerate(model.bert.encoder.layer):
            attention = block.attention.self
            for first in (0, 300):
                states = positions[first : first + 40]
                query, key = (f(states).reshape(40, 4, 16).transpose(0, 1) for f in (attention.query, attention.key))
                looks_at = (query @ key.transpose(1, 2)).argmax(2)
                for head, distance in enumerate((-1, 1, -depth - 2, depth + 2)):
                    inner = torch.arange(5, 35)
                    assert (looks_at[head, inner] == inner + distance).all()


def test_start_sets_the_bias_to_log_frequencies(corpus: Corpus, recipe: Recipe) -> None:
    model = Trainer(corpus, corpus.runs(), recipe).model
    bias = model.cls.predictions.bias.detach().double().exp()
    observed = np.bincount(corpus.ids, minlength=len(bias)) / len(corpus)
    assert bias[FIRST_PIECE_ID:].sum().item() == pytest.approx(1, abs=1e-4)
    assert np.abs(bias.numpy() - observed)[FIRST_PIECE_ID:].max() < 2e-3
    assert model.cls.predictions.decoder.bias.data_ptr() == model.cls.predictions.bias.data_ptr()
