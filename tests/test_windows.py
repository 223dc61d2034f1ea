"""Windows cut from runs, against plain loops and the paper's proportions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.windows import fixed_windows, sample_windows

run_lists = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=8).map(
    lambda parts: np.array(
        [[sum(map(sum, parts[:n])) + gap, sum(map(sum, parts[: n + 1]))] for n, (gap, _) in enumerate(parts)],
        dtype=np.int64,
    ).reshape(-1, 2)
)


class TestFixedWindows:
    """Consecutive windows."""

    @given(run_lists, st.integers(1, 15))
    def test_against_a_loop(self, runs, length):
        expected = [[at, min(at + length, stop)] for begin, stop in runs for at in range(begin, stop, length)]
        assert fixed_windows(runs, length).tolist() == expected

    def test_default_is_the_papers_window(self):
        assert fixed_windows(np.array([[0, 1_100]])).tolist() == [[0, 510], [510, 1020], [1020, 1100]]


def distance_from_uniform(values: np.ndarray, low: int, high: int) -> float:
    """Kolmogorov-Smirnov distance from whole numbers of equal chance; by chance over 1.95 / sqrt(n) once in 1,000."""
    observed = np.cumsum(np.bincount(values - low, minlength=high - low + 1)) / len(values)
    return float(np.abs(observed - np.arange(1, high - low + 2) / (high - low + 1)).max())


class TestSampleWindows:
    """The paper's windows: half of them full, the others of uniform length from 20 to 510."""

    @given(run_lists, st.integers(2, 15), st.integers(1, 6), st.integers(0, 1_000))
    @settings(deadline=None)
    def test_windows_follow_each_other_inside_runs(self, runs, length, shortest, seed):
        windows = sample_windows(runs, np.random.default_rng(seed), length, shortest)
        assert windows.shape == (len(windows), 2)
        sizes = windows[:, 1] - windows[:, 0]
        assert ((sizes >= min(shortest, length)) & (sizes <= length)).all()
        for begin, stop in runs:
            inside = windows[(windows[:, 0] >= begin) & (windows[:, 1] <= stop)]
            assert (inside[1:, 0] == inside[:-1, 1]).all()
            if stop - begin >= shortest:
                assert inside[0, 0] - begin < length
                assert stop - inside[-1, 1] < shortest
        assert len(windows) == sum(((windows[:, 0] >= begin) & (windows[:, 1] <= stop)).sum() for begin, stop in runs)

    def test_the_same_seed_gives_the_same_windows(self):
        runs = np.array([[0, 100_000], [200_000, 200_300]])
        one, again, other = (sample_windows(runs, np.random.default_rng(seed)) for seed in (3, 3, 4))
        np.testing.assert_array_equal(one, again)
        assert one.tolist() != other.tolist()

    def test_fingerprint_of_the_paper(self):
        windows = sample_windows(np.array([[0, 4_000_000]]), np.random.default_rng(0))
        sizes = (windows[:, 1] - windows[:, 0])[:-1]  # the last one is what was left
        n, full = len(sizes), int((sizes == 510).sum())
        expected = 0.5 + 0.5 / 491  # drawn as full, or uniform and 510 by chance
        assert abs(full - n * expected) < 4 * np.sqrt(n * expected * (1 - expected))
        partial = sizes[sizes < 510]
        assert (partial.min(), partial.max()) == (20, 509)
        assert distance_from_uniform(partial, 20, 509) < 1.95 / np.sqrt(len(partial))
        assert sizes.mean() == pytest.approx(0.5 * 510 + 0.5 * 265, rel=0.01)
        assert abs(np.corrcoef(sizes[:-1], sizes[1:])[0, 1]) < 4 / np.sqrt(
            n
        )  # one window's length says nothing about the next one's

    def test_passes_over_the_corpus_are_shifted(self):
        firsts = [
            int(sample_windows(np.array([[7, 5_000]]), np.random.default_rng(seed))[0, 0]) - 7 for seed in range(400)
        ]
        assert distance_from_uniform(np.array(firsts), 0, 509) < 1.95 / np.sqrt(400)
