"""Logistic regression: on k-mers, or on one number per sequence such as its GC content or the score of its motif."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from grover_probe.baselines.splits import Predicted, Splits, all_classes
from grover_probe.baselines.tfidf import kmer_table, tfidf
from grover_probe.errors import InputError

KS = (3, 4, 5, 6)
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # inverse of the penalty on rows of length 1
_ONE_VALUE = (1000.0,)  # next to no penalty


def logistic_on_kmers(
    splits: Splits[list[str]],
    *,
    ks: Sequence[int] = KS,
    strengths: Sequence[float] = STRENGTHS,
    class_weights: str = "none",
) -> Predicted:
    """Logistic regression on TF-IDF of k-mers; k and the penalty are chosen by validation MCC."""
    from scipy.sparse import csr_matrix

    counts = {str(k): splits.map(partial(kmer_table, k=k)) for k in ks}
    candidates = {name: tfidf(each).map(csr_matrix) for name, each in counts.items()}
    return best_logistic(candidates, strengths, class_weights, "k")


def logistic_on_value(splits: Splits[np.ndarray], *, class_weights: str = "none") -> Predicted:
    """Logistic regression on one number per sequence, shape (n_examples,).

    Raises
    ------
    InputError
        When a value is not a number.
    """
    if not all(np.isfinite(part).all() for part in (splits.train, splits.validation, splits.test)):
        raise InputError("a value that is not a number among those of the sequences")
    centre, spread = float(splits.train.mean()), float(splits.train.std()) or 1.0
    scaled = splits.map(lambda values: ((values - centre) / spread)[:, None])
    return best_logistic({"value": scaled}, _ONE_VALUE, class_weights, "feature")


def gc_content(sequences: Sequence[str]) -> np.ndarray:
    """Share of G and C among A, C, G and T: float64, shape (n_sequences,); 0.5 for a sequence without any."""
    counts = kmer_table(sequences, 1).astype(float)
    return np.where(counts.any(axis=1), counts[:, 1] + counts[:, 2], 0.5)


def best_logistic(
    candidates: Mapping[str, Splits[Any]], strengths: Sequence[float], class_weights: str, name: str
) -> Predicted:
    """Fit every candidate with every strength and keep the one with the best validation MCC, of equals the first.

    Parameters
    ----------
    candidates
        Features by name, dense or sparse.
    strengths
        Inverse penalties, weakest model first.
    class_weights
        ``none`` or ``balanced``.
    name
        What tells the candidates apart, for the record.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import matthews_corrcoef

    weight = "balanced" if class_weights == "balanced" else None
    best: Predicted | None = None
    best_mcc = -np.inf
    for key, splits in candidates.items():
        for strength in strengths:
            model = LogisticRegression(C=strength, class_weight=weight, max_iter=5_000)
            model.fit(splits.train, splits.train_labels)
            validation, test = (
                all_classes(model.predict_proba(part), model.classes_, splits.n_classes)
                for part in (splits.validation, splits.test)
            )
            mcc = float(matthews_corrcoef(splits.validation_labels, validation.argmax(axis=1)))
            if mcc > best_mcc:
                chosen = {name: key, "strength": strength, "validation_mcc": round(mcc, 4)}
                best, best_mcc = Predicted(validation, test, chosen), mcc
    assert best is not None
    return best
