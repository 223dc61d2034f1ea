"""Shuffles: what they keep, exactly, and that every outcome is equally likely."""

from collections import Counter
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from grover_probe.genome import decode_bases, encode_bases
from grover_probe.tasks.shuffles import shuffle_dinucleotides, shuffle_tokens


def pairs(text: str) -> Counter:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


@settings(max_examples=200, deadline=None)
@given(st.text("ACGT", min_size=1, max_size=80), st.integers(0, 2**32))
def test_dinucleotides_and_ends_stay(text, seed):
    found = decode_bases(shuffle_dinucleotides(encode_bases(text), np.random.default_rng(seed)))
    assert pairs(found) == pairs(text)
    assert found[0] == text[0] and found[-1] == text[-1] and len(found) == len(text)


def test_all_sequences_with_these_dinucleotides_are_equally_likely():
    text = "ACAGATCA"
    wanted = {
        "".join(middle)
        for middle in product("ACGT", repeat=len(text))
        if middle[0] == text[0] and middle[-1] == text[-1] and pairs("".join(middle)) == pairs(text)
    }
    assert len(wanted) > 5
    rng = np.random.default_rng(1)
    found = Counter(decode_bases(shuffle_dinucleotides(encode_bases(text), rng)) for _ in range(3000))
    assert set(found) == wanted
    assert chisquare(list(found.values())).pvalue > 1e-3


def test_it_does_shuffle():
    codes = np.random.default_rng(0).integers(0, 4, 300).astype(np.uint8)
    found = shuffle_dinucleotides(codes, np.random.default_rng(1))
    assert (found == codes).mean() < 0.5
    assert np.array_equal(found, shuffle_dinucleotides(codes, np.random.default_rng(1)))


def test_tokens_are_permuted():
    ids = np.arange(50)
    found = shuffle_tokens(ids, np.random.default_rng(0))
    assert sorted(found) == ids.tolist() and not np.array_equal(found, ids)
