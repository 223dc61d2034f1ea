"""How much better one system is than another, with an interval of the difference itself.

Intervals of two systems overlap more than the systems differ, because both are of the same test examples. Here each
draw takes the same examples for all systems: a paired bootstrap (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993).
"""

import zlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.finetune.metrics import group_members, measure, resample

if TYPE_CHECKING:
    import pandas as pd

COMPARED = ("mcc", "auroc")


def paired_differences(
    labels: np.ndarray,
    runs: Mapping[str, Sequence[np.ndarray]],
    groups: np.ndarray | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> "pd.DataFrame":
    """Differences between all pairs of systems.

    Parameters
    ----------
    labels
        True classes, shape (n,).
    runs
        By system: probabilities of each training seed, each of shape (n, n_classes).
    groups
        What is drawn as a whole, shape (n,); single examples by default.
    draws
        Resamples. A draw takes one training seed of each system, so that the interval holds the spread between seeds.
    seed
        Decides the draws. What is drawn for a system depends on its name alone, not on what it is compared with.

    Returns
    -------
    pandas.DataFrame
        One row per pair, in the order of `runs`: ``system``, ``against``, then for MCC and AUROC the mean over seeds of
        the first less that of the second (``mcc``, ``auroc``), and the ends of its 95 % interval (``_low``, ``_high``).
        The intervals are not corrected for the number of pairs.
    """
    import pandas as pd

    whole = {name: np.mean([_scores(labels, run) for run in given], axis=0) for name, given in runs.items()}
    drawn = _draw(labels, runs, groups, draws, seed)
    rows = []
    for system, against in combinations(runs, 2):
        row: dict[str, object] = {"system": system, "against": against}
        for column, name in enumerate(COMPARED):
            values = drawn[system][:, column] - drawn[against][:, column]
            known = values[np.isfinite(values)]
            low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
            row |= {
                name: whole[system][column] - whole[against][column],
                f"{name}_low": float(low), f"{name}_high": float(high),
            }  # fmt: skip
        rows.append(row)
    ends = [f"{name}{end}" for name in COMPARED for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["system", "against", *ends])


def _draw(
    labels: np.ndarray, runs: Mapping[str, Sequence[np.ndarray]], groups: np.ndarray | None, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Scores of each system in each draw: shape (draws, len(COMPARED))."""
    members = group_members(np.arange(len(labels)) if groups is None else groups)
    examples = np.random.default_rng(seed)
    training = {name: np.random.default_rng([seed, zlib.crc32(name.encode())]) for name in runs}
    found = {name: np.empty((draws, len(COMPARED))) for name in runs}
    for draw in range(draws):
        taken = resample(members, examples)
        for name, given in runs.items():
            run = given[int(training[name].integers(len(given)))]
            found[name][draw] = _scores(labels[taken], run[taken])
    return found


def _scores(labels: np.ndarray, probabilities: np.ndarray) -> list[float]:
    scores = measure(labels, probabilities)
    return [scores[name] for name in COMPARED]
