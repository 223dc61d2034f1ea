"""How good predictions are, with intervals from a bootstrap of whole groups.

The metrics are those of scikit-learn (the tests compare them), computed here because a bootstrap asks for them a
thousand times.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

METRICS = ("mcc", "accuracy", "f1", "auroc", "auprc")


def measure(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """All metrics of one set of predictions.

    Parameters
    ----------
    labels
        True classes 0, 1, ..., shape (n,).
    probabilities
        Of each class, shape (n, n_classes). The prediction is the most probable class.

    Returns
    -------
    dict
        ``mcc`` (Matthews correlation), ``accuracy``, ``f1``, ``auroc`` and ``auprc`` (average precision). With two
        classes the last three are those of class 1, with more the unweighted means over classes, each against the rest.
        An area is NaN where a class does not occur.
    """
    n_classes = probabilities.shape[1]
    table = _confusion(labels, probabilities.argmax(axis=1), n_classes)
    one_by_one = [1] if n_classes == 2 else list(range(n_classes))
    right, both = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    f1 = 2 * right / np.maximum(both, 1)
    areas = np.array([_areas(labels == number, probabilities[:, number]) for number in one_by_one])
    return {
        "mcc": _matthews(table),
        "accuracy": float(right.sum() / len(labels)),
        "f1": float(f1[one_by_one].mean()),
        "auroc": float(areas[:, 0].mean()),
        "auprc": float(areas[:, 1].mean()),
    }


def matthews(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Matthews correlation, for any number of classes (Gorodkin 2004); 0 when either side has one class only."""
    return _matthews(_confusion(labels, predicted, int(max(labels.max(), predicted.max())) + 1))


def _confusion(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Examples by true and predicted class: int64, shape (n_classes, n_classes)."""
    return np.bincount(labels * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def _matthews(table: np.ndarray) -> float:
    true, guessed, total = table.sum(axis=1).astype(float), table.sum(axis=0).astype(float), float(table.sum())
    spread = (total**2 - true @ true) * (total**2 - guessed @ guessed)
    return float((np.trace(table) * total - true @ guessed) / np.sqrt(spread)) if spread > 0 else 0.0


def _areas(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Areas under the receiver operating characteristic and (as average precision) under precision and recall."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # equal scores count at once
    hits = np.cumsum(positive[order])[ends].astype(float)
    misses = ends + 1 - hits
    if not hits[-1] or not misses[-1]:
        return float("nan"), float("nan")
    steps = np.diff(hits, prepend=0)
    before = hits - steps / 2  # a tie of a positive and a negative counts half
    auroc = (np.diff(misses, prepend=0) * before).sum() / (hits[-1] * misses[-1])
    return float(auroc), float((steps * hits / (ends + 1)).sum() / hits[-1])


def bootstrap(
    labels: np.ndarray,
    probabilities: np.ndarray | Sequence[np.ndarray],
    groups: np.ndarray | None = None,
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the metrics.

    Parameters
    ----------
    labels
        True classes, shape (n,).
    probabilities
        Shape (n, n_classes); or one such array per training seed, of the same examples: each draw then takes one of
        them at random, so that the interval holds the spread between seeds too.
    groups
        What is drawn as a whole (gene, site, block), shape (n,); single examples by default.
    draws
        Resamples.
    level
        Share of the draws inside.
    seed
        Decides the draws.

    Returns
    -------
    dict
        Low and high end by metric; NaN where no draw had all classes.
    """
    runs = [probabilities] if isinstance(probabilities, np.ndarray) else list(probabilities)
    rng = np.random.default_rng(seed)
    members = group_members(np.arange(len(labels)) if groups is None else groups)
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(draws):
        drawn = resample(members, rng)
        chosen = runs[int(rng.integers(len(runs)))]
        for name, value in measure(labels[drawn], chosen[drawn]).items():
            found[name].append(value)
    tail = 100 * (1 - level) / 2
    intervals = {}
    for name, values in found.items():
        known = np.array(values)[np.isfinite(values)]
        low, high = np.percentile(known, [tail, 100 - tail]) if len(known) else (np.nan, np.nan)
        intervals[name] = (float(low), float(high))
    return intervals


def top1_in_groups(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> dict[str, float] | None:
    """Among groups that hold exactly one positive: how often has it the highest score?

    Parameters
    ----------
    labels
        0 or 1, shape (n,).
    scores
        Of class 1, shape (n,). A tie counts as a miss.
    groups
        Shape (n,).

    Returns
    -------
    dict or None
        ``top1``, ``chance`` (mean of one over the size of the group) and ``groups``; None when there is no such group
        of two or more.
    """
    hits, sizes = [], []
    for members in group_members(groups):
        positive = members[labels[members] == 1]
        if len(positive) != 1 or len(members) < 2:
            continue
        others = members[labels[members] != 1]
        hits.append(bool(scores[positive[0]] > scores[others].max()))
        sizes.append(len(members))
    if not hits:
        return None
    return {"top1": float(np.mean(hits)), "chance": float(np.mean(1 / np.array(sizes))), "groups": len(hits)}


def resample(members: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Indices of as many whole groups as there are, drawn with replacement."""
    return np.concatenate([members[index] for index in rng.integers(len(members), size=len(members))])


def group_members(groups: np.ndarray) -> list[np.ndarray]:
    """Indices of the members of each group."""
    names = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(names, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(names[order])) + 1)


def summarise(
    labels: np.ndarray, runs: dict[int, np.ndarray], groups: np.ndarray | None = None, *, draws: int = 1000
) -> dict[str, Any]:
    """Everything about the predictions of one or several seeds, ready for JSON.

    Parameters
    ----------
    labels
        True classes, shape (n,).
    runs
        Probabilities by seed, each of shape (n, n_classes).
    groups
        As in `bootstrap`.
    draws
        Of the bootstrap.

    Returns
    -------
    dict
        Each metric (the mean over seeds), ``intervals``, ``seeds`` (metrics of each), ``sd`` (between seeds, where
        there are two or more), ``majority_accuracy``, and ``top1_in_group`` where groups have one positive each.
    """
    by_seed = {seed: measure(labels, probabilities) for seed, probabilities in runs.items()}
    values = {name: np.array([scores[name] for scores in by_seed.values()]) for name in METRICS}
    intervals = bootstrap(labels, list(runs.values()), groups, draws=draws)
    found: dict[str, Any] = {name: float(values[name].mean()) for name in METRICS}
    found["n_test"] = len(labels)
    found["majority_accuracy"] = float(np.bincount(labels).max() / len(labels))
    found["intervals"] = {
        "level": 0.95,
        "method": f"percentiles of {draws} resamples of {'examples' if groups is None else 'groups'} and seeds",
        **{name: list(pair) for name, pair in intervals.items()},
    }
    found["seeds"] = {str(seed): scores for seed, scores in by_seed.items()}
    if len(runs) > 1:
        found["sd"] = {name: float(values[name].std(ddof=1)) for name in METRICS}
    if groups is not None and next(iter(runs.values())).shape[1] == 2:
        tops = [top1_in_groups(labels, probabilities[:, 1], groups) for probabilities in runs.values()]
        known = [top for top in tops if top is not None]
        if known:
            found["top1_in_group"] = {**known[0], "top1": float(np.mean([top["top1"] for top in known]))}
    return found
