"""Word2Vec: the same seed gives the same vectors; tokens in the same company come to lie side by side."""

from dataclasses import replace

import numpy as np
import pytest

from grover_probe.baselines.word2vec import train_word2vec
from grover_probe.errors import InputError
from grover_probe.windows import fixed_windows


def test_a_seed_decides(tiny_corpus):
    windows = fixed_windows(tiny_corpus.runs(), 60)
    options = {"width": 12, "epochs": 2, "progress": False}
    one, again, other = (train_word2vec(tiny_corpus, windows, seed=seed, **options) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (len(tiny_corpus.token_lengths), 12)
    seen = np.bincount(tiny_corpus.ids, minlength=len(one)) > 0
    assert np.isfinite(one[seen]).all()
    assert np.isnan(one[~seen]).all()
    assert not np.array_equal(one[seen], other[seen])


def test_tokens_in_the_same_company_are_alike(tiny_corpus):
    """Ids 10 and 11 stand for each other among 12 to 14; 20 and 21 among 22 to 24."""
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(600):
        base = rng.choice([10, 20])
        parts.append([base + 2, base + rng.integers(0, 2), base + 3, base + rng.integers(0, 2), base + 4])
    corpus = replace(tiny_corpus, ids=np.array(parts, dtype=np.uint16).ravel())
    windows = np.arange(0, 3_000, 5)[:, None] + [0, 5]
    vectors = train_word2vec(corpus, windows, width=8, epochs=8, subsample=0, seed=1, progress=False)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[10] @ unit[11] > 0.8
    assert unit[20] @ unit[21] > 0.8
    assert unit[10] @ unit[20] < 0.5


def test_windows_without_company_are_refused(tiny_corpus):
    with pytest.raises(InputError, match="at least two tokens"):
        train_word2vec(tiny_corpus, np.array([[0, 1], [1, 2]]), progress=False)
