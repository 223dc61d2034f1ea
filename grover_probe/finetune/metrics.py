"""How good predictions are, with intervals: thin functions over scikit-learn, and a bootstrap of whole groups."""

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
    from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    one_by_one = [1] if n_classes == 2 else list(range(n_classes))
    f1 = f1_score(labels, predicted, labels=one_by_one, average="macro", zero_division=0.0)
    areas = []
    for number in one_by_one:
        own = labels == number
        both = own.any() and not own.all()
        areas.append(
            (roc_auc_score(own, probabilities[:, number]), average_precision_score(own, probabilities[:, number]))
            if both
            else (np.nan, np.nan)
        )
    auroc, auprc = np.array(areas).mean(axis=0)
    return {
        "mcc": matthews(labels, predicted),
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1": float(f1),
        "auroc": float(auroc),
        "auprc": float(auprc),
    }


def matthews(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Matthews correlation; 0 when either side has one class only."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, predicted))


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
    members = _members(np.arange(len(labels)) if groups is None else groups)
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(draws):
        drawn = np.concatenate([members[index] for index in rng.integers(len(members), size=len(members))])
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
    for members in _members(groups):
        positive = members[labels[members] == 1]
        if len(positive) != 1 or len(members) < 2:
            continue
        others = members[labels[members] != 1]
        hits.append(bool(scores[positive[0]] > scores[others].max()))
        sizes.append(len(members))
    if not hits:
        return None
    return {"top1": float(np.mean(hits)), "chance": float(np.mean(1 / np.array(sizes))), "groups": len(hits)}


def _members(groups: np.ndarray) -> list[np.ndarray]:
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
