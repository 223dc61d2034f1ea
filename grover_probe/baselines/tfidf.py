"""Bags of k-mers or of tokens, weighted by how few sequences have them (TF-IDF), and a random forest on them.

The weights are those of scikit-learn's `TfidfVectorizer` at its defaults: counts times ln((1 + n) / (1 + df)) + 1,
where df of the n training sequences have the word; then each row has length 1.
"""

from collections.abc import Sequence

import numpy as np

from grover_probe.baselines.composition import kmer_spectrum
from grover_probe.baselines.splits import Predicted, Splits, all_classes
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases

TREES = (100, 200, 500, 1000, 2000)


def kmer_table(sequences: Sequence[str], k: int) -> np.ndarray:
    """Relative frequency of each k-mer in each sequence.

    Parameters
    ----------
    sequences
        Texts; a k-mer with anything but A, C, G and T does not count.
    k
        Bases, 1 to 8. Occurrences may overlap; forward strand only.

    Returns
    -------
    np.ndarray
        float32, shape (n_sequences, 4^k), k-mers in alphabetical order.
    """
    ends = np.cumsum([len(sequence) for sequence in sequences])
    return kmer_spectrum(encode_bases("".join(sequences)), np.append(0, ends[:-1]), ends, k)


def token_table(tokens: Sequence[np.ndarray], n_ids: int) -> np.ndarray:
    """Occurrences of each token in each sequence: float32, shape (n_sequences, n_ids)."""
    table = np.zeros((len(tokens), n_ids), dtype=np.float32)
    for row, ids in enumerate(tokens):
        table[row] = np.bincount(ids, minlength=n_ids)
    return table


def inverse_frequency(counts: np.ndarray) -> np.ndarray:
    """Weight of each word, ln((1 + n) / (1 + df)) + 1, 0 for one that does not occur: float64, shape (n_words,)."""
    known = np.count_nonzero(counts, axis=0)
    return np.where(known > 0, np.log((1 + len(counts)) / (1 + known)) + 1, 0)


def tfidf(splits: Splits[np.ndarray]) -> Splits[np.ndarray]:
    """Counts (or any multiple of them) as TF-IDF; the weights come from the training split alone.

    Returns
    -------
    Splits
        float32 arrays of the same shapes, rows of length 1 (0 where there is no word).
    """
    weights = inverse_frequency(splits.train)

    def transform(counts: np.ndarray) -> np.ndarray:
        values = counts * weights
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        return (values / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    return splits.map(transform)


def random_forest(
    splits: Splits[np.ndarray],
    *,
    trees: Sequence[int] = TREES,
    seed: int = 0,
    class_weights: str = "none",
    threads: int = 1,
) -> Predicted:
    """A random forest whose size is chosen by validation MCC; of equals the smallest.

    The trees of a small forest are the first ones of a large forest of the same seed, so one forest is grown, and its
    beginnings are compared.

    Parameters
    ----------
    splits
        Features.
    trees
        Sizes to choose from.
    seed
        Of the forest.
    class_weights
        ``none``, or ``balanced``: each class weighs the same.
    threads
        Trees that grow at a time; the result does not depend on it.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import matthews_corrcoef
    from sklearn.utils.class_weight import compute_sample_weight

    sizes = sorted(set(trees))
    if not sizes or sizes[0] < 1:
        raise InputError(f"trees {', '.join(map(str, trees))}: expected numbers of at least 1")
    weights = compute_sample_weight("balanced", splits.train_labels) if class_weights == "balanced" else None
    forest = RandomForestClassifier(sizes[0], random_state=seed, n_jobs=threads, warm_start=True)
    sums = [np.zeros((len(part), splits.n_classes)) for part in (splits.validation, splits.test)]
    columns = np.asfortranarray(splits.train)  # a split looks at one feature of many rows
    done, found = 0, {}
    for size in sizes:
        forest.set_params(n_estimators=size)
        forest.fit(columns, splits.train_labels, weights)
        for tree in forest.estimators_[done:size]:
            for total, part in zip(sums, (splits.validation, splits.test), strict=True):
                total += all_classes(tree.predict_proba(part), forest.classes_, splits.n_classes)
        done = size
        validation, test = (total / size for total in sums)
        found[size] = (float(matthews_corrcoef(splits.validation_labels, validation.argmax(axis=1))), validation, test)
    best = max(sizes, key=lambda size: (found[size][0], -size))
    curve = {str(size): round(found[size][0], 4) for size in sizes}
    return Predicted(found[best][1], found[best][2], {"trees": best, "validation_mcc": curve})
