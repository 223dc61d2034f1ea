"""From predictions to the numbers of one row of the table."""

from typing import Any

import numpy as np

from grover_probe.probes import metrics
from grover_probe.probes.engine import Predictions, relative
from grover_probe.probes.folds import Folds
from grover_probe.probes.targets import Target


def headline(target: Target) -> str:
    """The metric by which layers are chosen and controls compared."""
    return "auroc" if target.classes else "r2"


def assess(
    target: Target, predictions: Predictions, folds: Folds, resamples: metrics.Resamples
) -> tuple[dict[str, float], np.ndarray]:
    """Score out-of-fold predictions.

    Parameters
    ----------
    target
        The question.
    predictions
        Of its used rows.
    folds
        Of the used rows.
    resamples
        Bootstrap over blocks of the used rows.

    Returns
    -------
    row : dict
        Each metric with ``_low`` and ``_high``, the 95 % interval over blocks. For more than two classes AUROC and
        AUPRC are the means over the classes, each against the rest.
    drawn : np.ndarray
        The headline metric of each resample, shape (1 + n_resamples,).

    Notes
    -----
    R2 is of plain predictions. Spearman, AUROC and AUPRC rank what a prediction says beyond its training folds
    (`relative`). For MCC the class of more than two is the one of highest probability; of two classes as many rows of
    a fold are called positive as the training folds have (rare classes never reach one half).
    """
    y = target.y[target.used]
    evidence = relative(predictions, bool(target.classes))
    if not target.classes:
        found = {
            "r2": metrics.r2(y, predictions.predicted[:, 0].astype(np.float64), resamples),
            "spearman": metrics.spearman(y, evidence[:, 0], resamples),
        }
    else:
        numbers = range(len(target.classes)) if len(target.classes) > 2 else (1,)
        found = {}
        for name, measure in (("auroc", metrics.auroc), ("auprc", metrics.auprc)):
            each = [measure(y == number, evidence[:, at], resamples) for at, number in enumerate(numbers)]
            found[name] = np.mean(each, axis=0)
        found["mcc"] = metrics.mcc(y, called_classes(predictions, folds.fold), len(target.classes), resamples)
    row: dict[str, Any] = {}
    for name, scores in found.items():
        row[name], row[f"{name}_low"], row[f"{name}_high"] = metrics.interval(scores)
    return row, found[headline(target)]


def called_classes(predictions: Predictions, fold: np.ndarray) -> np.ndarray:
    """The class that is called for each row: int64, shape (n_rows,); see the notes of `assess`."""
    p = predictions.predicted
    if p.shape[1] > 1:
        return p.argmax(1)
    called = np.zeros(len(p), dtype=np.int64)
    for i in np.unique(fold):
        rows = np.flatnonzero(fold == i)
        n_positive = round(float(predictions.prior[rows[0], 0]) * len(rows))
        if 0 < n_positive < len(rows):
            threshold = np.partition(p[rows, 0], len(rows) - n_positive)[len(rows) - n_positive]
            called[rows] = p[rows, 0] >= threshold if threshold > p[rows, 0].min() else 0
    return called
