"""Held-out blocks against loops, planted classes found, shuffled ones not."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, silhouette_score

from grover_probe.errors import InputError
from grover_probe.maps.separability import (
    Split,
    balanced_accuracy,
    held_out_neighbours,
    predict,
    separability,
    silhouette,
    split_blocks,
    usable,
)


def genome_windows(n: int, size: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts = np.arange(n) * size
    return np.where(np.arange(n) < n // 2, "chr1", "chr2"), starts, starts + size


@pytest.fixture(scope="module")
def split() -> Split:
    return split_blocks(*genome_windows(120), block_size=1_000, n_folds=4, seed=2)


class TestSplit:
    @settings(deadline=None)
    @given(st.integers(30, 90), st.integers(150, 1_500), st.integers(2, 6), st.integers(0, 5))
    def test_a_block_is_one_stretch_in_one_fold(self, n, block_size, n_folds, seed):
        chroms, starts, ends = genome_windows(n)
        found = split_blocks(chroms, starts, ends, block_size=block_size, n_folds=n_folds, seed=seed)
        places = {
            (chrom, (start + end) // 2 // block_size) for chrom, start, end in zip(chroms, starts, ends, strict=True)
        }
        assert len(set(found.blocks)) == len(places)
        for block in set(found.blocks):
            inside = found.blocks == block
            assert len(set(found.folds[inside])) == 1
            assert len(set(chroms[inside])) == 1
            assert starts[inside].max() - starts[inside].min() <= block_size
        sizes = Counter(found.folds[np.unique(found.blocks, return_index=True)[1]].tolist())
        assert len(sizes) == found.n_folds == min(n_folds, len(places))
        assert max(sizes.values()) - min(sizes.values()) <= 1

    def test_the_order_of_windows_does_not_matter(self):
        chroms, starts, ends = genome_windows(80)
        order = np.random.default_rng(0).permutation(80)
        plain = split_blocks(chroms, starts, ends, block_size=700, seed=1)
        mixed = split_blocks(chroms[order], starts[order], ends[order], block_size=700, seed=1)
        np.testing.assert_array_equal(mixed.blocks, plain.blocks[order])
        np.testing.assert_array_equal(mixed.folds, plain.folds[order])
        other = split_blocks(chroms, starts, ends, block_size=700, seed=2)
        assert not np.array_equal(other.folds, plain.folds)

    def test_one_block_is_refused(self):
        with pytest.raises(InputError, match="smaller --block-size"):
            split_blocks(["chr1"] * 3, np.array([0, 10, 20]), np.array([5, 15, 25]), block_size=1_000)


class TestNeighbours:
    def test_against_loops(self, split):
        rng = np.random.default_rng(3)
        vectors = rng.normal(size=(120, 4)) * [1, 10, 100, 0] + 5  # the last dimension is constant
        found = held_out_neighbours(vectors, split, k=6)
        for row in range(120):
            others = np.flatnonzero(split.folds != split.folds[row])
            spread = vectors[others].std(0)
            scaled = (vectors - vectors[others].mean(0)) / np.where(spread > 0, spread, 1)
            distance = np.linalg.norm(scaled[others] - scaled[row], axis=1)
            assert found[row].tolist() == others[np.argsort(distance)[:6]].tolist()

    def test_a_subset_of_queries_has_the_same_neighbours(self, split):
        vectors = np.random.default_rng(4).normal(size=(120, 3))
        rows = np.array([3, 40, 77])
        found = held_out_neighbours(vectors, split, k=5, queries=rows)
        np.testing.assert_array_equal(found, held_out_neighbours(vectors, split, k=5)[rows])

    def test_neighbours_are_sampled_above_the_limit(self, split, monkeypatch):
        monkeypatch.setattr("grover_probe.maps.separability.TRAIN_ROWS", 20)
        found = held_out_neighbours(np.random.default_rng(4).normal(size=(120, 3)), split, k=20)
        for fold in range(4):
            assert len(np.unique(found[split.folds == fold])) == 20
            assert not np.isin(found[split.folds == fold], np.flatnonzero(split.folds == fold)).any()

    def test_too_few_windows_are_refused(self, split):
        with pytest.raises(InputError, match="neighbours wanted"):
            held_out_neighbours(np.eye(120), split, k=110)

    def test_votes_against_loops(self, split):
        rng = np.random.default_rng(5)
        codes = rng.choice(3, 120, p=[0.7, 0.2, 0.1])
        neighbours = held_out_neighbours(rng.normal(size=(120, 2)), split, k=7)
        found = predict(codes, neighbours, np.arange(120), split, 3)
        for row in range(120):
            outside = codes[split.folds != split.folds[row]]
            votes = [(codes[neighbours[row]] == each).sum() / (outside == each).sum() for each in range(3)]
            assert found[row] == np.argmax(votes)


def test_balanced_accuracy_is_that_of_scikit_learn():
    rng = np.random.default_rng(6)
    true, predicted = rng.integers(0, 3, (2, 50))
    counts = np.zeros((3, 3))
    np.add.at(counts, (true, predicted), 1)
    assert balanced_accuracy(counts) == pytest.approx(balanced_accuracy_score(true, predicted))
    counts[1] = 0  # a class that no held-out window has
    assert balanced_accuracy(counts) == pytest.approx(
        np.mean([counts[0, 0] / counts[0].sum(), counts[2, 2] / counts[2].sum()])
    )


def test_silhouette_is_that_of_scikit_learn_on_a_sample(monkeypatch):
    rng = np.random.default_rng(7)
    points, codes = rng.normal(size=(90, 3)) * [1, 50, 3], rng.integers(0, 3, 90)
    scaled = (points - points.mean(0)) / points.std(0)
    assert silhouette(points, codes) == pytest.approx(silhouette_score(scaled, codes))
    monkeypatch.setattr("grover_probe.maps.separability.SILHOUETTE_ROWS", 30)
    assert silhouette(points, codes, seed=1) != pytest.approx(silhouette(points, codes, seed=2))
    assert np.isnan(silhouette(points, np.zeros(90, dtype=int)))


@pytest.fixture(scope="module")
def planted(split) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    codes = rng.choice(3, 120, p=[0.6, 0.25, 0.15])
    return rng.normal(size=(120, 5)) + 4 * np.eye(5)[codes], codes


class TestSeparability:
    def test_planted_classes_are_found(self, planted, split):
        found = separability(*planted, np.arange(120), split, k=5)
        assert found.balanced_accuracy > 0.9
        assert found.low <= found.balanced_accuracy <= found.high
        assert found.p == 0.01
        assert found.silhouette > 0.2
        assert (found.n_windows, found.n_classes, found.chance) == (120, 3, pytest.approx(1 / 3))
        assert found.null == pytest.approx(1 / 3, abs=0.06)

    def test_shuffled_labels_are_not(self, planted, split):
        vectors, codes = planted
        shuffled = np.random.default_rng(9).permutation(codes)
        found = separability(vectors, shuffled, np.arange(120), split, k=5)
        assert found.balanced_accuracy == pytest.approx(1 / 3, abs=0.15)
        assert found.p > 0.05
        assert abs(found.silhouette) < 0.1

    def test_the_order_of_windows_does_not_matter(self, planted, split):
        vectors, codes = planted
        order = np.random.default_rng(10).permutation(120)
        mixed = Split(split.blocks[order], split.folds[order], split.n_folds)
        plain = separability(vectors, codes, np.arange(120), split, k=5)
        found = separability(vectors[order], codes[order], np.argsort(order), mixed, k=5)
        assert found == plain

    def test_what_only_neighbours_on_the_genome_share_is_not_found(self):
        """Each block has vectors and a class of its own: a random split would tell classes perfectly."""
        rng = np.random.default_rng(11)
        split = split_blocks(*genome_windows(400), block_size=1_000, n_folds=5, seed=0)
        vectors = rng.normal(size=(split.blocks.max() + 1, 6))[split.blocks] * 5 + rng.normal(size=(400, 6)) * 0.1
        codes = rng.integers(0, 2, split.blocks.max() + 1)[split.blocks]
        found = separability(vectors, codes, np.arange(400), split, k=5)
        assert 0.25 < found.balanced_accuracy < 0.75
        assert found.p > 0.05
        by_row = Split(np.arange(400), rng.permutation(np.arange(400) % 5), 5)
        assert separability(vectors, codes, np.arange(400), by_row, k=5, n_turns=1).balanced_accuracy > 0.99

    def test_one_class_is_refused(self, split):
        with pytest.raises(InputError, match="one class"):
            separability(np.eye(120), np.zeros(120, dtype=int), np.arange(120), split)


def test_rare_classes_and_those_of_one_fold_are_not_usable(split):
    labels = np.full(120, "often", dtype=object)
    labels[split.folds == 0] = "one fold"
    labels[:5] = "rare"
    np.testing.assert_array_equal(usable(labels, split), labels == "often")
