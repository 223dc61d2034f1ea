"""Linear probes: ridge regression for values, logistic regression for classes, for many targets at once.

Both work on principal components, where the curvature of the ridge loss is diagonal. Ridge then has its solution for
every strength of the penalty at once; the logistic loss is bounded by a quadratic with a quarter of that curvature
(Boehning 1992, Annals of the Institute of Statistical Mathematics 44), which gives each component its own step.
"""

import numpy as np

from grover_probe.probes.learners import BOUND, Columns, principal_components, training_means

RIDGE = (1e-4, 1e-2, 1e-1, 1.0, 10.0, 100.0)
LOGISTIC = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
_TOLERANCE = 1e-3  # of the logit, root mean square over the training rows
_MOST_STEPS = 300


class Linear:
    """Ridge and logistic regression on standardised features, intercept not penalised.

    Parameters
    ----------
    ridge, logistic
        Strengths of the penalty to choose from, of equal number. The losses are mean((y - f)^2) + strength |w|^2
        (scikit-learn's Ridge with alpha = strength n) and mean(log loss) + strength / 2 |w|^2 (its LogisticRegression
        with C = 1 / (strength n)).
    """

    name = "linear"

    def __init__(self, ridge: tuple[float, ...] = RIDGE, logistic: tuple[float, ...] = LOGISTIC) -> None:
        self.ridge, self.logistic = ridge, logistic
        self.settings = tuple(f"{a:g}/{b:g}" for a, b in zip(ridge, logistic, strict=True))

    def __repr__(self) -> str:
        return f"Linear(ridge={self.ridge}, logistic={self.logistic})"

    def fit_predict(self, x_train: np.ndarray, train: Columns, x_test: np.ndarray, seed: int) -> np.ndarray:
        """Predictions of both kinds of columns; no randomness."""
        a, b, variance = principal_components(x_train, x_test)
        means = training_means(train)
        found = np.empty((len(self.ridge), len(b), train.y.shape[1]), dtype=np.float32)
        values, classes = np.flatnonzero(~train.is_class), np.flatnonzero(train.is_class)
        if len(values):
            towards = a.T @ (train.y[:, values] - means[values]).astype(np.float32) / len(a)
            for setting, strength in enumerate(self.ridge):
                found[setting][:, values] = b @ (towards / (variance + strength)[:, None]).astype(np.float32)
            found[:, :, values] += means[values].astype(np.float32)
        if len(classes):
            for setting, strength in enumerate(self.logistic):
                weights, intercept = fit_logistic(a, variance, train.y[:, classes], strength)
                found[setting][:, classes] = _probability(b @ weights + intercept)
        return found


def fit_logistic(x: np.ndarray, variance: np.ndarray, y: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression of several classes, each for itself, on the same rows.

    Parameters
    ----------
    x
        Principal components, float32, shape (n, n_components): columns of mean 0 that do not correlate.
    variance
        Of each column, shape (n_components,).
    y
        0 or 1, shape (n, n_classes).
    strength
        Of the penalty: mean(log loss) + strength / 2 |w|^2.

    Returns
    -------
    weights : np.ndarray
        float32, shape (n_components, n_classes).
    intercept : np.ndarray
        float32, shape (n_classes,). A class that is constant gets no weights.

    Notes
    -----
    Nesterov's accelerated gradient with restarts, preconditioned by the diagonal bound; the first step is Newton's, for
    at zero weights the Hessian is diagonal too. Columns that have converged drop out.
    """
    y = y.astype(np.float32)
    share = (y.sum(0) + 0.5) / (len(y) + 1)
    intercept = np.log(share / (1 - share)).astype(np.float32)
    weights = np.zeros((x.shape[1], y.shape[1]), dtype=np.float32)
    active = np.flatnonzero(y.min(0) < y.max(0))
    if not len(active):
        return weights, intercept
    curvature = (variance[:, None] * (share * (1 - share))[active] + strength).astype(np.float32)
    weights[:, active] = (x.T @ (y[:, active] - share[active].astype(np.float32)) / len(x)) / curvature
    step = (1 / (variance / 4 + strength)).astype(np.float32)[:, None]
    w, c = weights[:, active], intercept[active]
    ahead_w, ahead_c, age = w, c, np.ones(len(active), dtype=np.float32)
    for _ in range(_MOST_STEPS):
        error = _probability(x @ ahead_w + ahead_c) - y[:, active]
        gradient = x.T @ error / len(x) + np.float32(strength) * ahead_w
        gradient_c = error.mean(0)
        new_w, new_c = ahead_w - step * gradient, ahead_c - 4 * gradient_c
        moved_w, moved_c = new_w - w, new_c - c
        # Restart the momentum of a column where it points uphill (O'Donoghue and Candes 2015).
        age = np.where((gradient * moved_w).sum(0) + gradient_c * moved_c > 0, 1, age).astype(np.float32)
        next_age = (1 + np.sqrt(1 + 4 * age**2)) / 2
        momentum = ((age - 1) / next_age).astype(np.float32)
        w, c, age = new_w, new_c, next_age.astype(np.float32)
        ahead_w, ahead_c = w + momentum * moved_w, c + momentum * moved_c
        change = np.sqrt((variance[:, None] * (step * gradient) ** 2).sum(0) + (4 * gradient_c) ** 2)
        going = change > _TOLERANCE
        if not going.all():
            weights[:, active[~going]], intercept[active[~going]] = w[:, ~going], c[~going]
            active, w, c, age = active[going], w[:, going], c[going], age[going]
            ahead_w, ahead_c = ahead_w[:, going], ahead_c[going]
            if not len(active):
                break
    weights[:, active], intercept[active] = w, c
    return weights, intercept


def _probability(logit: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.clip(1 / (1 + np.exp(-logit)), BOUND, 1 - BOUND)
