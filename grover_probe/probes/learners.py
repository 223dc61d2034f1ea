"""The probes as one small interface: fit on some rows, predict others, for every setting and every column at once.

A column is a value or a class (0 or 1); a target with more than two classes has one column per class, each against the
rest. Which setting is used is decided elsewhere, by inner folds.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from grover_probe.display import brief

MAX_COMPONENTS = 256  # principal components that the features are cut to
BOUND = 1e-6  # probabilities stay this far from 0 and 1


@dataclass(frozen=True)
class Columns:
    """What is predicted.

    Attributes
    ----------
    y
        float64, shape (n_rows, n_columns).
    is_class
        bool, shape (n_columns,).
    target
        int64, shape (n_columns,): which target a column belongs to.
    """

    y: np.ndarray
    is_class: np.ndarray
    target: np.ndarray

    __repr__ = brief

    def __getitem__(self, rows: np.ndarray) -> "Columns":
        return Columns(self.y[rows], self.is_class, self.target)


class Learner(Protocol):
    """A kind of probe."""

    @property
    def name(self) -> str:
        """Its name in the table."""
        ...

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that inner folds choose from, in words."""
        ...

    def fit_predict(self, x_train: np.ndarray, train: Columns, x_test: np.ndarray, seed: int) -> np.ndarray:
        """Predictions for the test rows.

        Returns
        -------
        np.ndarray
            float32, shape (n_settings, n_test, n_columns): the value, or the probability of class 1.
        """
        ...


def training_means(train: Columns) -> np.ndarray:
    """The mean of each value; for a class its share, with half a row added to either side: shape (n_columns,)."""
    n = len(train.y)
    return np.where(train.is_class, (train.y.sum(0) + 0.5) / (n + 1), train.y.mean(0))


class Prior:
    """Majority and mean: what can be said without looking at the row."""

    name = "prior"
    settings = ("",)

    def fit_predict(self, x_train: np.ndarray, train: Columns, x_test: np.ndarray, seed: int) -> np.ndarray:
        """The training mean for every row."""
        return np.broadcast_to(training_means(train), (1, len(x_test), train.y.shape[1])).astype(np.float32)


class Neighbours:
    """k nearest neighbours by Euclidean distance between standardised features.

    Parameters
    ----------
    k
        Numbers of neighbours to choose from.

    Notes
    -----
    The prediction is the mean over the neighbours; for a class one more neighbour votes as the training share, so that
    no probability is 0.
    """

    name = "knn"

    def __init__(self, k: tuple[int, ...] = (5, 20, 80)) -> None:
        self.k = k
        self.settings = tuple(f"k={each}" for each in k)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(k={self.k})"

    def fit_predict(self, x_train: np.ndarray, train: Columns, x_test: np.ndarray, seed: int) -> np.ndarray:
        """Mean of the nearest training rows."""
        a, b, _ = principal_components(x_train, x_test)
        most = min(max(self.k), len(a))
        means = training_means(train)
        norms = (a**2).sum(1)
        found = np.empty((len(self.k), len(b), train.y.shape[1]), dtype=np.float32)
        step = max(1, 20_000_000 // len(a))
        for begin in range(0, len(b), step):
            rows = slice(begin, begin + step)
            distance = norms - 2 * (b[rows] @ a.T)  # plus the norm of the test row, which changes no order
            nearest = np.argpartition(distance, most - 1, axis=1)[:, :most]
            order = np.argsort(np.take_along_axis(distance, nearest, 1), axis=1, kind="stable")
            sums = np.cumsum(train.y[np.take_along_axis(nearest, order, 1)], axis=1)
            for setting, k in enumerate(self.k):
                k = min(k, most)
                total = sums[:, k - 1]
                found[setting, rows] = np.where(train.is_class, (total + means) / (k + 1), total / k)
        return found


def principal_components(x_train: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardise features by the training rows and turn them onto their principal components.

    Parameters
    ----------
    x_train, x_test
        Shape (n, n_features).

    Returns
    -------
    train, test : np.ndarray
        float32, shape (n, n_components), at most `MAX_COMPONENTS`. While none is cut, distances, inner products and
        the norm of weights are those of the standardised features.
    variance : np.ndarray
        float64, shape (n_components,), falling: variance of each component over the training rows.
    """
    mean = x_train.mean(0, dtype=np.float64)
    sd = x_train.std(0, dtype=np.float64)
    varies = sd > 1e-9 * np.maximum(np.abs(mean), 1e-30)
    mean, sd = mean[varies].astype(np.float32), sd[varies].astype(np.float32)
    a = (x_train[:, varies].astype(np.float32) - mean) / sd
    b = (x_test[:, varies].astype(np.float32) - mean) / sd
    if not varies.any():
        return np.zeros((len(a), 1), dtype=np.float32), np.zeros((len(b), 1), dtype=np.float32), np.zeros(1)
    variance, axes = np.linalg.eigh((a.T @ a).astype(np.float64) / len(a))
    kept = np.argsort(-variance)[:MAX_COMPONENTS]
    kept = kept[variance[kept] > 1e-6 * variance[kept[0]]]
    turn = axes[:, kept].astype(np.float32)
    return a @ turn, b @ turn, variance[kept]
