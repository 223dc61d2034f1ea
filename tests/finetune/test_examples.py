"""Sequences as model input: special tokens, what is too long, and the average over windows."""

import numpy as np
import pandas as pd
import pytest

from grover_probe.batches import BERT_SPECIALS, SpecialIds
from grover_probe.errors import InputError
from grover_probe.finetune.examples import average, make_windows, pad
from grover_probe.kmer import KmerTokenizer

TABLE = pd.DataFrame({"id": ["a", "b", "c"], "sequence": ["ACGTAC", "ACGTACGTACGTACGTACGTA", "TTT"]})
THREE = KmerTokenizer(3)


def make(long, most=4, **options):
    return make_windows(TABLE, THREE, most, long=long, specials=BERT_SPECIALS, **options)


def test_whole():
    found = make("refuse", None)
    assert found.owner.tolist() == [0, 1, 2] and found.too_long == 0
    assert found.lengths.tolist() == [4, 9, 3]
    assert [ids[0] for ids in found.ids] == [2] * 3 and [ids[-1] for ids in found.ids] == [3] * 3
    assert THREE.decode(found.ids[1][1:-1]) == TABLE["sequence"][1]


def test_too_long():
    with pytest.raises(InputError, match=r"b: 7 tokens, but the model has positions for 4.*--long cut"):
        make("refuse")
    cut = make("cut")
    assert cut.too_long == 1 and THREE.decode(cut.ids[1][1:-1]) == TABLE["sequence"][1][3:15]
    windows = make("window")
    assert windows.owner.tolist() == [0, 1, 1, 2] and windows.too_long == 1
    assert "".join(THREE.decode(ids[1:-1]) for ids in windows.ids[1:3]) == TABLE["sequence"][1]
    assert windows.lengths.max() <= 6
    with pytest.raises(InputError, match="long 'x'"):
        make("x")


def test_too_short():
    with pytest.raises(InputError, match="d: the sequence is too short"):
        make_windows(pd.DataFrame({"id": ["d"], "sequence": ["NNNN"]}), THREE, 4, specials=BERT_SPECIALS)


def test_tokens_as_they_are_and_other_numbers():
    table = TABLE.assign(tokens=["9 10", "11", "12 9 9"])
    found = make_windows(table, THREE, 4, specials=SpecialIds(0, None, None))
    assert [ids.tolist() for ids in found.ids] == [[9, 10], [11], [12, 9, 9]]
    mapped = make_windows(table, THREE, 4, specials=SpecialIds(0, 1, None), model_ids=np.arange(73) * 2)
    assert [ids.tolist() for ids in mapped.ids] == [[1, 18, 20], [1, 22], [1, 24, 18, 18]]
    plain = make_windows(table, THREE, None, fed_as_tokens=False, specials=BERT_SPECIALS)
    assert THREE.decode(plain.ids[2][1:-1]) == "TTT"


def test_padding_and_average():
    ids, mask = pad([np.array([2, 9, 3]), np.array([2, 3])], 0)
    assert ids.tolist() == [[2, 9, 3], [2, 3, 0]] and mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    values = np.array([[1.0, 0], [3, 0], [5, 1]])
    assert average(values, np.array([1, 1, 0]), 2).tolist() == [[5, 1], [2, 0]]
