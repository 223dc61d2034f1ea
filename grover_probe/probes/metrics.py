"""Scores of out-of-fold predictions with bootstrap intervals over blocks.

Rows of one genomic block are not independent, so whole blocks are resampled. A resample is a count per block, and all
scores are computed with these counts as weights: the same numbers as repeating the rows, without repeating them.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from grover_probe.display import brief

VALUE_METRICS = ("r2", "spearman")
CLASS_METRICS = ("auroc", "auprc", "mcc")
METRICS = VALUE_METRICS + CLASS_METRICS
COVERAGE = 0.95


@dataclass(frozen=True)
class Resamples:
    """Bootstrap resamples of blocks.

    Attributes
    ----------
    block
        int64, shape (n_rows,): block of each row, 0 to n_blocks - 1.
    counts
        float64, shape (1 + n_resamples, n_blocks): how often each block is taken; the first resample takes each once.
    """

    block: np.ndarray
    counts: np.ndarray

    __repr__ = brief

    @property
    def n_blocks(self) -> int:
        """Blocks that have rows."""
        return self.counts.shape[1]


def resample_blocks(blocks: np.ndarray, n_resamples: int, seed: int) -> Resamples:
    """Draw blocks with replacement.

    Parameters
    ----------
    blocks
        Block of each row, any labels, shape (n_rows,).
    n_resamples, seed
        How many, and where from. The draw depends on the sorted labels, not on the order of the rows.
    """
    labels, block = np.unique(blocks, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=n_resamples)
    return Resamples(block.astype(np.int64), np.vstack([np.ones((1, len(labels))), drawn]).astype(np.float64))


def interval(scores: np.ndarray) -> tuple[float, float, float]:
    """Score, and the ends of its percentile interval, from one value per resample (the first: all blocks once)."""
    drawn = scores[1:][np.isfinite(scores[1:])]
    if not len(drawn):
        return float(scores[0]), float("nan"), float("nan")
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(scores[0]), float(low), float(high)


def r2(y: np.ndarray, predicted: np.ndarray, resamples: Resamples) -> np.ndarray:
    """Share of the variance explained, around the resample's own mean: shape (1 + n_resamples,)."""
    centred = y - y.mean()
    per_block = np.stack([_sum(values, resamples) for values in (np.ones_like(y), centred, centred**2)], axis=1)
    n, total, squares = (resamples.counts @ per_block).T
    errors = resamples.counts @ _sum((y - predicted) ** 2, resamples)
    spread = squares - total**2 / n
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 1e-12 * np.maximum(squares, 1e-300), 1 - errors / spread, np.nan)


def spearman(y: np.ndarray, predicted: np.ndarray, resamples: Resamples) -> np.ndarray:
    """Spearman's correlation with mid-ranks for ties; NaN when either is constant: shape (1 + n_resamples,)."""
    groups = [np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (y, predicted)]
    return _spearman(*groups, resamples.block, resamples.counts)


def auroc(positive: np.ndarray, score: np.ndarray, resamples: Resamples) -> np.ndarray:
    """Area under the ROC curve, ties counted half; NaN without both classes: shape (1 + n_resamples,)."""
    order = np.argsort(score, kind="stable")
    return _auroc(_sorted_groups(score, order), positive[order], resamples.block[order], resamples.counts)


def auprc(positive: np.ndarray, score: np.ndarray, resamples: Resamples) -> np.ndarray:
    """Average precision (the step-wise area under the precision-recall curve): shape (1 + n_resamples,)."""
    order = np.argsort(-score, kind="stable")
    return _auprc(_sorted_groups(-score, order), positive[order], resamples.block[order], resamples.counts)


