"""Pairs of alike cases and controls."""

import numpy as np

from grover_probe.tasks.matching import match, standardised_differences


def test_pairs_are_close_unique_and_balanced():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.6, 1, (100, 3)), rng.normal(0, 1, (800, 3))])
    case = np.arange(900) < 100
    first, second = match(values, case, caliper=0.6)
    assert len(first) > 80 and case[first].all() and not case[second].any()
    assert len(set(first)) == len(first) and len(set(second)) == len(second)
    assert (np.linalg.norm((values[first] - values[second]) / values.std(axis=0), axis=1) <= 0.6).all()
    both = np.concatenate([first, second])
    assert np.abs(standardised_differences(values, case)).min() > 0.4
    assert np.abs(standardised_differences(values[both], case[both])).max() < 0.15


def test_nearest_pair_comes_first():
    values = np.array([[0.0], [0.1], [0.12], [5.0]])
    first, second = match(values, np.array([True, True, False, False]), caliper=1)
    assert (first.tolist(), second.tolist()) == ([1], [2])
    assert match(values, np.array([True] * 4))[0].tolist() == []
