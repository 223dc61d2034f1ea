"""Tasks with a planted answer: a motif decides the label, or composition alone does."""

import numpy as np
import pytest

from grover_probe.baselines.splits import Splits

MOTIF = "CCACCAGGGGGCGC"
LENGTH = 120


def planted_sequences(n: int, what: str, seed: int) -> tuple[list[str], np.ndarray]:
    """Half of each class; ``motif``: class 1 has the motif, class 0 its letters in another order; ``composition``."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    texts = []
    for label in labels:
        share = [0.32, 0.18, 0.18, 0.32] if what == "composition" and label else [0.25] * 4
        letters = rng.choice(list("ACGT"), LENGTH, p=share)
        if what == "motif":
            word = list(MOTIF) if label else rng.permutation(list(MOTIF))
            at = int(rng.integers(LENGTH - len(MOTIF)))
            letters[at : at + len(MOTIF)] = word
        texts.append("".join(letters))
    return texts, labels.astype(np.int64)


@pytest.fixture(scope="session")
def planted():
    """A function that gives the splits of a planted task, and the labels of its test split."""

    def make(what: str, n: int = 400) -> tuple[Splits[list[str]], np.ndarray]:
        train, validation, test = (planted_sequences(size, what, seed) for seed, size in enumerate((n, n // 2, n // 2)))
        return Splits(train[0], validation[0], test[0], train[1], validation[1], 2), test[1]

    return make
