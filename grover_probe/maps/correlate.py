"""What components and neighbourhoods of a token map follow: frequency, composition, length."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

TOKEN_FEATURES = ("frequency", "gc", "ag", "ac", "length")

#: Component (from 1), feature and Spearman correlation that the GROVER paper reports for its average embeddings.
PAPER_CORRELATIONS = (
    (1, "frequency", 0.88), (2, "gc", -0.96), (3, "ag", 0.94),
    (4, "length", 0.39), (5, "ac", -0.81), (6, "length", 0.43),
)  # fmt: skip


def component_correlations(
    scores: np.ndarray, features: Mapping[str, np.ndarray], n_components: int = 6
) -> pd.DataFrame:
    """Spearman correlation of each of the first components with each feature.

    Parameters
    ----------
    scores
        Shape (n, >= n_components).
    features
        Name and values, shape (n,); rows where a feature is not finite are left out for it.
    n_components
        How many components.

    Returns
    -------
    pandas.DataFrame
        ``component`` (from 1), ``feature``, ``rho`` (its sign follows the sign of the component, which is fixed by
        `principal_components` but says nothing), ``abs_rho``, ``p`` two-sided, ``q`` after Benjamini and Hochberg over
        the rows of this table, ``n``. A feature that does not vary has NaN.
    """
    from scipy.stats import spearmanr

    rows = []
    for number in range(min(n_components, scores.shape[1])):
        for name, values in features.items():
            known = np.isfinite(values)
            varies = known.sum() > 2 and np.ptp(values[known]) > 0
            rho, p = spearmanr(scores[known, number], values[known]) if varies else (np.nan, np.nan)
            rows.append((number + 1, name, float(rho), abs(float(rho)), float(p), int(known.sum())))
    table = pd.DataFrame(rows, columns=["component", "feature", "rho", "abs_rho", "p", "n"])
    table.insert(5, "q", corrected(table["p"].to_numpy()))
    return table


def corrected(p: np.ndarray) -> np.ndarray:
    """P-values after Benjamini and Hochberg (1995); NaN stay NaN and do not count."""
    from statsmodels.stats.multitest import multipletests

    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = multipletests(p[known], method="fdr_bh")[1]
    return q


def beside_the_paper(correlations: pd.DataFrame) -> pd.DataFrame:
    """The paper's six correlations beside ours: of the same component, and of the one that follows the feature most.

    Parameters
    ----------
    correlations
        Tables of `component_correlations` with a column ``space``.

    Returns
    -------
    pandas.DataFrame
        One row per space and correlation of the paper: ``space``, ``component``, ``feature``, ``paper_rho``, ``rho``
        and ``q`` of the same component, ``best_component`` and its ``best_rho``. Only absolute values can be compared.
    """
    rows = []
    for space, table in correlations.groupby("space", sort=False):
        for component, feature, paper in PAPER_CORRELATIONS:
            of_feature = table[(table["feature"] == feature) & table["rho"].notna()]
            same = of_feature[of_feature["component"] == component]
            best = of_feature.nlargest(1, "abs_rho")
            ours = [frame[name].iloc[0] if len(frame) else np.nan for frame, name in (
                (same, "rho"), (same, "q"), (best, "component"), (best, "rho"))]  # fmt: skip
            rows.append((space, component, feature, paper, *ours))
    columns = ["space", "component", "feature", "paper_rho", "rho", "q", "best_component", "best_rho"]
    return pd.DataFrame(rows, columns=columns).astype({"best_component": "Int64"})


def nearest(points: np.ndarray, k: int) -> np.ndarray:
    """The k nearest other rows of each row, Euclidean, nearest first: int64, shape (n, k)."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=min(k, len(points) - 1)).fit(points).kneighbors(return_distance=False)


def neighbour_r2(values: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """How well the mean of its neighbours predicts each row: 1 - squared error / variance.

    Parameters
    ----------
    values
        Shape (..., n), one or several features.
    neighbours
        Row numbers, shape (n, k), from `nearest`.

    Returns
    -------
    np.ndarray
        Shape (...,): 1 when neighbours are alike, about -1/k when they are random; NaN where nothing varies.
    """
    predicted = values[..., neighbours].mean(-1)
    error = ((values - predicted) ** 2).sum(-1)
    total = ((values - values.mean(-1, keepdims=True)) ** 2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, 1 - error / total, np.nan)


def neighbour_table(
    places: Mapping[str, np.ndarray],
    features: Mapping[str, np.ndarray],
    *,
    k: int = 15,
    n_permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """How much neighbours share of each feature, against the same with the values of the rows permuted.

    Parameters
    ----------
    places
        Name and coordinates, shape (n, width), of the spaces to look for neighbours in (embedding, map).
    features
        Name and values, shape (n,), all finite.
    k
        Neighbours.
    n_permutations, seed
        Of the null.

    Returns
    -------
    pandas.DataFrame
        ``place``, ``feature``, ``r2`` (`neighbour_r2`), ``null_r2`` (mean of the null), ``p`` one-sided, ``q`` after
        Benjamini and Hochberg over the rows of this table.
    """
    rows = []
    for place, points in places.items():
        neighbours = nearest(points, k)
        for name, values in features.items():
            rng = np.random.default_rng(seed)
            values = np.asarray(values, dtype=np.float64)
            r2 = float(neighbour_r2(values, neighbours))
            null = np.array([neighbour_r2(rng.permutation(values), neighbours) for _ in range(n_permutations)])
            p = (1 + (null >= r2).sum()) / (1 + n_permutations) if np.isfinite(r2) else np.nan
            rows.append((place, name, r2, float(null.mean()), p))
    table = pd.DataFrame(rows, columns=["place", "feature", "r2", "null_r2", "p"])
    table["q"] = corrected(table["p"].to_numpy())
    return table
