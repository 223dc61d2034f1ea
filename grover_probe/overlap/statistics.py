"""Tests and intervals of counts inside annotation, and false discovery rates; arrays only."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from grover_probe.overlap.null import Null

LEVEL = 0.95  # of confidence intervals
MIN_EXPECTED = 5.0  # occurrences inside, and outside, that a test asks for
HALF = 0.5  # added to counts in logarithms


def against_turns(null: "Null", count: np.ndarray, expected: np.ndarray) -> dict[str, np.ndarray]:
    """Test each token against turned annotation.

    The statistic is the log odds of being inside, with half an occurrence added on both sides. Over the turns it is
    taken as normal with unknown mean and variance, so that ``z = (observed - mean) / (sd sqrt(1 + 1 / n))`` is compared
    with Student's t with n - 1 degrees of freedom, or 4 + 6 / k where an excess kurtosis k of the turns asks for fewer:
    few clusters of annotation give heavy tails. ``p_empirical`` is the two-sided share of turns, the observed one
    included, that are at least as far from their mean; it cannot be below 1 / (n + 1). ``p`` is that of the t
    distribution, but where a turn comes as far as the observed annotation, not below ``p_empirical``.

    Returns
    -------
    dict
        ``z``, ``p``, ``p_empirical``: shape (n_ids,); NaN for tokens of which fewer than `MIN_EXPECTED` occurrences are
        expected inside, or outside.
    """
    from scipy import stats

    n = len(null.turned)
    on_turns, observed = _log_odds(null.turned, count), _log_odds(null.inside, count)
    mean, spread = on_turns.mean(axis=0), on_turns.std(axis=0, ddof=1)
    as_far = np.abs(on_turns - mean) >= np.abs(observed - mean) - 1e-12
    empirical = (1 + as_far.sum(axis=0)) / (n + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (observed - mean) / (spread * np.sqrt(1 + 1 / n))
        excess = ((on_turns - mean) ** 4).mean(axis=0) / on_turns.var(axis=0) ** 2 - 3
        freedom = np.fmin(n - 1, 4 + 6 / np.maximum(excess, 1e-9))
    from_t = 2 * stats.t.sf(np.abs(z), freedom)
    p = np.where(as_far.any(axis=0) | ~np.isfinite(z), np.fmax(from_t, empirical), from_t)
    enough = (expected >= MIN_EXPECTED) & (count - expected >= MIN_EXPECTED)
    return {name: np.where(enough, each, np.nan) for name, each in (("z", z), ("p", p), ("p_empirical", empirical))}


def _log_odds(inside: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.log((inside + HALF) / (count - inside + HALF))


def matched_sums(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sum over the other tokens of the same group: `values` of shape (..., n_ids), `groups` (n_ids,), -1 for none."""
    member = groups >= 0
    table = np.zeros((*values.shape[:-1], groups.max(initial=0) + 1), dtype=np.float64)
    for number in range(table.shape[-1]):
        table[..., number] = values[..., groups == number].sum(axis=-1)
    return np.where(member, table[..., np.maximum(groups, 0)] - values, 0)


def ratio_interval(
    inside: np.ndarray, expected: np.ndarray, block_inside: np.ndarray, block_expected: np.ndarray, floor: np.ndarray
) -> dict[str, np.ndarray]:
    """Interval of a ratio of counts to their expectation, from leaving out one block of the genome at a time.

    The delete-one jackknife of the logarithm of the ratio, with half an occurrence added on both sides; its variance is
    not taken below `floor`, that of independent occurrences.

    Parameters
    ----------
    inside, expected
        Shape (n_ids,).
    block_inside, block_expected
        The same without each block, shape (n_blocks, n_ids).
    floor
        Smallest variance of the logarithm, shape (n_ids,).

    Returns
    -------
    dict
        ``ratio`` (inside / expected), ``low`` and ``high`` (95 %), ``p`` (two-sided, of a ratio of 1), from Student's t
        with n_blocks - 1 degrees of freedom.
    """
    from scipy import stats

    n = len(block_inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log((inside + HALF) / (expected + HALF))
        without = np.log((block_inside + HALF) / (block_expected + HALF))
        ratio = np.where(expected > 0, inside / expected, np.nan)
    variance = (n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    error = np.sqrt(np.maximum(variance, floor))
    reach = stats.t.ppf((1 + LEVEL) / 2, n - 1) * error
    low = np.where(inside > 0, np.minimum(np.exp(log - reach), ratio), 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread where a class covers everything
        p = 2 * stats.t.sf(np.abs(log) / error, n - 1)
    return {"ratio": ratio, "low": low, "high": np.maximum(np.exp(log + reach), ratio), "p": p}


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """False discovery rates of p-values (Benjamini and Hochberg 1995); NaN stay NaN and do not count."""
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q
