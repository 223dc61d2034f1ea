"""What decides the label is found by the systems that can see it, and by no other."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from grover_probe.baselines.cnn import MotifNetwork, convolutional_network, one_hot
from grover_probe.baselines.kmer_linear import gc_content, logistic_on_kmers, logistic_on_value
from grover_probe.baselines.tfidf import kmer_table, random_forest, tfidf
from grover_probe.errors import InputError
from grover_probe.finetune.metrics import measure


def mcc(predicted, labels) -> float:
    return measure(labels, predicted.test)["mcc"]


def test_a_motif_decides(planted):
    splits, labels = planted("motif")
    assert mcc(logistic_on_value(splits.map(gc_content)), labels) < 0.25
    assert mcc(logistic_on_kmers(splits, ks=(3, 4)), labels) > 0.5
    forest = random_forest(tfidf(splits.map(lambda texts: kmer_table(texts, 4))), trees=(100,))
    assert mcc(forest, labels) > 0.5


def test_convolutions_find_the_motif(planted):
    splits, labels = planted("motif", 300)
    found = convolutional_network(splits, epochs=8, patience=0, progress=False)
    assert mcc(found, labels) > 0.8


def test_the_seed_decides_the_network(planted):
    splits, _ = planted("motif", 40)
    one, again, other = (convolutional_network(splits, epochs=2, seed=seed, progress=False) for seed in (1, 1, 2))
    assert np.array_equal(one.test, again.test) and one.chosen == again.chosen
    assert not np.array_equal(one.test, other.test)


def test_composition_decides(planted):
    splits, labels = planted("composition")
    found = logistic_on_value(splits.map(gc_content))
    assert mcc(found, labels) > 0.6
    direct = LogisticRegression(C=np.inf).fit(gc_content(splits.train)[:, None], splits.train_labels)
    expected = direct.predict_proba(gc_content(splits.test)[:, None])
    assert found.test == pytest.approx(expected, abs=0.02)  # the penalty is weak, not absent


def test_the_order_of_letters_alone_says_nothing_to_gc(planted):
    splits, _ = planted("motif", 40)
    shuffled = splits.map(lambda texts: ["".join(sorted(text)) for text in texts])
    first, second = (logistic_on_value(each.map(gc_content)).test for each in (splits, shuffled))
    assert np.array_equal(first, second)


def test_gc_content():
    assert gc_content(["GCGC", "ATNN", "ACNGT", "NN"]).tolist() == pytest.approx([1, 0, 0.5, 0.5])


def test_a_value_that_is_no_number(planted):
    splits, _ = planted("motif", 20)
    with pytest.raises(InputError, match="not a number"):
        logistic_on_value(splits.map(lambda texts: np.full(len(texts), np.nan)))


def test_one_hot_against_a_loop():
    codes = np.array([[0, 3, 4], [2, 1, 0]], dtype=np.uint8)
    found = one_hot(codes)
    assert found.shape == (2, 4, 3)
    for row in range(2):
        for at in range(3):
            expected = [float(codes[row, at] == base) for base in range(4)]
            assert found[row, :, at].tolist() == expected


def test_the_first_layer_is_a_scan_with_weight_matrices():
    torch.manual_seed(0)
    first = MotifNetwork(2).layers[0]
    codes = np.random.default_rng(0).integers(0, 4, (1, 40)).astype(np.uint8)
    with torch.inference_mode():
        found = first(one_hot(codes))[0].numpy()
    weights, bias = first.weight.detach().numpy(), first.bias.detach().numpy()
    for at in (7, 20, 32):
        window = codes[0, at - 7 : at + 8]
        expected = weights[:, window, np.arange(15)].sum(axis=1) + bias
        assert found[:, at] == pytest.approx(expected, abs=1e-5)


def test_predictions_do_not_depend_on_their_neighbours(planted):
    """The probabilities of a sequence are the same alone as among others."""
    splits, _ = planted("motif", 40)
    all_of_it = convolutional_network(splits, epochs=1, progress=False).test
    few = type(splits)(
        splits.train, splits.validation, splits.test[:3], splits.train_labels, splits.validation_labels, 2
    )
    assert convolutional_network(few, epochs=1, progress=False).test == pytest.approx(all_of_it[:3], abs=1e-6)


def test_balanced_classes_move_the_middle(planted):
    splits, _ = planted("composition", 200)
    rare = np.where(np.arange(200) % 10 == 1, splits.train_labels, 0)
    few = type(splits)(splits.train, splits.validation, splits.test, rare, splits.validation_labels, 2)
    for learn in (
        lambda weights: logistic_on_value(few.map(gc_content), class_weights=weights),
        lambda weights: convolutional_network(few, epochs=1, class_weights=weights, progress=False),
    ):
        assert learn("balanced").test[:, 1].mean() > learn("none").test[:, 1].mean() + 0.1
