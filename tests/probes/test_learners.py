"""Probes against scikit-learn, and what must not change them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from grover_probe.probes.learners import Columns, Neighbours, Prior, principal_components
from grover_probe.probes.linear import Linear
from grover_probe.probes.mlp import Network


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, Columns, np.ndarray]:
    """Correlated features of different scale; two values, a common class, a rare class."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(700, 12)) @ rng.normal(size=(12, 12)) * np.logspace(-2, 2, 12) + 5
    z = (x - x.mean(0)) / x.std(0)
    values = np.stack([z @ rng.normal(size=12) * 3 + 10 + rng.normal(size=700), rng.normal(size=700)], axis=1)
    common = z @ rng.normal(size=12) + rng.normal(size=700) > 0
    rare = z @ rng.normal(size=12) + rng.normal(size=700) > 4
    y = np.concatenate([values, common[:, None], rare[:, None]], axis=1)
    columns = Columns(y[:500], np.array([False, False, True, True]), np.arange(4))
    return x[:500], columns, x[500:]


def test_ridge_is_that_of_scikit_learn(data) -> None:
    x, columns, x_test = data
    learner = Linear()
    found = learner.fit_predict(x, columns, x_test, 0)
    scale = StandardScaler().fit(x)
    for setting, strength in enumerate(learner.ridge):
        for column in (0, 1):
            reference = Ridge(alpha=strength * len(x)).fit(scale.transform(x), columns.y[:, column])
            expected = reference.predict(scale.transform(x_test))
            assert np.abs(found[setting, :, column] - expected).max() < 1e-3 * columns.y[:, column].std()


def test_logistic_is_that_of_scikit_learn(data) -> None:
    x, columns, x_test = data
    learner = Linear()
    found = learner.fit_predict(x, columns, x_test, 0)
    scale = StandardScaler().fit(x)
    for setting, strength in enumerate(learner.logistic):
        for column in (2, 3):
            reference = LogisticRegression(C=1 / (strength * len(x)), tol=1e-8, max_iter=5000)
            reference.fit(scale.transform(x), columns.y[:, column])
            expected = reference.predict_proba(scale.transform(x_test))[:, 1]
            assert np.abs(found[setting, :, column] - expected).max() < 0.01


def test_neighbours_are_those_of_scikit_learn(data) -> None:
    x, columns, x_test = data
    learner = Neighbours((3, 10))
    found = learner.fit_predict(x, columns, x_test, 0)
    scale = StandardScaler().fit(x)
    for setting, k in enumerate(learner.k):
        near = KNeighborsRegressor(k).fit(scale.transform(x), columns.y).predict(scale.transform(x_test))
        near[:, 2:] = (near[:, 2:] * k + (columns.y[:, 2:].sum(0) + 0.5) / 501) / (k + 1)
        # Single precision may order two neighbours of nearly equal distance differently.
        assert (np.abs(found[setting] - near).max(1) < 1e-4).mean() > 0.98


def test_more_neighbours_than_rows_is_all_rows(data) -> None:
    x, columns, x_test = data
    found = Neighbours((10_000,)).fit_predict(x, columns, x_test, 0)
    assert np.allclose(found[0, :, 0], columns.y[:, 0].mean(), rtol=1e-5)


@pytest.mark.parametrize("learner", [Linear(), Neighbours((5,)), Network((40,))], ids=lambda each: each.name)
def test_a_column_does_not_depend_on_those_beside_it(data, learner) -> None:
    x, columns, x_test = data
    together = learner.fit_predict(x, columns, x_test, 0)
    for column in range(4):
        alone = Columns(columns.y[:, [column]], columns.is_class[[column]], np.array([0]))
        found = learner.fit_predict(x, alone, x_test, 0)
        assert np.allclose(found[:, :, 0], together[:, :, column], rtol=1e-3, atol=1e-3 * columns.y[:, column].std())


def test_network_learns_what_no_line_can() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 4))
    y = ((x[:, 0] * x[:, 1]) > 0)[:, None].astype(float)
    columns = Columns(y[:900], np.array([True]), np.array([0]))
    right = [
        ((learner.fit_predict(x[:900], columns, x[900:], 0)[-1, :, 0] > 0.5) == y[900:, 0]).mean()
        for learner in (Network((300,)), Linear())
    ]
    assert right[0] > 0.9
    assert right[1] < 0.65


@pytest.mark.parametrize("learner", [Linear(), Neighbours(), Network((5,)), Prior()], ids=lambda each: each.name)
def test_constant_features_and_constant_columns_give_the_prior(learner) -> None:
    y = np.stack([np.arange(40.0), np.zeros(40)], axis=1)
    columns = Columns(y, np.array([False, True]), np.arange(2))
    found = learner.fit_predict(np.ones((40, 3)), columns, np.ones((6, 3)), 0)
    assert found.shape == (len(learner.settings), 6, 2)
    assert np.isfinite(found).all()
    assert (found[:, :, 1] < 0.1).all()
    if learner.name == "prior":
        assert np.allclose(found[:, :, 0], 19.5)


def test_components_keep_distances_until_they_are_cut(data) -> None:
    x, _, x_test = data
    a, b, variance = principal_components(x, x_test)
    scale = StandardScaler().fit(x)
    z, t = scale.transform(x), scale.transform(x_test)
    assert np.allclose(((a[:5, None] - b[None, :5]) ** 2).sum(2), ((z[:5, None] - t[None, :5]) ** 2).sum(2), rtol=1e-3)
    assert np.allclose(variance, (a.astype(float) ** 2).mean(0), rtol=1e-3)
