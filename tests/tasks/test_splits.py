"""Splits by place and by sequence: what must never happen, and what was asked for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.errors import InputError
from grover_probe.genome import Region
from grover_probe.tasks.splits import DROPPED, SplitRule, split_by_place, split_by_sequence


def make(starts, chroms=None, length=100, groups=None) -> pd.DataFrame:
    n = len(starts)
    return pd.DataFrame(
        {
            "chrom": chroms or ["chr1"] * n,
            "start": starts,
            "end": np.array(starts) + length,
            "group": groups or [f"g{i}" for i in range(n)],
        }
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 50_000), min_size=30, max_size=80, unique=True), st.integers(0, 9))
def test_splits_never_overlap_and_groups_stay_whole(starts, seed):
    table = make(starts, groups=[f"g{i % 25}" for i in range(len(starts))])
    table["start"] = [1_000 * (i % 25) * 2 + i // 25 for i in range(len(starts))]
    table["end"] = table["start"] + 700
    split, _ = split_by_place(table, SplitRule(block=5_000, margin=50, seed=seed))
    table["split"] = split
    assert (table.groupby("group")["split"].nunique() == 1).all()
    used = table[table["split"] != DROPPED]
    for one in used.itertuples():
        near = used[(used["start"] < one.end + 50) & (used["end"] > one.start - 50)]
        assert set(near["split"]) == {one.split}


def test_held_out_regions():
    table = make([100, 950, 1_500, 1_850, 5_000, 9_000, 9_500, 14_000, 19_000, 30_000])
    rule = SplitRule(heldout=(Region("1", 1_000, 2_000),), block=1_000, margin=0, validation_share=0.3)
    split, dropped = split_by_place(table, rule)
    assert split[2] == split[3] == "test" and split[1] == DROPPED
    assert (split == "test").sum() == 2 and (split == "validation").sum() >= 2
    assert dropped == {"groups across the edge of a held-out region": 1}
    wide, dropped = split_by_place(table, SplitRule(heldout=rule.heldout, block=1_000, margin=60))
    assert wide[3] == DROPPED and dropped["groups across the edge of a held-out region"] == 2


def test_chromosomes():
    table = make([0, 500] * 3, ["chr1", "chr1", "chr2", "chr2", "chrX", "chrX"])
    split, dropped = split_by_place(table, SplitRule(test_chroms=("2",), validation_chroms=("X",)))
    assert split.tolist() == ["train", "train", "test", "test", "validation", "validation"] and not dropped
    with pytest.raises(InputError, match="no example on chr7; examples are on chr1"):
        split_by_place(table, SplitRule(test_chroms=("chr7",)))


def test_blocks_do_not_depend_on_order():
    table = make(list(range(0, 100_000, 1_000)))
    rule = SplitRule(block=5_000, margin=0, seed=4)
    split, _ = split_by_place(table, rule)
    turned, _ = split_by_place(table.iloc[::-1], rule)
    assert np.array_equal(split, turned[::-1])
    assert 0.1 < (split == "test").mean() < 0.25
    assert not np.array_equal(split, split_by_place(table, SplitRule(block=5_000, margin=0, seed=5))[0])
    with pytest.raises(InputError, match="one block of 1,000,000 bases"):
        split_by_place(table, SplitRule())


def test_by_sequence():
    table = pd.DataFrame({"sequence": [f"s{i // 2}" for i in range(400)], "label": [i // 2 % 2 for i in range(400)]})
    split = split_by_sequence(table, seed=3)
    assert (table.assign(split=split).groupby("sequence")["split"].nunique() == 1).all()
    assert pd.Series(split).value_counts().to_dict() == {"train": 320, "validation": 40, "test": 40}
    turned = split_by_sequence(table.iloc[::-1], seed=3)
    assert np.array_equal(split, turned[::-1])
    assert table.assign(split=split).groupby("split")["label"].mean().eq(0.5).all()