def mcc(y: np.ndarray, called: np.ndarray, n_classes: int, resamples: Resamples) -> np.ndarray:
    """Matthews' correlation for two or more classes (Gorodkin 2004), 0 when a side is constant.

    Parameters
    ----------
    y, called
        True and called class of each row, 0 to n_classes - 1.
    """
    cell = y.astype(np.int64) * n_classes + called.astype(np.int64)
    flat = np.bincount(
        resamples.block * n_classes**2 + cell, minlength=resamples.n_blocks * n_classes**2
    ).reshape(resamples.n_blocks, -1)  # fmt: skip
    table = (resamples.counts @ flat).reshape(-1, n_classes, n_classes)
    total, correct = table.sum((1, 2)), np.trace(table, axis1=1, axis2=2)
    true, calls = table.sum(2), table.sum(1)
    above = correct * total - (true * calls).sum(1)
    below = np.sqrt((total**2 - (calls**2).sum(1)) * (total**2 - (true**2).sum(1)))
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def one_auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve of all rows, NaN without both classes."""
    everything = Resamples(np.zeros(len(score), dtype=np.int64), np.ones((1, 1)))
    return float(auroc(positive, score, everything)[0])


def _sum(values: np.ndarray, resamples: Resamples) -> np.ndarray:
    return np.bincount(resamples.block, weights=values, minlength=resamples.n_blocks)


def _sorted_groups(score: np.ndarray, order: np.ndarray) -> np.ndarray:
    """True where a new value begins in sorted order."""
    ordered = score[order]
    return np.concatenate(([True], ordered[1:] != ordered[:-1]))


@njit(nogil=True, cache=True)
def _auroc(begins: np.ndarray, positive: np.ndarray, block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    found = np.full(len(counts), np.nan)
    for b in range(len(counts)):
        below = pairs = n_positive = tied_positive = tied_negative = 0.0
        for i in range(len(positive)):
            if begins[i]:
                pairs += tied_positive * (below + 0.5 * tied_negative)
                below += tied_negative
                n_positive += tied_positive
                tied_positive = tied_negative = 0.0
            weight = counts[b, block[i]]
            if positive[i]:
                tied_positive += weight
            else:
                tied_negative += weight
        pairs += tied_positive * (below + 0.5 * tied_negative)
        below += tied_negative
        n_positive += tied_positive
        if below > 0 and n_positive > 0:
            found[b] = pairs / (below * n_positive)
    return found


@njit(nogil=True, cache=True)
def _auprc(begins: np.ndarray, positive: np.ndarray, block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    found = np.full(len(counts), np.nan)
    n = len(positive)
    for b in range(len(counts)):
        total = hits = area = tied = 0.0
        for i in range(n):
            weight = counts[b, block[i]]
            total += weight
            if positive[i]:
                tied += weight
            if i + 1 == n or begins[i + 1]:
                hits += tied
                if tied > 0:
                    area += tied * hits / total
                tied = 0.0
        if hits > 0:
            found[b] = area / hits
    return found


@njit(nogil=True, cache=True)
def _spearman(one: np.ndarray, other: np.ndarray, block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    found = np.full(len(counts), np.nan)
    for b in range(len(counts)):
        n = 0.0
        for i in range(len(one)):
            n += counts[b, block[i]]
        first = _mid_ranks(one, block, counts[b])
        second = _mid_ranks(other, block, counts[b])
        mean = (n + 1) / 2  # of any weighted mid-ranks
        both = left = right = 0.0
        for i in range(len(one)):
            weight = counts[b, block[i]]
            x, y = first[one[i]] - mean, second[other[i]] - mean
            both += weight * x * y
            left += weight * x * x
            right += weight * y * y
        if left > 0 and right > 0:
            found[b] = both / np.sqrt(left * right)
    return found


@njit(nogil=True, cache=True)
def _mid_ranks(group: np.ndarray, block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mid-rank of each group of equal values; groups are numbered by rising value."""
    weights = np.zeros(group.max() + 1)
    for i in range(len(group)):
        weights[group[i]] += counts[block[i]]
    below = 0.0
    for g in range(len(weights)):
        weight = weights[g]
        weights[g] = below + (weight + 1) / 2
        below += weight
    return weights
