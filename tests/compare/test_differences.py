"""Differences between systems, of the same examples."""

import zlib

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from grover_probe.compare.differences import paired_differences


@pytest.fixture(scope="module")
def made():
    """60 examples in groups of 3, and systems of one, two and three seeds that are more or less right."""
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=60)

    def run(strength):
        score = 1 / (1 + np.exp(-(strength * (labels - 0.5) + rng.normal(size=60))))
        return np.column_stack([1 - score, score])

    runs = {"good": [run(4), run(3)], "fair": [run(2) for _ in range(3)], "none": [run(0)]}
    return labels, runs, np.array([f"g{number // 3}" for number in range(60)])


def test_by_hand_with_scikit_learn(made):
    labels, runs, groups = made
    found = paired_differences(labels, runs, groups, draws=40, seed=2).set_index(["system", "against"])
    assert list(found.index) == [("good", "fair"), ("good", "none"), ("fair", "none")]

    def score(name, run, rows):
        part = runs[name][run][rows]
        return matthews_corrcoef(labels[rows], part.argmax(axis=1)), roc_auc_score(labels[rows], part[:, 1])

    names = sorted(set(groups))
    examples = np.random.default_rng(2)
    seeds = {name: np.random.default_rng([2, zlib.crc32(name.encode())]) for name in runs}
    drawn = {name: [] for name in runs}
    for _ in range(40):
        taken = [names[index] for index in examples.integers(len(names), size=len(names))]
        rows = np.concatenate([np.flatnonzero(groups == name) for name in taken])
        for name in runs:
            drawn[name].append(score(name, int(seeds[name].integers(len(runs[name]))), rows))
    every = np.arange(60)
    for (one, two), row in found.iterrows():
        whole = [np.mean([score(name, run, every) for run in range(len(runs[name]))], axis=0) for name in (one, two)]
        assert row[["mcc", "auroc"]].tolist() == pytest.approx(whole[0] - whole[1])
        ends = np.percentile(np.subtract(drawn[one], drawn[two]), [2.5, 97.5], axis=0)
        assert row[["mcc_low", "auroc_low", "mcc_high", "auroc_high"]].tolist() == pytest.approx(ends.ravel())


def test_company_and_order_change_nothing(made):
    labels, runs, groups = made
    whole = paired_differences(labels, runs, groups, draws=30).set_index(["system", "against"])
    pair = paired_differences(labels, {name: runs[name] for name in ("none", "good")}, groups, draws=30)
    (turned,) = pair.itertuples()
    row = whole.loc[("good", "none")]
    assert (turned.mcc, turned.mcc_low, turned.mcc_high) == pytest.approx((-row.mcc, -row.mcc_high, -row.mcc_low))


def test_a_system_does_not_differ_from_itself(made):
    labels, runs, _ = made
    found = paired_differences(labels, {"a": runs["none"], "b": runs["none"]}, draws=20)
    assert found.drop(columns=["system", "against"]).to_numpy().tolist() == [[0.0] * 6]


def test_pairing_is_sharper_than_two_intervals():
    """Two systems that differ in few examples: apart in every draw, though their own intervals overlap."""
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=200)
    right = np.eye(2)[np.where(rng.random(200) < 0.7, labels, 1 - labels)]
    better = right.copy()
    better[:20] = np.eye(2)[labels[:20]]
    (row,) = paired_differences(labels, {"better": [better], "right": [right]}).itertuples()
    assert row.mcc_low > 0
    assert row.mcc_high - row.mcc_low < 0.2  # that of one system is 0.2 wide


def test_one_system_or_none_has_no_differences(made):
    labels, runs, _ = made
    for given in ({}, {"good": runs["good"]}):
        found = paired_differences(labels, given, draws=3)
        assert isinstance(found, pd.DataFrame) and len(found) == 0 and found.columns[0] == "system"
