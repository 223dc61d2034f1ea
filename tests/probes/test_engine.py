"""Nested cross-validation and the online code against slow ones written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.errors import InputError
from grover_probe.probes.assess import called_classes
from grover_probe.probes.description import code_lengths, parts_of
from grover_probe.probes.engine import BEST, Predictions, most_chosen, nested_predictions, relative
from grover_probe.probes.folds import genomic_folds, make_folds
from grover_probe.probes.learners import Columns, Neighbours, Prior
from grover_probe.probes.linear import Linear
from grover_probe.probes.targets import Target, binary_target, class_target

N = 260


@pytest.fixture(scope="module")
def problem():
    """Two layers, the second of which knows the value; blocks; a value, a class and three classes."""
    rng = np.random.default_rng(8)
    noise, signal = rng.normal(size=(N, 6)), rng.normal(size=(N, 6))
    y = signal[:, 0] * 2 + rng.normal(size=N)
    features = {("0", "mean"): lambda: noise, ("1", "mean"): lambda: signal}
    targets = [
        Target("value", "windows", y),
        binary_target("high", "windows", y > 1),
        class_target("third", "windows", np.array(["a", "b", "c"], dtype=object)[np.digitize(y, [-1, 1])]),
    ]
    blocks = rng.integers(0, 13, N)
    return features, targets, make_folds(blocks, 4, 0, rule="test")


def test_nested_choice_is_that_of_the_loops_written_out(problem) -> None:
    features, targets, folds = problem
    learner = Linear()
    found = nested_predictions(features, targets[:1], folds.fold, learner)[0]
    y, fold = targets[0].y, folds.fold

    def fitted(x: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        columns = Columns(y[train][:, None], np.array([False]), np.array([0]))
        return learner.fit_predict(x[train], columns, x[test], 0)[:, :, 0]

    for outer in range(4):
        scores = {}
        for key, load in features.items():
            x, errors, spread = load(), np.zeros(len(learner.settings)), 0.0
            for inner in set(range(4)) - {outer}:
                test = fold == inner
                errors += ((fitted(x, ~test & (fold != outer), test) - y[test]) ** 2).sum(1)
                spread += ((y[test] - y.mean()) ** 2).sum()
            best = int(np.argmin(errors))
            scores[key] = 1 - errors[best] / spread
            test = fold == outer
            assert np.allclose(found[key].predicted[test, 0], fitted(x, ~test, test)[best], atol=1e-4)
            assert found[key].chosen[outer] == (*key, learner.settings[best])
            assert found[key].inner[outer] == pytest.approx(scores[key], abs=1e-4)
        key = max(scores, key=scores.get)
        assert found[BEST].chosen[outer][:2] == key
        assert np.array_equal(found[BEST].predicted[fold == outer], found[key].predicted[fold == outer])
    assert most_chosen(found[BEST]) == ("1", "mean")


def test_held_out_labels_do_not_reach_the_choice_or_the_fit(problem) -> None:
    features, targets, folds = problem
    before = nested_predictions(features, targets, folds.fold, Linear())
    held_out = folds.fold == 2
    changed = []
    for target in targets:
        y = target.y.copy()
        y[held_out] = np.random.default_rng(0).permutation(y[held_out])
        changed.append(Target(target.name, target.level, y, target.classes))
    after = nested_predictions(features, changed, folds.fold, Linear())
    for one, other in zip(before, after, strict=True):
        assert np.allclose(one[BEST].predicted[held_out], other[BEST].predicted[held_out], atol=1e-6)
        assert one[BEST].chosen[2] == other[BEST].chosen[2]
        assert not np.allclose(one[BEST].predicted[~held_out], other[BEST].predicted[~held_out], atol=1e-6)


def test_order_of_rows_changes_nothing(problem) -> None:
    features, targets, folds = problem
    order = np.random.default_rng(1).permutation(N)
    moved = {key: (lambda load=load: load()[order]) for key, load in features.items()}
    other = nested_predictions(
        moved, [Target(t.name, t.level, t.y[order], t.classes) for t in targets], folds.fold[order], Linear()
    )
    for one, two in zip(nested_predictions(features, targets, folds.fold, Linear()), other, strict=True):
        assert np.allclose(one[BEST].predicted[order], two[BEST].predicted, atol=2e-3)


def test_folds_follow_groups_and_not_row_order() -> None:
    groups = np.random.default_rng(0).integers(0, 30, 500)
    folds = make_folds(groups, 5, 3, rule="test")
    assert all(len(np.unique(folds.fold[groups == group])) == 1 for group in range(30))
    assert np.bincount(folds.fold).min() > 80
    order = np.random.default_rng(1).permutation(500)
    assert np.array_equal(make_folds(groups[order], 5, 3, rule="test").fold, folds.fold[order])


def test_genomic_folds_are_chromosomes_when_there_are_enough() -> None:
    chroms = np.repeat([f"chr{n}" for n in range(6)], 50)
    centres = np.tile(np.arange(50) * 20_000, 6)
    folds = genomic_folds(chroms, centres, n_folds=5, block_size=100_000)
    assert all(len(np.unique(folds.fold[chroms == chrom])) == 1 for chrom in np.unique(chroms))
    assert len(np.unique(folds.block)) == 60
    few = genomic_folds(chroms[:100], centres[:100], n_folds=5, block_size=100_000)
    assert len(np.unique(few.block)) == 20
    for block in range(20):
        assert len(np.unique(few.fold[few.block == block])) == 1


@pytest.mark.parametrize(("n_folds", "block_size"), [(2, 10), (5, 10**9), (5, 0)])
def test_folds_that_cannot_be_formed(n_folds: int, block_size: int) -> None:
    with pytest.raises(InputError, match=r"folds|block-size"):
        genomic_folds(np.repeat("chr1", 40), np.arange(40) * 1000, n_folds=n_folds, block_size=block_size)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 99))
def test_parts_hold_whole_blocks_and_grow(n_blocks: int, seed: int) -> None:
    block = np.random.default_rng(seed).integers(0, n_blocks, 900)
    part = parts_of(block, seed)
    assert all(len(np.unique(part[block == each])) == 1 for each in np.unique(block))
    assert set(part) == set(range(part.max() + 1))
    order = np.random.default_rng(0).permutation(900)
    assert np.array_equal(parts_of(block[order], seed), part[order])


def test_online_code_is_the_one_written_out(problem) -> None:
    features, targets, folds = problem
    x, learner = features["1", "mean"](), Neighbours((3, 9))
    part = parts_of(folds.block, 5)
    found = code_lengths(x, targets, part, learner)
    value = (targets[0].y - targets[0].y.mean()) / targets[0].y.std()
    shortest = [[], [], []]
    for setting in range(2):
        bits, variance = [0.0, 0.0, 0.0], 1.0
        for at in range(part.max() + 1):
            now, before = part == at, part < at
            squares = []
            for row in np.flatnonzero(now):
                p = [0.0, 0.5, [1 / 3] * 3]
                if at:
                    y = np.stack([value, targets[1].y, *(targets[2].y == c for c in range(3))], axis=1)[before]
                    columns = Columns(y, np.array([False, True, True, True, True]), np.array([0, 1, 2, 2, 2]))
                    every = learner.fit_predict(x[before], columns, x[[row]], 0)[setting, 0].astype(float)
                    p = [every[0], every[1], every[2:] / every[2:].sum()]
                density = np.exp(-((value[row] - p[0]) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
                bits[0] -= np.log2(density)
                bits[1] -= np.log2(p[1] if targets[1].y[row] else 1 - p[1])
                bits[2] -= np.log2(p[2][int(targets[2].y[row])])
                squares.append((value[row] - p[0]) ** 2)
            variance = (sum(squares) + 1) / (len(squares) + 1)
        for at in range(3):
            shortest[at].append(bits[at])
    assert found == pytest.approx([min(each) + 1 for each in shortest], rel=1e-4)


def test_what_can_be_read_has_a_shorter_code(problem) -> None:
    features, targets, folds = problem
    part = parts_of(folds.block, 0)
    known = code_lengths(features["1", "mean"](), targets, part, Linear())
    unknown = code_lengths(features["0", "mean"](), targets, part, Linear())
    prior = code_lengths(features["0", "mean"](), targets, part, Prior())
    assert (known < prior - 20).all()
    assert (unknown > prior - 20).all()


def test_a_probe_that_knows_nothing_ranks_nothing() -> None:
    """The prior differs between folds, and would rank rows by their fold."""
    y = np.repeat([0.0, 1.0, 0.0], [50, 30, 20])
    fold = np.repeat([0, 1, 2], [50, 30, 20])
    target = [binary_target("x", "windows", y > 0), Target("v", "windows", np.arange(100.0))]
    found = nested_predictions({("-", "-"): lambda: np.zeros((100, 1))}, target, fold, Prior())
    assert np.ptp(relative(found[0][BEST], True)) == 0
    assert np.ptp(relative(found[1][BEST], False)) == 0
    assert len(np.unique(found[0][BEST].predicted)) == 3


def test_as_many_are_called_as_training_folds_have() -> None:
    p = np.linspace(0, 0.2, 50, dtype=np.float32)[:, None]
    made = Predictions(p, np.full((50, 1), 0.1, dtype=np.float32), (), ())
    assert called_classes(made, np.zeros(50, dtype=int)).sum() == 5
    flat = Predictions(np.full((50, 1), 0.1, dtype=np.float32), made.prior, (), ())
    assert called_classes(flat, np.zeros(50, dtype=int)).sum() == 0
