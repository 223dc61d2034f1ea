"""Pairs of a case and a control that are alike in some traits."""

import numpy as np

CALIPER = 0.5  # largest distance of a pair, in standard deviations over all traits
_NEIGHBOURS = 50


def match(values: np.ndarray, case: np.ndarray, caliper: float = CALIPER) -> tuple[np.ndarray, np.ndarray]:
    """Pair each case with a different control.

    Parameters
    ----------
    values
        Traits, shape (n, n_traits).
    case
        True for cases, shape (n,).
    caliper
        Largest Euclidean distance of a pair in standardised traits.

    Returns
    -------
    cases, controls : np.ndarray
        Indices, pair by pair. Pairs are made nearest first; a case without a free control within the caliper among its
        nearest ones is left out.
    """
    from scipy.spatial import cKDTree

    cases, controls = np.flatnonzero(case), np.flatnonzero(~case)
    if not len(cases) or not len(controls):
        return cases[:0], controls[:0]
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    tree = cKDTree(scaled[controls])
    distance, which = tree.query(scaled[cases], k=min(_NEIGHBOURS, len(controls)), distance_upper_bound=caliper)
    distance, which = distance.reshape(len(cases), -1), which.reshape(len(cases), -1)
    case_of, rank = np.nonzero(np.isfinite(distance))
    order = np.argsort(distance[case_of, rank], kind="stable")
    used_case, used_control = np.zeros(len(cases), dtype=bool), np.zeros(len(controls), dtype=bool)
    pairs = []
    for index in order.tolist():
        one, other = int(case_of[index]), int(which[case_of[index], rank[index]])
        if not used_case[one] and not used_control[other]:
            used_case[one] = used_control[other] = True
            pairs.append((one, other))
    chosen = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return cases[chosen[:, 0]], controls[chosen[:, 1]]


def standardised_differences(values: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Mean of cases less mean of controls in units of the pooled standard deviation, shape (n_traits,)."""
    first, second = values[case], values[~case]
    pooled = np.sqrt((first.var(axis=0) + second.var(axis=0)) / 2)
    return (first.mean(axis=0) - second.mean(axis=0)) / np.where(pooled > 0, pooled, 1)
