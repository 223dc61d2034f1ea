"""Metrics against their definitions, intervals against simple cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.finetune.metrics import METRICS, bootstrap, measure, summarise, top1_in_groups


def by_hand(labels, scores):
    """Counts, and pairs one by one."""
    predicted = scores > 0.5
    tp, tn = (predicted & (labels == 1)).sum(), (~predicted & (labels == 0)).sum()
    fp, fn = (predicted & (labels == 0)).sum(), (~predicted & (labels == 1)).sum()
    root = np.sqrt(float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn))
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[labels == 1] for b in scores[labels == 0]]
    steps = [(scores >= s) for s in sorted(set(scores), reverse=True)]
    recall = np.array([0.0] + [(labels[s] == 1).sum() / (labels == 1).sum() for s in steps])
    precision = np.array([(labels[s] == 1).mean() for s in steps])
    return {
        "mcc": (tp * tn - fp * fn) / root if root else 0.0,
        "accuracy": (tp + tn) / len(labels),
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0,
        "auroc": np.mean(pairs),
        "auprc": (np.diff(recall) * precision).sum(),
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=4, max_size=40), st.randoms())
def test_two_classes(rows, random):
    labels = np.array([0, 1] + [label for label, _ in rows])
    scores = np.array([0.3, 0.7] + [value / 20.5 for _, value in rows])
    probabilities = np.stack([1 - scores, scores], axis=1)
    found = measure(labels, probabilities)
    assert found == pytest.approx(by_hand(labels, scores))
    order = list(range(len(labels)))
    random.shuffle(order)
    assert measure(labels[order], probabilities[order]) == pytest.approx(found)


def test_scikit_learn_agrees():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    for n_classes in (2, 4):
        labels = rng.integers(0, n_classes, 300)
        probabilities = rng.dirichlet(np.ones(n_classes), 300).round(2) + np.eye(n_classes)[labels] * 0.2
        predicted = probabilities.argmax(axis=1)
        own = [1] if n_classes == 2 else list(range(n_classes))
        expected = {
            "mcc": metrics.matthews_corrcoef(labels, predicted),
            "accuracy": metrics.accuracy_score(labels, predicted),
            "f1": metrics.f1_score(labels, predicted, labels=own, average="macro"),
            "auroc": np.mean([metrics.roc_auc_score(labels == c, probabilities[:, c]) for c in own]),
            "auprc": np.mean([metrics.average_precision_score(labels == c, probabilities[:, c]) for c in own]),
        }
        assert measure(labels, probabilities) == pytest.approx(expected)


def test_three_classes():
    labels = np.array([0, 1, 2, 2])
    sure = np.eye(3)[labels]
    assert measure(labels, sure) == dict.fromkeys(METRICS, 1.0)
    flat = measure(labels, np.full((4, 3), 1 / 3))
    assert flat["mcc"] == 0 and flat["auroc"] == 0.5 and flat["f1"] == pytest.approx((2 * 0.25 / 1.25) / 3)
    assert np.isnan(measure(np.array([0, 0, 1]), sure[:3])["auroc"])


def test_bootstrap_covers_the_error_of_a_mean():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    right = rng.random(400) < 0.8
    scores = np.where(right == (labels == 1), 0.9, 0.1)
    low, high = bootstrap(labels, np.stack([1 - scores, scores], 1), draws=300)["accuracy"]
    error = np.sqrt(0.8 * 0.2 / 400)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert low < right.mean() < high


def test_bootstrap_of_groups_is_wider_when_groups_are_alike():
    rng = np.random.default_rng(1)
    labels = np.tile([0, 1], 200)
    groups = np.repeat([f"g{i}" for i in range(20)], 20)
    right = np.repeat(rng.random(20) < 0.7, 20)
    scores = np.where(right == (labels == 1), 0.9, 0.1)
    probabilities = np.stack([1 - scores, scores], 1)
    whole = bootstrap(labels, probabilities, groups, draws=200)["accuracy"]
    single = bootstrap(labels, probabilities, draws=200)["accuracy"]
    assert whole[1] - whole[0] > 2.5 * (single[1] - single[0])
    order = rng.permutation(400)
    assert bootstrap(labels[order], probabilities[order], groups[order], draws=200)["accuracy"] == pytest.approx(whole)


def test_seeds_widen_the_interval_and_are_averaged():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 300)
    runs = {}
    for seed, share in ((0, 0.6), (1, 0.9)):
        scores = np.where((rng.random(300) < share) == (labels == 1), 0.9, 0.1)
        runs[seed] = np.stack([1 - scores, scores], 1)
    both = summarise(labels, runs, draws=200)
    alone = [measure(labels, one)["mcc"] for one in runs.values()]
    assert both["mcc"] == pytest.approx(np.mean(alone)) and both["sd"]["mcc"] == pytest.approx(np.std(alone, ddof=1))
    low, high = both["intervals"]["mcc"]
    assert low < min(alone) + 0.05 and high > max(alone) - 0.05
    assert "sd" not in summarise(labels, {0: runs[0]}, draws=20) and "top1_in_group" not in both


def test_top1():
    labels = np.array([0, 1, 0, 0, 0, 1, 1, 1, 0, 1])
    scores = np.array([0.1, 0.9, 0.2, 0.5, 0.1, 0.4, 0.9, 0.1, 0.2, 0.3])
    groups = np.array(["a", "a", "a", "b", "b", "b", "c", "c", "c", "alone"])
    found = top1_in_groups(labels, scores, groups)
    assert found == {"top1": 0.5, "chance": pytest.approx(1 / 3), "groups": 2}
    assert top1_in_groups(labels[6:], scores[6:], groups[6:]) is None
