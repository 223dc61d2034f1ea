"""Accuracy over the number of cycles: a loess curve, its band, and the number of cycles that it chooses.

The curve is local linear regression with tricube weights over log10(cycles) (Cleveland, JASA 1979; `lowess` of
statsmodels without its robust steps), which is linear in the values, so the whole bootstrap is a few matrix products.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 4  # different numbers of cycles
SPAN = 0.85  # five of six models: in trials the peak of four of six lay too near to single points
_GRID = 101
_COVERAGE = 0.95
_LEAST_FREE = 0.1  # 1 - leverage of a point is held to be at least this


def smoother(x: np.ndarray, at: np.ndarray, span: float = SPAN) -> np.ndarray:
    """The matrix that turns values at `x` into the loess curve at `at`.

    Parameters
    ----------
    x
        Places of the values, sorted, shape (n,).
    at
        Places of the curve, shape (m,), within the range of `x`.
    span
        Share of the values that each place of the curve looks at; four values at least.

    Returns
    -------
    np.ndarray
        float64, shape (m, n); rows sum to 1.

    Raises
    ------
    InputError
        When there are too few places, or the span is out of range or too small for a line.
    """
    try:
        from statsmodels.nonparametric.smoothers_lowess import lowess
    except ImportError:
        raise MissingDependencyError('the loess curve needs statsmodels: pip install "grover-probe[maps]"') from None
    if len(np.unique(x)) < FEWEST:
        raise InputError(f"a curve needs at least {FEWEST} different numbers of cycles, there are {len(np.unique(x))}")
    if not 0 < span <= 1:
        raise InputError(f"span {span:g}: expected more than 0, up to 1")
    share = max(span, FEWEST / len(x))  # of three, two at equal distance would leave one point for a line
    with np.errstate(invalid="ignore", divide="ignore"):  # a window without width; refused below
        matrix = np.stack([lowess(one, x, frac=share, it=0, xvals=at) for one in np.eye(len(x))], axis=1)
    if not np.isfinite(matrix).all():
        raise InputError(f"span {span:g}: models of one vocabulary alone are near some places; choose more, up to 1")
    return matrix


@dataclass(frozen=True)
class Choice:
    """Loess curves of several k over the number of cycles, and what they choose.

    Attributes
    ----------
    cycles
        Places of the curves, float64, shape (n_grid,).
    ks
        Bases predicted.
    fit, low, high
        Curve and the ends of its 95 % band, shape (n_ks, n_grid).
    best
        Cycles with the best mean over k of the curves, each relative to its own mean.
    draws
        The same of each bootstrap draw, shape (n_draws,).
    tried
        Numbers of cycles that were tried, sorted.
    """

    cycles: np.ndarray
    ks: tuple[int, ...]
    fit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best: float
    draws: np.ndarray
    tried: np.ndarray

    def __repr__(self) -> str:
        low, high = self.interval
        return f"Choice({self.best:.0f} cycles, {low:.0f} to {high:.0f} in 95 % of {len(self.draws):,} draws)"

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the draws."""
        low, high = np.quantile(self.draws, [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2], method="nearest")
        return float(low), float(high)

    def shares(self) -> dict[int, float]:
        """Share of the draws whose choice is nearest (in ratio) to each number that was tried."""
        edges = np.sqrt(self.tried[1:] * self.tried[:-1])
        counts = np.bincount(np.searchsorted(edges, self.draws), minlength=len(self.tried))
        return {int(number): float(share) for number, share in zip(self.tried, counts / len(self.draws), strict=True)}

    def to_frame(self) -> "pd.DataFrame":
        """One row per k and place: ``k``, ``cycles``, ``fit``, ``low``, ``high``."""
        import pandas as pd

        n = len(self.cycles)
        return pd.DataFrame(
            {"k": np.repeat(self.ks, n), "cycles": np.tile(self.cycles, len(self.ks))}
            | {name: getattr(self, name).reshape(-1) for name in ("fit", "low", "high")}
        )

    def summary(self) -> dict[str, object]:
        """The choice as plain numbers."""
        low, high = self.interval
        return {
            "cycles": round(self.best),
            "low": round(low),
            "high": round(high),
            "shares": {str(number): round(share, 4) for number, share in self.shares().items()},
        }


def choose_cycles(
    cycles: Sequence[int],
    ks: Sequence[int],
    values: np.ndarray,
    *,
    larger_is_better: bool = True,
    span: float = SPAN,
    seed: int = 0,
) -> Choice:
    """Fit the curves and choose.

    Parameters
    ----------
    cycles
        Of each model, shape (n,); several models may have the same.
    ks
        Bases predicted.
    values
        Shape (1 + n_draws, n_ks, n): what was measured, then the same in bootstrap resamples of the test blocks, which
        are the same for all models and k.
    larger_is_better
        False for bits.
    span
        Of the loess.
    seed
        Of the signs of residuals.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        As `smoother`.

    Notes
    -----
    Two kinds of noise go into a draw. That of the test sequence is the difference between a resample and what was
    measured. That of training (another seed gives another model) shows in how far models lie from the curve: residuals,
    divided by 1 - leverage, with random signs that a model has in common for all k (wild bootstrap, Wu 1986). Residuals
    hold some test noise too, so that bands are rather wide. With one model for each number of cycles a curve that
    follows its points leaves little residual: several seeds are the better measure.
    """
    order = np.argsort(np.asarray(cycles), kind="stable")
    x = np.log10(np.asarray(cycles, dtype=np.float64)[order])
    values = values[:, :, order]
    grid = np.linspace(x[0], x[-1], _GRID)
    curve, own = smoother(x, grid, span), smoother(x, x, span)
    measured = values[0]
    free = np.maximum(1 - np.diag(own), _LEAST_FREE)
    residual = (measured - measured @ own.T) / free
    n_draws = len(values) - 1
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(n_draws, 1, len(x)))
    fit = measured @ curve.T
    drawn = fit + (values[1:] - measured + residual * signs) @ curve.T
    low, high = np.quantile(drawn, [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2], axis=0)
    mean = measured.mean(axis=1)[:, None]
    scale = np.where(mean == 0, 1.0, mean) * (1 if larger_is_better else -1)  # where nothing was right all are alike
    best = 10 ** grid[(fit / scale).mean(axis=0).argmax()]
    draws = 10 ** grid[(drawn / scale).mean(axis=1).argmax(axis=1)]
    return Choice(10**grid, tuple(ks), fit, low, high, float(best), draws, np.unique(np.asarray(cycles)))
