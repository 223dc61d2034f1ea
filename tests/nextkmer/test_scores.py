"""Accuracy, top 5 and bits against scikit-learn, and the bootstrap against repeating rows."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score

from grover_probe.nextkmer.scores import Outcome, resampled, summary
from grover_probe.probes.metrics import Resamples, resample_blocks


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return rng.dirichlet([0.3] * 16, size=400), rng.integers(0, 16, 400)


def test_metrics_of_scikit_learn(drawn):
    probabilities, true = drawn
    outcome = Outcome.of(probabilities, true)
    labels = np.arange(16)
    assert outcome.values("accuracy").mean() == accuracy_score(true, probabilities.argmax(axis=1))
    assert outcome.values("top5").mean() == top_k_accuracy_score(true, probabilities, k=5, labels=labels)
    clipped = np.maximum(probabilities, 1e-12)
    assert outcome.bits.mean() == pytest.approx(log_loss(true, clipped, labels=labels) / np.log(2), rel=1e-6)


def test_equal_probabilities_are_ranked_by_the_alphabet():
    outcome = Outcome.of(np.full((3, 4), 0.25), np.array([0, 1, 3]))
    assert outcome.rank.tolist() == [0, 1, 3]
    assert outcome.called.tolist() == [0, 0, 0]
    assert outcome.values("accuracy").tolist() == [1, 0, 0]


def test_the_impossible_costs_a_finite_number_of_bits():
    outcome = Outcome.of(np.array([[1.0, 0.0]]), np.array([1]))
    assert outcome.bits[0] == pytest.approx(39.86, abs=0.01)


def test_chunks_and_tables(drawn):
    probabilities, true = drawn
    whole = Outcome.of(probabilities, true)
    parts = Outcome.joined([Outcome.of(probabilities[part], true[part]) for part in (slice(0, 7), slice(7, None))])
    assert parts.to_frame().equals(whole.to_frame())
    assert Outcome.from_frame(whole.to_frame()).to_frame().equals(whole.to_frame())


def test_resamples_are_repeated_rows(drawn):
    outcome = Outcome.of(*drawn)
    block = np.repeat(np.arange(8), [10, 30, 50, 70, 90, 50, 60, 40])
    counts = np.vstack([np.ones(8), np.random.default_rng(1).multinomial(8, [1 / 8] * 8, size=5)]).astype(float)
    values = outcome.values("bits")
    expected = [np.repeat(values, row[block].astype(int)).mean() for row in counts]
    assert resampled(values, Resamples(block, counts)) == pytest.approx(expected)


def test_interval_holds_the_value(drawn):
    found = summary(Outcome.of(*drawn), resample_blocks(np.arange(400) // 10, 500, 0))
    for metric in ("accuracy", "top5", "bits"):
        assert found[f"{metric}_low"] < found[metric] < found[f"{metric}_high"]
