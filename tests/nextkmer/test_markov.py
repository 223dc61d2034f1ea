"""Markov models against a dictionary, and what is chosen."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.baselines.markov import MarkovModel
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases


def slow(texts: list[str], context: str, base: str, strength: float) -> float:
    """P(base | context) with back-off, from a dictionary of words."""
    words: Counter[str] = Counter()
    for text in texts:
        for at in range(len(text) - len(context)):
            words[text[at : at + len(context) + 1]] += 1
    below = slow(texts, context[1:], base, strength) if context else 0.25
    seen = sum(words[context + letter] for letter in "ACGT")
    return (words[context + base] + strength * below) / (seen + strength)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.text("ACGTN", max_size=40), min_size=1, max_size=4),
    order=st.integers(0, 3),
    strength=st.sampled_from((0.5, 3.0)),
)
def test_probabilities_of_a_dictionary(texts, order, strength):
    model = MarkovModel.fit([encode_bases(text) for text in texts], order, strength)
    for row, letters in enumerate(product("ACGT", repeat=order)):
        expected = [slow(texts, "".join(letters), base, strength) for base in "ACGT"]
        assert model.probability[row] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("order", (0, 1, 3))
def test_kmers_are_products_of_bases(order):
    rng = np.random.default_rng(order)
    model = MarkovModel.fit([rng.integers(0, 4, 500).astype(np.uint8)], order, 1.0)
    contexts = rng.integers(0, 4, (5, 6)).astype(np.uint8)
    found = model.kmer_probabilities(contexts, 3)
    assert found.sum(axis=1) == pytest.approx(1, rel=1e-5)
    for row, context in enumerate(contexts):
        for number, word in enumerate(product(range(4), repeat=3)):
            past, expected = list(context), 1.0
            for base in word:
                state = int("".join(map(str, past[len(past) - order :])) or "0", 4)
                expected *= float(model.probability[state, base])
                past.append(base)
            assert found[row, number] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("order", (1, 2, 3))
def test_the_order_that_made_the_sequence_is_chosen(order):
    rng = np.random.default_rng(7)
    table = rng.dirichlet([0.5] * 4, size=4**order)
    codes = [0] * order
    draws = rng.random(30_000)
    for draw in draws:
        state = int("".join(map(str, codes[-order:])), 4)
        codes.append(int(np.searchsorted(np.cumsum(table[state])[:3], draw)))
    whole = np.array(codes, dtype=np.uint8)
    model = MarkovModel.choose([whole[:25_000]], [whole[25_000:]], range(6))
    assert model.order == order
    assert np.abs(model.probability - table).mean() < 0.02


def test_bad_numbers():
    codes = [encode_bases("ACGTACGT")]
    with pytest.raises(InputError, match="order 12"):
        MarkovModel.fit(codes, 12, 1.0)
    with pytest.raises(InputError, match="pseudo-counts above 0"):
        MarkovModel.fit(codes, 1, 0.0)
    with pytest.raises(InputError, match="contexts of 1 bases"):
        MarkovModel.fit(codes, 2, 1.0).kmer_probabilities(np.zeros((1, 1), np.uint8), 2)
    with pytest.raises(InputError, match="no 4 bases without N"):
        MarkovModel.choose(codes, [encode_bases("ACNNN")], range(4))
