"""Correlations against scipy, correction by hand, neighbours against loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from grover_probe.maps.correlate import (
    PAPER_CORRELATIONS,
    beside_the_paper,
    component_correlations,
    corrected,
    nearest,
    neighbour_r2,
    neighbour_table,
)


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(80, 4))
    features = {
        "gc": -scores[:, 1] + 0.1 * rng.normal(size=80),
        "length": rng.integers(1, 6, 80).astype(float),
        "same": np.ones(80),
        "gaps": np.where(np.arange(80) < 10, np.nan, scores[:, 0] ** 3),
    }
    return scores, features


def test_against_scipy_and_ranks(case):
    scores, features = case
    found = component_correlations(scores, features, 3)
    assert list(found.columns) == ["component", "feature", "rho", "abs_rho", "p", "q", "n"]
    assert len(found) == 3 * 4
    for row in found.itertuples():
        values = features[row.feature]
        known = np.isfinite(values)
        if row.feature == "same":
            assert np.isnan([row.rho, row.p, row.q]).all()
            continue
        expected = spearmanr(scores[known, row.component - 1], values[known])
        assert (row.rho, row.p, row.n) == (
            pytest.approx(expected.statistic),
            pytest.approx(expected.pvalue),
            known.sum(),
        )
        by_hand = np.corrcoef(rankdata(scores[known, row.component - 1]), rankdata(values[known]))[0, 1]
        assert row.rho == pytest.approx(by_hand)
    planted = found[(found["feature"] == "gc") & (found["component"] == 2)].iloc[0]
    assert planted["rho"] < -0.95
    assert planted["q"] < 1e-6
    assert found.loc[(found["feature"] == "gaps") & (found["component"] == 1), "rho"].iloc[0] == pytest.approx(1)


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=30))
def test_correction_is_the_textbook_one(values):
    p = np.array(values)
    found = corrected(p)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    smallest = 1.0
    expected = np.full(len(p), np.nan)
    for rank in range(len(order), 0, -1):
        smallest = min(smallest, p[order[rank - 1]] * len(order) / rank)
        expected[order[rank - 1]] = smallest
    np.testing.assert_allclose(found, expected)


def test_the_paper_stands_beside_the_same_component_and_the_best_one():
    rng = np.random.default_rng(0)
    names = ("frequency", "gc", "ag", "ac", "length")
    table = component_correlations(rng.normal(size=(50, 6)), {name: rng.normal(size=50) for name in names})
    table.insert(0, "space", "one")
    found = beside_the_paper(pd.concat([table, table.assign(space="two")]))
    assert len(found) == 2 * len(PAPER_CORRELATIONS)
    for row in found[found["space"] == "two"].itertuples():
        of_feature = table[table["feature"] == row.feature].set_index("component")
        assert row.rho == of_feature.loc[row.component, "rho"]
        assert abs(row.best_rho) == of_feature["abs_rho"].max()
        assert row.best_component == of_feature["abs_rho"].idxmax()


def test_a_space_with_fewer_components_leaves_gaps():
    table = component_correlations(np.random.default_rng(0).normal(size=(50, 2)), {"gc": np.arange(50.0)}, 6)
    found = beside_the_paper(table.assign(space="narrow")).set_index(["component", "feature"])
    assert np.isnan(found.loc[(6, "length"), "rho"])
    assert pd.isna(found.loc[(6, "length"), "best_component"])
    assert np.isfinite(found.loc[(2, "gc"), "rho"])


def test_neighbours_and_their_r2_against_loops():
    rng = np.random.default_rng(5)
    points, values = rng.normal(size=(40, 3)), rng.normal(size=40)
    found = nearest(points, 4)
    for row in range(40):
        distances = [(np.linalg.norm(points[row] - points[other]), other) for other in range(40) if other != row]
        assert found[row].tolist() == [other for _, other in sorted(distances)[:4]]
    error = sum((values[row] - np.mean([values[other] for other in found[row]])) ** 2 for row in range(40))
    assert neighbour_r2(values, found) == pytest.approx(1 - error / ((values - values.mean()) ** 2).sum())
    assert np.isnan(neighbour_r2(np.ones(40), found))


def test_shared_features_are_found_and_unshared_are_not():
    rng = np.random.default_rng(6)
    points = rng.uniform(size=(150, 2))
    features = {"place": points[:, 0], "noise": rng.normal(size=150)}
    found = neighbour_table({"map": points}, features, k=8, n_permutations=199).set_index("feature")
    assert found.loc["place", "r2"] > 0.8
    assert found.loc["place", "q"] < 0.02
    assert found.loc["noise", "r2"] < 0.1
    assert found.loc["noise", "p"] > 0.05
    assert found["null_r2"].between(-0.25, 0.05).all()
    order = rng.permutation(150)
    again = neighbour_table({"map": points[order]}, {name: each[order] for name, each in features.items()}, k=8)
    np.testing.assert_allclose(again["r2"], found["r2"].to_numpy())
