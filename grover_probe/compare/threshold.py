"""Where to cut a probability: one rule for every system, found on the validation split.

Where one class is rare, the most probable class is nearly always the other one for a system that is well calibrated,
and its Matthews correlation is 0 however well it ranks. So a table has both: the most probable class, and the cut with
the best validation MCC.
"""

import numpy as np

_EDGE = 1e-12


def best_cut(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold of a score with the highest Matthews correlation; of equals the one next to a half.

    Tried are a half and every threshold with examples on both sides.

    Parameters
    ----------
    labels
        0 or 1, shape (n,).
    scores
        Of class 1, 0 to 1, shape (n,).

    Returns
    -------
    float
        More than 0 and less than 1; class 1 is what scores more.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], labels[order] == 1
    ends = np.flatnonzero(np.diff(ranked))  # after these, the score falls
    cuts = (ranked[ends] + ranked[ends + 1]) / 2
    hits = np.cumsum(positive)[ends].astype(float)
    found = _matthews(hits, ends + 1 - hits, float(positive.sum()), float(len(labels)))
    above = scores > 0.5
    at_half = _matthews(
        np.array([float((labels[above] == 1).sum())]), np.array([float((labels[above] != 1).sum())]),
        float(positive.sum()), float(len(labels)),
    )  # fmt: skip
    cuts, found = np.append(cuts, 0.5), np.append(found, at_half)
    best = np.flatnonzero(found >= found.max() - 1e-12)
    return float(np.clip(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]], _EDGE, 1 - _EDGE))


def _matthews(hits: np.ndarray, misses: np.ndarray, positives: float, total: float) -> np.ndarray:
    """Matthews correlation from true and false positives; 0 where a side is empty."""
    called = hits + misses
    spread = called * (total - called) * positives * (total - positives)
    return np.where(spread > 0, (hits * total - called * positives) / np.sqrt(np.maximum(spread, 1e-300)), 0.0)


def move_cut(probabilities: np.ndarray, cut: float) -> np.ndarray:
    """Probabilities of two classes with the odds scaled so that `cut` becomes a half; their order stays.

    Parameters
    ----------
    probabilities
        Shape (n, 2).
    cut
        More than 0 and less than 1.
    """
    odds = probabilities * np.array([cut, 1 - cut])
    return odds / odds.sum(axis=1, keepdims=True)
