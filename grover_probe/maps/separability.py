"""How well a label can be told from an embedding: nearest neighbours of other parts of the genome, and silhouette.

Windows that lie side by side share repeats, composition and annotation, so a random split would let a window find its
neighbour on the genome. Here the genome is cut into contiguous blocks, and the neighbours of a window are looked up
only in blocks of other folds than its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.maps.reduce import sample_rows

QUERY_ROWS = 20_000  # windows whose label is predicted; a larger map is sampled
TRAIN_ROWS = 50_000  # windows that can be neighbours, per fold
SILHOUETTE_ROWS = 5_000
RARE = 10  # classes with fewer windows are left out


@dataclass(frozen=True)
class Split:
    """Blocks of the genome and the folds they are dealt to.

    Attributes
    ----------
    blocks, folds
        int64, shape (n,): number of each window's block, and of the fold that holds out its block.
    n_folds
        Folds.
    """

    blocks: np.ndarray
    folds: np.ndarray
    n_folds: int

    __repr__ = brief


def split_blocks(
    chroms: Sequence[str], starts: np.ndarray, ends: np.ndarray, *, block_size: int, n_folds: int = 5, seed: int = 0
) -> Split:
    """Cut the genome into contiguous blocks and deal them to folds at random.

    Parameters
    ----------
    chroms, starts, ends
        Windows [start, end), in bases, shape (n,). A window belongs to the block that holds its middle.
    block_size
        Bases per block.
    n_folds
        Folds; fewer where there are fewer blocks.
    seed
        Decides which block goes to which fold; the order of the windows does not.

    Raises
    ------
    InputError
        When all windows lie in one block.
    """
    names = np.unique(np.asarray(chroms, dtype=str), return_inverse=True)[1].astype(np.int64)
    middle = (np.asarray(starts, dtype=np.int64) + np.asarray(ends, dtype=np.int64)) // 2
    blocks = np.unique(np.stack([names, middle // block_size]), axis=1, return_inverse=True)[1].ravel()
    n_blocks = int(blocks.max()) + 1 if len(blocks) else 0
    if n_blocks < 2:
        raise InputError(f"all windows lie in one block of {block_size:,} bases; use a smaller --block-size")
    n_folds = min(n_folds, n_blocks)
    fold_of = np.random.default_rng(seed).permutation(np.arange(n_blocks) % n_folds)
    return Split(blocks, fold_of[blocks], n_folds)


def held_out_neighbours(
    vectors: np.ndarray, split: Split, *, k: int = 15, queries: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """The k nearest windows of other folds, Euclidean, after standardising each dimension by those folds.

    Parameters
    ----------
    vectors
        Shape (n, width).
    split
        Of the same windows.
    k
        Neighbours.
    queries
        Row numbers to look up neighbours for, shape (m,); all when None.
    seed
        Chooses the windows that can be neighbours where a fold has more than 50,000.

    Returns
    -------
    np.ndarray
        int64, shape (m, k): row numbers, nearest first.

    Raises
    ------
    InputError
        When a fold leaves fewer than k windows to look in.
    """
    from sklearn.neighbors import NearestNeighbors

    queries = np.arange(len(vectors)) if queries is None else queries
    found = np.empty((len(queries), k), dtype=np.int64)
    for fold in range(split.n_folds):
        mine = split.folds[queries] == fold
        if not mine.any():
            continue
        others = np.flatnonzero(split.folds != fold)
        others = others[sample_rows(len(others), TRAIN_ROWS, seed)]
        if len(others) < k:
            raise InputError(f"{len(others)} windows outside a fold, but {k} neighbours wanted; use smaller blocks")
        train = np.asarray(vectors[others], dtype=np.float32)
        centre, spread = train.mean(axis=0), train.std(axis=0)
        spread = np.where(spread > 0, spread, 1)
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit((train - centre) / spread)
        at = (np.asarray(vectors[queries[mine]], dtype=np.float32) - centre) / spread
        found[mine] = others[search.kneighbors(at, return_distance=False)]
    return found


def predict(codes: np.ndarray, neighbours: np.ndarray, queries: np.ndarray, split: Split, n_classes: int) -> np.ndarray:
    """Vote of the neighbours, each vote divided by how frequent its class is outside the fold.

    Without the division a class of one window in a hundred would never win a vote.

    Parameters
    ----------
    codes
        Class of each window, int64, shape (n,).
    neighbours, queries
        As in `held_out_neighbours`.
    split, n_classes
        Folds, and the number of classes.

    Returns
    -------
    np.ndarray
        int64, shape (m,): predicted class; on a tie the first.
    """
    rows = np.arange(len(queries))[:, None] * n_classes
    votes = np.bincount((rows + codes[neighbours]).ravel(), minlength=len(queries) * n_classes)
    per_fold = np.zeros((split.n_folds, n_classes))
    np.add.at(per_fold, (split.folds, codes), 1)
    outside = np.maximum(per_fold.sum(0) - per_fold, 1)
    return (votes.reshape(-1, n_classes) / outside[split.folds[queries]]).argmax(1)


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean over classes of the share found, from counts [..., true, predicted]; classes without rows do not count."""
    totals = confusion.sum(-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return np.nanmean(np.where(totals > 0, hits / totals, np.nan), axis=-1)


@dataclass(frozen=True)
class Separability:
    """How well a label can be told.

    Attributes
    ----------
    balanced_accuracy
        Of held-out windows; `chance` for a guess.
    low, high
        95 % interval: blocks drawn with replacement.
    chance
        1 / number of classes.
    null
        Mean balanced accuracy with the labels turned along the genome against the embeddings, which keeps how they
        cluster on the genome.
    p
        Share of such turns (and the truth) that do as well.
    silhouette
        Mean silhouette of the classes in this space, of up to 5,000 windows.
    n_windows, n_classes
        What was used.
    """

    balanced_accuracy: float
    low: float
    high: float
    chance: float
    null: float
    p: float
    silhouette: float
    n_windows: int
    n_classes: int


def separability(
    vectors: np.ndarray,
    codes: np.ndarray,
    order: np.ndarray,
    split: Split,
    *,
    k: int = 15,
    n_turns: int = 99,
    n_bootstrap: int = 999,
    seed: int = 0,
) -> Separability:
    """Measure how well classes can be told from vectors, on held-out blocks.

    Parameters
    ----------
    vectors
        Shape (n, width).
    codes
        Class of each window, 0 to n_classes - 1, shape (n,).
    order
        Row numbers in the order of the genome, shape (n,).
    split, k
        As in `held_out_neighbours`.
    n_turns, n_bootstrap, seed
        Of the null and of the interval.

    Raises
    ------
    InputError
        When there are fewer than two classes.
    """
    n_classes = int(codes.max()) + 1
    if n_classes < 2:
        raise InputError("one class only; there is nothing to tell apart")
    rng = np.random.default_rng(seed)
    queries = sample_rows(len(codes), QUERY_ROWS, seed)
    neighbours = held_out_neighbours(vectors, split, k=k, queries=queries, seed=seed)

    def confusion(labels: np.ndarray) -> np.ndarray:
        predicted = predict(labels, neighbours, queries, split, n_classes)
        counts = np.zeros((int(split.blocks.max()) + 1, n_classes, n_classes))
        np.add.at(counts, (split.blocks[queries], labels[queries], predicted), 1)
        return counts

    per_block = confusion(codes)
    found = float(balanced_accuracy(per_block.sum(0)))
    weights = rng.multinomial(len(per_block), np.full(len(per_block), 1 / len(per_block)), size=n_bootstrap)
    low, high = np.quantile(balanced_accuracy(np.tensordot(weights, per_block, 1)), (0.025, 0.975))
    null = []
    margin = len(codes) // 20  # a turn by a few windows would hardly move a label
    for shift in rng.integers(max(1, margin), len(codes) - margin, size=n_turns):
        turned = np.empty_like(codes)
        turned[order] = np.roll(codes[order], shift)
        null.append(float(balanced_accuracy(confusion(turned).sum(0))))
    return Separability(
        balanced_accuracy=found,
        low=float(low),
        high=float(high),
        chance=1 / n_classes,
        null=float(np.mean(null)),
        p=(1 + sum(value >= found for value in null)) / (1 + n_turns),
        silhouette=silhouette(vectors, codes, seed=seed),
        n_windows=len(codes),
        n_classes=n_classes,
    )


def silhouette(vectors: np.ndarray, codes: np.ndarray, *, seed: int = 0) -> float:
    """Mean silhouette (Rousseeuw 1987) of standardised vectors, of up to 5,000 rows; NaN when one class is left."""
    from sklearn.metrics import silhouette_score

    rows = sample_rows(len(codes), SILHOUETTE_ROWS, seed)
    points = np.asarray(vectors[rows], dtype=np.float64)
    spread = points.std(axis=0)
    points = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    n_seen = len(np.unique(codes[rows]))
    return float(silhouette_score(points, codes[rows])) if 1 < n_seen < len(rows) else float("nan")


def usable(labels: np.ndarray, split: Split) -> np.ndarray:
    """Which windows have a class of at least 10 windows in at least two folds: bool, shape (n,)."""
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    sizes = np.bincount(codes, minlength=len(names))
    folds = np.array([len(np.unique(split.folds[codes == code])) for code in range(len(names))])
    return ((sizes >= RARE) & (folds > 1))[codes]
