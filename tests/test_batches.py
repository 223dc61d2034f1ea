"""Windows as padded inputs: every window exactly once, with little padding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.batches import SpecialIds, gather, in_length_order, shuffled
from grover_probe.bpe.merges import CLS_ID, PAD_ID, SEP_ID

IDS = np.random.default_rng(0).integers(5, 609, 5_000).astype(np.uint16)

windows_lists = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 60)), min_size=1, max_size=40).map(
    lambda pairs: np.array([[begin, begin + size] for begin, size in pairs], dtype=np.int64)
)


def positions(group: np.ndarray) -> int:
    """Positions of a batch, special tokens and padding included."""
    return len(group) * (int((group[:, 1] - group[:, 0]).max()) + 2)


@given(windows_lists)
def test_gather_against_lists(windows):
    batch = gather(IDS, windows)
    sizes = windows[:, 1] - windows[:, 0]
    longest = sizes.max() + 2
    rows = [[CLS_ID, *IDS[begin:stop].tolist(), SEP_ID] for begin, stop in windows]
    assert batch.input_ids.dtype == np.int64
    assert batch.input_ids.tolist() == [row + [PAD_ID] * (longest - len(row)) for row in rows]
    if len(set(sizes)) == 1:
        assert batch.attention_mask is None
    else:
        assert batch.attention_mask.tolist() == [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    assert batch.n_tokens == sizes.sum()
    np.testing.assert_array_equal(batch.windows, windows)


@pytest.mark.parametrize("cls", [None, 7])
@pytest.mark.parametrize("sep", [None, 9])
def test_gather_with_other_special_tokens(cls, sep):
    windows = np.array([[10, 15], [40, 42]])
    batch = gather(IDS, windows, SpecialIds(pad=3, cls=cls, sep=sep, mask=None))
    front, back = [7] * (cls is not None), [9] * (sep is not None)
    rows = [[*front, *IDS[begin:stop].tolist(), *back] for begin, stop in windows]
    assert batch.input_ids.tolist() == [rows[0], rows[1] + [3, 3, 3]]
    assert batch.attention_mask.tolist() == [[1] * len(rows[0]), [1] * len(rows[1]) + [0, 0, 0]]
    assert (batch.specials.before, batch.specials.around) == (len(front), len(front) + len(back))


def test_gather_at_the_very_end_and_from_disk(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    on_disk = np.load(tmp_path / "ids.npy", mmap_mode="r")
    windows = np.array([[4_990, 5_000], [4_999, 5_000]])
    assert gather(on_disk, windows).input_ids.tolist() == gather(IDS, windows).input_ids.tolist()


@given(windows_lists, st.integers(1, 400), st.integers(0, 99))
@settings(deadline=None)
def test_every_window_once_and_within_the_budget(windows, batch_tokens, seed):
    expected = sorted(map(tuple, windows.tolist()))
    for groups in (
        in_length_order(windows, batch_tokens),
        shuffled(windows, batch_tokens, np.random.default_rng(seed)),
    ):
        assert sorted(tuple(window) for group in groups for window in group.tolist()) == expected
        assert all(len(group) == 1 or positions(group) <= batch_tokens for group in groups)


@given(windows_lists, st.integers(1, 400))
def test_length_order(windows, batch_tokens):
    sizes = [int(stop - begin) for group in in_length_order(windows, batch_tokens) for begin, stop in group]
    assert sizes == sorted(sizes, reverse=True)


@pytest.fixture(scope="module")
def paper_windows() -> np.ndarray:
    """Half of them full, the others of 20 to 510 tokens."""
    rng = np.random.default_rng(1)
    sizes = np.where(rng.random(20_000) < 0.5, 510, rng.integers(20, 511, 20_000))
    begins = np.cumsum(sizes) - sizes
    return np.stack([begins, begins + sizes], axis=1)


@pytest.mark.parametrize("way", ["in order", "shuffled"])
def test_little_padding(paper_windows, way):
    rng = np.random.default_rng(2)
    groups = in_length_order(paper_windows, 8_192) if way == "in order" else shuffled(paper_windows, 8_192, rng)
    tokens = (paper_windows[:, 1] - paper_windows[:, 0] + 2).sum()
    assert sum(map(positions, groups)) < 1.05 * tokens
    assert np.mean([positions(group) for group in groups]) > 0.9 * 8_192


def test_shuffled_batches_are_in_random_order(paper_windows):
    groups = shuffled(paper_windows, 8_192, np.random.default_rng(3))
    longest = np.array([(group[:, 1] - group[:, 0]).max() for group in groups], dtype=float)
    assert abs(np.corrcoef(longest[:-1], longest[1:])[0, 1]) < 4 / np.sqrt(len(groups))
    begins = np.array([group[:, 0].mean() for group in groups])
    assert abs(np.corrcoef(begins, np.arange(len(begins)))[0, 1]) < 4 / np.sqrt(len(groups))


def test_shuffled_depends_on_the_seed_alone(paper_windows):
    one, again, other = (shuffled(paper_windows, 4_096, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_no_windows():
    none = np.empty((0, 2), dtype=np.int64)
    assert in_length_order(none, 100) == []
    assert shuffled(none, 100, np.random.default_rng(0)) == []
