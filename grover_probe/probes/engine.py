"""Nested cross-validation of probes on plain arrays, for several targets at once.

For outer fold i the probe is trained on all other folds; its setting, the layer and the pooling are chosen by inner
folds: trained without folds i and j, scored on fold j, for every j. One fit without i and j serves both outer folds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from grover_probe.display import brief
from grover_probe.probes.learners import Columns, Learner, training_means
from grover_probe.probes.metrics import one_auroc
from grover_probe.probes.targets import Target

BEST = ("best", "best")
Key = tuple[str, str]  # layer and pooling
_CLIP = 1e-6


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions of one target from one set of features.

    Attributes
    ----------
    predicted
        float32, shape (n_rows, n_columns): values or probabilities.
    prior
        Shape (n_rows, n_columns): what the training folds alone would say of each row (mean or share).
    chosen
        Per outer fold: layer, pooling and setting that the inner folds chose.
    inner
        Per outer fold: the inner score of that choice (R2, or mean AUROC).
    """

    predicted: np.ndarray
    prior: np.ndarray
    chosen: tuple[tuple[str, str, str], ...]
    inner: tuple[float, ...]

    __repr__ = brief


@dataclass(frozen=True)
class _Layer:
    """One layer and pooling: the choice of each outer fold for each target."""

    predicted: np.ndarray  # (n_rows, n_columns)
    setting: np.ndarray  # (n_folds, n_targets)
    inner: np.ndarray  # (n_folds, n_targets)


def nested_predictions(
    features: Mapping[Key, Callable[[], np.ndarray]],
    targets: Sequence[Target],
    fold: np.ndarray,
    learner: Learner,
    *,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> list[dict[Key, Predictions]]:
    """Probe several targets that use the same rows.

    Parameters
    ----------
    features
        For each layer and pooling a function that gives its features, shape (n_rows, n_features).
    targets
        Their used rows are the rows of `features`; no others are passed in.
    fold
        Fold of each row, shape (n_rows,).
    learner
        The kind of probe.
    seed
        For learners that draw random numbers.
    tick
        Called after each layer and pooling.

    Returns
    -------
    list of dict
        For each target: predictions by layer and pooling, and under `BEST` those of the layer and pooling that inner
        folds chose for each outer fold.
    """
    columns = gather_columns(targets)
    prior = _priors(columns, fold)
    layers: dict[Key, _Layer] = {}
    for key, load in features.items():
        layers[key] = _one_layer(np.asarray(load()), columns, targets, fold, learner, seed)
        tick()
    return [_of_target(number, layers, columns, prior, fold, learner) for number in range(len(targets))]


def gather_columns(targets: Sequence[Target]) -> Columns:
    """The columns of all targets side by side."""
    parts = [target.columns() for target in targets]
    owner = np.repeat(np.arange(len(targets)), [part.shape[1] for part in parts])
    is_class = np.array([bool(targets[int(number)].classes) for number in owner])
    return Columns(np.concatenate(parts, axis=1), is_class, owner)


def _priors(columns: Columns, fold: np.ndarray) -> np.ndarray:
    prior = np.empty(columns.y.shape, dtype=np.float32)
    for i in np.unique(fold):
        prior[fold == i] = training_means(columns[fold != i])
    return prior


def _one_layer(
    x: np.ndarray, columns: Columns, targets: Sequence[Target], fold: np.ndarray, learner: Learner, seed: int
) -> _Layer:
    n_folds = int(fold.max()) + 1
    gain = np.zeros((n_folds, len(learner.settings), len(targets)))
    weight = np.zeros_like(gain)
    centre = columns.y.mean(0)
    for i, j in combinations(range(n_folds), 2):
        out = (fold == i) | (fold == j)
        predicted = learner.fit_predict(x[~out], columns[~out], x[out], seed)
        where = fold[out]
        for outer, scored in ((i, j), (j, i)):
            rows = where == scored
            more_gain, more_weight = _inner_scores(predicted[:, rows], columns[fold == scored], centre)
            gain[outer] += more_gain
            weight[outer] += more_weight
    mean = np.divide(gain, weight, out=np.full(gain.shape, -np.inf), where=weight > 0)
    setting = mean.argmax(axis=1)
    predicted = np.empty(columns.y.shape, dtype=np.float32)
    for i in range(n_folds):
        out = fold == i
        every = learner.fit_predict(x[~out], columns[~out], x[out], seed)
        for column, owner in enumerate(columns.target):
            predicted[out, column] = every[setting[i, owner], :, column]
    best = np.take_along_axis(mean, setting[:, None], axis=1)[:, 0]
    return _Layer(predicted, setting, best)


def _inner_scores(predicted: np.ndarray, columns: Columns, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score of each setting and target on one fold as sums: gain and weight, shape (n_settings, n_targets) each.

    Gain over weight is R2 for a value, the mean area under the ROC curve of its columns for classes.
    """
    n_targets = int(columns.target.max()) + 1
    gain, weight = np.zeros((2, len(predicted), n_targets))
    for target in range(n_targets):
        own = np.flatnonzero(columns.target == target)
        if not columns.is_class[own[0]]:
            y = columns.y[:, own[0]]
            spread = ((y - centre[own[0]]) ** 2).sum()
            gain[:, target] = spread - ((predicted[:, :, own[0]] - y) ** 2).sum(1)
            weight[:, target] = spread
            continue
        for setting in range(len(predicted)):
            areas = [one_auroc(columns.y[:, column] > 0.5, predicted[setting, :, column]) for column in own]
            known = [area for area in areas if area == area]
            gain[setting, target], weight[setting, target] = sum(known), len(known)
    return gain, weight


def _of_target(
    number: int, layers: Mapping[Key, _Layer], columns: Columns, prior: np.ndarray, fold: np.ndarray, learner: Learner
) -> dict[Key, Predictions]:
    own = np.flatnonzero(columns.target == number)
    found = {
        key: Predictions(
            layer.predicted[:, own],
            prior[:, own],
            tuple((*key, learner.settings[setting]) for setting in layer.setting[:, number]),
            tuple(float(score) for score in layer.inner[:, number]),
        )
        for key, layer in layers.items()
    }
    keys = list(found)
    best = np.empty((len(fold), len(own)), dtype=np.float32)
    chosen, inner = [], []
    for i in range(len(found[keys[0]].inner)):
        key = max(keys, key=lambda each: found[each].inner[i])
        best[fold == i] = found[key].predicted[fold == i]
        chosen.append(found[key].chosen[i])
        inner.append(found[key].inner[i])
    found[BEST] = Predictions(best, prior[:, own], tuple(chosen), tuple(inner))
    return found


def most_chosen(predictions: Predictions) -> Key:
    """The layer and pooling that most outer folds chose; of several the first chosen."""
    keys = [(layer, pooling) for layer, pooling, _ in predictions.chosen]
    return max(dict.fromkeys(keys), key=keys.count)


def relative(predictions: Predictions, is_class: bool) -> np.ndarray:
    """Predictions less what the training folds alone say; for classes on the scale of the logit.

    Folds differ in their means. Ranked over all folds, plain predictions of a probe that knows nothing would rank a row
    by its fold: low where the held-out mean is high.
    """
    # Rounded, so that "the same as the prior" is a tie in spite of single precision.
    if not is_class:
        difference = (predictions.predicted - predictions.prior).astype(np.float64)
        return np.round(difference / max(float(np.abs(difference).max()), 1e-300), 6)
    return np.round(_logit(predictions.predicted) - _logit(predictions.prior), 5)


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p.astype(np.float64), _CLIP, 1 - _CLIP)
    return np.log(p / (1 - p))
