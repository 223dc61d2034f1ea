"""The loess curve against statsmodels and plain weighted regression, and what it chooses."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess

from grover_probe.errors import InputError
from grover_probe.nextkmer.curve import Choice, choose_cycles, smoother
from grover_probe.nextkmer.sweep import Comparison

CYCLES = np.array([100, 200, 300, 600, 1_000, 2_000, 5_000])


def plain(x: np.ndarray, y: np.ndarray, at: float, span: float) -> float:
    """Local linear regression at one place, as Cleveland writes it."""
    distance = np.abs(x - at)
    radius = np.sort(distance)[int(span * len(x) + 1e-10) - 1]
    weight = np.clip(1 - (distance / radius) ** 3, 0, None) ** 3
    design = np.stack([np.ones_like(x), x - at], axis=1)
    return float(np.linalg.lstsq(design * np.sqrt(weight)[:, None], y * np.sqrt(weight), rcond=None)[0][0])


@pytest.mark.parametrize("span", (0.6, 0.75, 1.0))
def test_smoother(span):
    rng = np.random.default_rng(0)
    x, y = np.log10(CYCLES), rng.normal(size=7)
    grid = np.linspace(x[0], x[-1], 13)
    matrix = smoother(x, grid, span)
    np.testing.assert_allclose(matrix @ y, lowess(y, x, frac=span, it=0, xvals=grid), atol=1e-9)
    np.testing.assert_allclose(smoother(x, x, span) @ y, lowess(y, x, frac=span, it=0, return_sorted=False), atol=1e-9)
    np.testing.assert_allclose(matrix @ y, [plain(x, y, at, span) for at in grid], atol=1e-6)


def made(peak: float, noise: float, seeds: int = 1, seed: int = 0) -> tuple[list[int], np.ndarray]:
    """Values of two k with their best at `peak`, and 300 noisy resamples."""
    rng = np.random.default_rng(seed)
    cycles = np.tile(CYCLES, seeds)
    best = 1 - 0.5 * (np.log10(cycles) - np.log10(peak)) ** 2
    measured = np.stack([0.2 * best, 0.05 * best]) + noise * rng.normal(size=(2, len(cycles))) * [[0.2], [0.05]]
    test = noise * rng.normal(size=(300, 2, len(cycles))) * [[0.2], [0.05]]
    return cycles.tolist(), np.concatenate([measured[None], measured + test])


def test_the_peak_is_found_with_its_uncertainty():
    choices = {noise: choose_cycles(*self_made) for noise, self_made in _cases().items()}
    low, high = choices[0.01].interval
    assert low <= choices[0.01].best <= high
    assert 300 < choices[0.01].best < 1_100
    wide_low, wide_high = choices[0.3].interval
    assert wide_high / wide_low > 3 * high / low  # noise is said
    assert sum(choices[0.3].shares().values()) == pytest.approx(1)
    assert max(choices[0.01].shares(), key=choices[0.01].shares().get) == 600


def _cases():
    found = {}
    for noise in (0.01, 0.3):
        cycles, values = made(600, noise)
        found[noise] = (cycles, (4, 6), values)
    return found


def test_shows_itself():
    choice = Choice(np.ones(3), (2,), *np.zeros((3, 1, 3)), 612.4, np.arange(101.0), np.array([100, 600]))
    assert repr(choice) == "Choice(612 cycles, 3 to 98 in 95 % of 101 draws)"
    numbers = {name: [0.5] for name in ("accuracy", "accuracy_low", "accuracy_high", "chance", "bits")}
    found = Comparison(pd.DataFrame({"system": ["bpe-600"], "k": [2], **numbers}), choice, "accuracy")
    assert repr(found) == f"Comparison(1 systems, k = 2; {choice!r})"
    assert "bpe-600" in found._repr_html_()


def test_bits_are_better_when_fewer():
    cycles, values = made(600, 0.01)
    up = choose_cycles(cycles, (4, 6), values)
    down = choose_cycles(cycles, (4, 6), 2 * values.mean() - values, larger_is_better=False)
    assert 300 < down.best < 1_100
    assert up.best == pytest.approx(down.best, rel=0.2)


def test_order_of_models_does_not_matter():
    cycles, values = made(600, 0.05, seeds=2)
    straight = choose_cycles(cycles, (4, 6), values)
    # Models of one vocabulary keep their order among themselves.
    order = np.argsort(np.array(cycles), kind="stable")
    turned = choose_cycles([cycles[i] for i in order], (4, 6), values[:, :, order])
    np.testing.assert_allclose(straight.fit, turned.fit)
    assert straight.summary() == turned.summary()


def test_band_covers_the_truth():
    """The curve without noise lies inside the band at most places."""
    inside = []
    for seed in range(20):
        cycles, values = made(600, 0.05, seeds=3, seed=seed)
        found = choose_cycles(cycles, (4, 6), values)
        truth = smoother(np.log10(np.sort(cycles)), np.log10(found.cycles)) @ (
            0.2 * (1 - 0.5 * (np.log10(np.sort(cycles)) - np.log10(600)) ** 2)
        )
        inside.append(((truth >= found.low[0]) & (truth <= found.high[0])).mean())
    assert np.mean(inside) > 0.9


def test_too_few_points():
    with pytest.raises(InputError, match="at least 4 different"):
        smoother(np.log10([100, 300, 300, 600]), np.array([2.2]))
    x = np.log10(CYCLES)
    np.testing.assert_array_equal(smoother(x, x, 0.15), smoother(x, x, 4 / 7))  # four at least
    even = np.arange(4.0)
    np.testing.assert_allclose(smoother(even, np.linspace(0, 3, 31)) @ even, np.linspace(0, 3, 31), atol=1e-9)
    with pytest.raises(InputError, match="models of one vocabulary"):
        smoother(np.repeat(even, 5), even, 0.2)
    with pytest.raises(InputError, match="up to 1"):
        smoother(x, x, 1.5)
