"""Scores against scikit-learn and scipy; weights against repeated rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn import metrics as reference

from grover_probe.probes import metrics


def _rows(seed: int, n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A value and a prediction, both with ties; a class; blocks."""
    rng = np.random.default_rng(seed)
    y = np.round(rng.normal(size=n), 1)
    predicted = np.round(y + rng.normal(size=n), 1)
    return y, predicted, (y + rng.normal(size=n)) > 0.5, rng.integers(0, 9, n)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_scores_of_all_rows_are_those_of_the_libraries(seed: int) -> None:
    y, predicted, positive, blocks = _rows(seed)
    drawn = metrics.resample_blocks(blocks, 3, 0)
    assert metrics.r2(y, predicted, drawn)[0] == pytest.approx(reference.r2_score(y, predicted))
    assert metrics.spearman(y, predicted, drawn)[0] == pytest.approx(spearmanr(y, predicted).statistic)
    assert metrics.auroc(positive, predicted, drawn)[0] == pytest.approx(reference.roc_auc_score(positive, predicted))
    area = reference.average_precision_score(positive, predicted)
    assert metrics.auprc(positive, predicted, drawn)[0] == pytest.approx(area)
    assert metrics.one_auroc(positive, predicted) == pytest.approx(reference.roc_auc_score(positive, predicted))
    classes, called = np.digitize(y, [-0.5, 0.5]), np.digitize(predicted, [-0.5, 0.5])
    expected = reference.matthews_corrcoef(classes, called)
    assert metrics.mcc(classes, called, 3, drawn)[0] == pytest.approx(expected)


def test_a_resample_is_the_same_as_repeating_its_blocks() -> None:
    y, predicted, positive, blocks = _rows(4)
    drawn = metrics.resample_blocks(blocks, 30, 1)
    found = {
        "r2": metrics.r2(y, predicted, drawn),
        "spearman": metrics.spearman(y, predicted, drawn),
        "auroc": metrics.auroc(positive, predicted, drawn),
        "auprc": metrics.auprc(positive, predicted, drawn),
        "mcc": metrics.mcc(positive, predicted > 0.5, 2, drawn),
    }
    for at, counts in enumerate(drawn.counts):
        rows = np.repeat(np.arange(len(y)), counts[drawn.block].astype(int))
        expected = {
            "r2": reference.r2_score(y[rows], predicted[rows]),
            "spearman": spearmanr(y[rows], predicted[rows]).statistic,
            "auroc": reference.roc_auc_score(positive[rows], predicted[rows]),
            "auprc": reference.average_precision_score(positive[rows], predicted[rows]),
            "mcc": reference.matthews_corrcoef(positive[rows], predicted[rows] > 0.5),
        }
        for name, scores in found.items():
            assert scores[at] == pytest.approx(expected[name]), name


def test_resamples_do_not_depend_on_the_order_of_rows() -> None:
    y, predicted, _, blocks = _rows(5)
    order = np.random.default_rng(0).permutation(len(y))
    one = metrics.spearman(y, predicted, metrics.resample_blocks(blocks, 20, 7))
    other = metrics.spearman(y[order], predicted[order], metrics.resample_blocks(blocks[order], 20, 7))
    assert np.allclose(one, other)


def test_interval_covers_about_as_often_as_it_says() -> None:
    """Correlated rows of a block: the interval of a mean difference, here as R2 of a constant bias, must be wide."""
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        blocks = np.repeat(np.arange(40), 10)
        signal, noise = rng.normal(size=(2, 40))
        y = np.repeat(signal + noise, 10)
        score, low, high = metrics.interval(
            metrics.r2(y, np.repeat(signal, 10), metrics.resample_blocks(blocks, 200, seed))
        )
        assert low <= score <= high
        inside += low <= 0.5 <= high  # true share explained: 1 / (1 + 1)
    assert inside >= 49


def test_constant_and_one_sided_rows_have_no_score() -> None:
    drawn = metrics.resample_blocks(np.arange(6), 4, 0)
    flat, rising = np.ones(6), np.arange(6.0)
    assert np.isnan(metrics.r2(flat, rising, drawn)).all()
    assert np.isnan(metrics.spearman(rising, flat, drawn)).all()
    assert np.isnan(metrics.auroc(flat > 0, rising, drawn)).all()
    assert np.isnan(metrics.auprc(flat > 1, rising, drawn)).all()
    assert (metrics.mcc(flat, flat, 2, drawn) == 0).all()
    assert metrics.auroc(rising > 2, flat, drawn)[0] == 0.5
    assert all(np.isnan(each) for each in metrics.interval(np.full(5, np.nan)))
