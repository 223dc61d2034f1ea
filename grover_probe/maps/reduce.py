"""From vectors to a few coordinates: principal components with fixed signs, UMAP, trustworthiness, clustering."""

import warnings
from dataclasses import dataclass

import numpy as np

from grover_probe.display import brief
from grover_probe.errors import InputError

FIT_ROWS = 100_000  # components of a larger map are fitted on so many of its rows, evenly spaced
TRUST_ROWS = 4_000  # trustworthiness needs all pairs, so a larger map is sampled
MAP_COMPONENTS = 50
FEWEST_ROWS = 10
_BLOCK = 65_536


@dataclass(frozen=True)
class Components:
    """Principal components of a set of vectors.

    Attributes
    ----------
    scores
        float64, shape (n, n_components): rows in the new coordinates. The row farthest from zero is on the positive
        side of each component, so that signs depend on the data alone.
    loadings
        float64, shape (n_components, width): directions, of unit length, in the space of the (scaled) vectors.
    explained
        float64, shape (n_components,): share of the whole variance, falling.
    """

    scores: np.ndarray
    loadings: np.ndarray
    explained: np.ndarray

    __repr__ = brief


def principal_components(vectors: np.ndarray, n_components: int = MAP_COMPONENTS, *, scale: bool = False) -> Components:
    """Centre vectors and turn them to their principal components, exactly.

    Parameters
    ----------
    vectors
        Shape (n, width); may be memory-mapped.
    n_components
        How many; fewer where the vectors do not have so many.
    scale
        Divide each dimension by its standard deviation first. Hidden states often have a few dimensions that are much
        larger than all others and would decide every distance.

    Raises
    ------
    InputError
        For fewer than 10 rows, a value that is not finite, or vectors that are all equal.
    """
    from sklearn.decomposition import PCA

    n, width = vectors.shape
    if n < FEWEST_ROWS:
        raise InputError(f"a map of {n} rows: expected at least {FEWEST_ROWS}")
    chosen = np.linspace(0, n - 1, min(n, FIT_ROWS)).astype(np.int64)
    sample = np.asarray(vectors[chosen], dtype=np.float64)
    if not np.isfinite(sample).all():
        raise InputError("the embedding holds values that are not finite; was it made in half precision?")
    spread = sample.std(axis=0)
    if not (spread > 0).any():
        raise InputError("all embeddings are equal; there is nothing to map")
    centre = sample.mean(axis=0)
    divisor = np.where(spread > 0, spread, 1.0) if scale else np.ones(width)
    solver = "covariance_eigh" if len(sample) >= 10 * width else "full"
    fitted = PCA(min(n_components, n - 1, width), svd_solver=solver).fit((sample - centre) / divisor)
    scores = np.concatenate(
        [((vectors[at : at + _BLOCK] - centre) / divisor) @ fitted.components_.T for at in range(0, n, _BLOCK)]
    )
    farthest = np.abs(scores).argmax(axis=0)
    sign = np.where(scores[farthest, np.arange(scores.shape[1])] < 0, -1.0, 1.0)
    return Components(scores * sign, fitted.components_ * sign[:, None], fitted.explained_variance_ratio_)


def umap_coordinates(
    points: np.ndarray,
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    label: str = "UMAP",
    progress: bool = True,
) -> np.ndarray:
    """Lay points out in the plane with UMAP (McInnes et al. 2018), Euclidean distances.

    Parameters
    ----------
    points
        Shape (n, n_components): usually principal components.
    n_neighbors, min_dist
        UMAP's.
    seed
        The same seed gives the same map on the same machine with the same versions; elsewhere it may differ, so maps
        are saved as results and judged by `trust`.
    label, progress
        Bar on stderr.

    Returns
    -------
    np.ndarray
        float32, shape (n, 2).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ImportWarning)  # of a variant that needs TensorFlow, not used here
        from umap import UMAP

    if len(points) < FEWEST_ROWS:
        raise InputError(f"a map of {len(points)} rows: expected at least {FEWEST_ROWS}")
    reducer = UMAP(
        n_components=2,
        n_neighbors=min(n_neighbors, len(points) - 1),
        min_dist=min_dist,
        random_state=seed,
        n_jobs=1,
        tqdm_kwds={"disable": not progress, "desc": label, "leave": False, "unit": "epoch"},
    )
    with warnings.catch_warnings():
        # Said when the neighbour graph falls into parts; the start of the layout then is per part, which is fine.
        warnings.filterwarnings("ignore", message=".*(not fully connected|[Ss]pectral).*")
        return np.asarray(reducer.fit_transform(np.asarray(points, dtype=np.float32)), dtype=np.float32)


def trust(vectors: np.ndarray, coordinates: np.ndarray, *, k: int = 15, seed: int = 0) -> float:
    """Trustworthiness of a map (Venna and Kaski 2001): 1 when neighbours in the map are neighbours in truth.

    Parameters
    ----------
    vectors, coordinates
        The same rows before and after, shapes (n, width) and (n, 2).
    k
        Neighbours that count.
    seed
        Chooses the rows where there are more than 4,000.
    """
    from sklearn.manifold import trustworthiness

    rows = sample_rows(len(vectors), TRUST_ROWS, seed)
    k = min(k, (len(rows) - 1) // 2)
    return float(trustworthiness(np.asarray(vectors[rows]), coordinates[rows], n_neighbors=k))


def sample_rows(n: int, most: int, seed: int) -> np.ndarray:
    """Sorted row numbers: all of n, or `most` of them chosen at random."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


@dataclass(frozen=True)
class Tree:
    """A hierarchical clustering.

    Attributes
    ----------
    linkage
        float64, shape (n - 1, 4), as `scipy.cluster.hierarchy.linkage`: the two parts joined, their distance, rows.
    leaves
        int64, shape (n,): rows in the order of the drawn tree, neighbours as close as the tree allows.
    clusters
        int64, shape (n,): number of each row's cluster, from 1, in the order of the leaves.
    """

    linkage: np.ndarray
    leaves: np.ndarray
    clusters: np.ndarray

    __repr__ = brief


def cluster_tree(vectors: np.ndarray, n_clusters: int = 12, *, method: str = "average", metric: str = "cosine") -> Tree:
    """Cluster rows from the bottom up; leaves are ordered optimally (Bar-Joseph et al. 2001).

    Parameters
    ----------
    vectors
        Shape (n, width). They are centred first, because average embeddings share one large direction.
    n_clusters
        Clusters to cut the tree into.
    method, metric
        As in `scipy.cluster.hierarchy.linkage`.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage

    centred = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    if metric == "cosine" and not np.linalg.norm(centred, axis=1).all():
        raise InputError("an embedding equals the mean of all and has no direction; nothing to cluster by cosine")
    tree = linkage(centred, method=method, metric=metric, optimal_ordering=True)
    leaves = leaves_list(tree).astype(np.int64)
    cut = fcluster(tree, min(n_clusters, len(vectors)), criterion="maxclust")
    first_seen = {int(number): rank for rank, number in enumerate(dict.fromkeys(cut[leaves].tolist()), start=1)}
    return Tree(tree, leaves, np.array([first_seen[int(number)] for number in cut], dtype=np.int64))
