"""TF-IDF against its definition and scikit-learn's; a growing forest against separate ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import matthews_corrcoef

from grover_probe.baselines.splits import Splits, all_classes
from grover_probe.baselines.tfidf import kmer_table, random_forest, tfidf, token_table
from grover_probe.errors import InputError

SEQUENCES = st.lists(st.text("ACGTN", min_size=0, max_size=30), min_size=3, max_size=8)


def three(train, validation, test) -> Splits:
    return Splits(train, validation, test, np.zeros(0), np.zeros(0), 2)


def slow_tfidf(train: list[str], texts: list[str], k: int) -> np.ndarray:
    """Word by word, from the definition."""
    words = [""]
    for _ in range(k):
        words = [word + base for word in words for base in "ACGT"]

    def count(text: str, word: str) -> int:
        return sum(text[at : at + k] == word for at in range(len(text) - k + 1))

    table = np.zeros((len(texts), len(words)))
    for column, word in enumerate(words):
        known = sum(count(text, word) > 0 for text in train)
        weight = math.log((1 + len(train)) / (1 + known)) + 1
        table[:, column] = [count(text, word) * weight if known else 0 for text in texts]
    lengths = np.sqrt((table**2).sum(axis=1, keepdims=True))
    return table / np.where(lengths > 0, lengths, 1)


@settings(max_examples=25, deadline=None)
@given(SEQUENCES, SEQUENCES, st.integers(1, 3))
def test_kmers_against_the_definition(train, test, k):
    found = tfidf(three(train, train[:1], test).map(lambda texts: kmer_table(texts, k)))
    assert found.train == pytest.approx(slow_tfidf(train, train, k), abs=1e-5)
    assert found.test == pytest.approx(slow_tfidf(train, test, k), abs=1e-5)


@pytest.mark.parametrize("k", [3, 4, 6])
def test_kmers_against_scikit_learn(planted, k):
    splits, _ = planted("motif", 60)
    found = tfidf(splits.map(lambda texts: kmer_table(texts, k)))
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(k, k), lowercase=False).fit(splits.train)
    columns = [int("".join(str("ACGT".index(base)) for base in word), 4) for word in theirs.get_feature_names_out()]
    for ours, texts in ((found.train, splits.train), (found.test, splits.test)):
        expected = np.zeros_like(ours)
        expected[:, columns] = theirs.transform(texts).toarray()
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_tokens_are_counted_as_words():
    tokens = [np.array([5, 7, 7]), np.array([6]), np.array([], dtype=np.int64)]
    assert token_table(tokens, 9).tolist() == [[0, 0, 0, 0, 0, 1, 0, 2, 0], [0] * 6 + [1, 0, 0], [0] * 9]


def test_the_beginning_of_a_forest_is_the_smaller_forest(planted):
    splits, _ = planted("composition", 120)
    features = tfidf(splits.map(lambda texts: kmer_table(texts, 2)))
    found = random_forest(features, trees=(30, 5, 12), seed=4)
    scores = {}
    for size in (5, 12, 30):
        theirs = RandomForestClassifier(size, random_state=4).fit(features.train, features.train_labels)
        held = theirs.predict(features.validation)
        scores[size] = matthews_corrcoef(features.validation_labels, held)
        if size == found.chosen["trees"]:
            assert found.test == pytest.approx(theirs.predict_proba(features.test), abs=1e-12)
    assert found.chosen["validation_mcc"] == {str(size): round(scores[size], 4) for size in scores}
    assert scores[found.chosen["trees"]] == max(scores.values())


def test_threads_and_balance(planted):
    splits, _ = planted("composition", 80)
    features = tfidf(splits.map(lambda texts: kmer_table(texts, 2)))
    one, two = (random_forest(features, trees=(8,), threads=threads).test for threads in (1, 2))
    assert np.array_equal(one, two)
    few = Splits(
        features.train, features.validation, features.test, (np.arange(80) % 8 == 0).astype(np.int64),
        features.validation_labels, 2,
    )  # fmt: skip
    theirs = RandomForestClassifier(8, random_state=0, class_weight="balanced").fit(few.train, few.train_labels)
    found = random_forest(few, trees=(8,), class_weights="balanced").test
    assert found == pytest.approx(theirs.predict_proba(few.test), abs=1e-12)


def test_a_class_that_training_lacks_has_no_probability():
    assert all_classes(np.array([[0.3, 0.7]]), np.array([0, 2]), 3).tolist() == [[0.3, 0.0, 0.7]]


def test_no_trees(planted):
    splits, _ = planted("composition", 20)
    with pytest.raises(InputError, match="at least 1"):
        random_forest(splits.map(lambda texts: kmer_table(texts, 1)), trees=(0,))
