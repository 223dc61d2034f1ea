"""Composition of stretches against plain string counting."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.baselines.composition import genome_composition, kmer_spectrum, window_gc
from grover_probe.errors import InputError
from grover_probe.genome import decode_bases, encode_bases


def spectrum_by_hand(text: str, k: int) -> list[float]:
    found = Counter(text[at : at + k] for at in range(len(text) - k + 1) if "N" not in text[at : at + k])
    return [found["".join(kmer)] / max(found.total(), 1) for kmer in product("ACGT", repeat=k)]


@st.composite
def stretches(draw):
    text = draw(st.text("ACGTN", max_size=60))
    edges = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(edges, edges).map(sorted), max_size=6))
    return text, np.array(pairs, dtype=np.int64).reshape(-1, 2)


@settings(deadline=None)
@given(stretches(), st.integers(1, 4))
def test_against_counting_in_strings(case, k):
    text, pairs = case
    codes = encode_bases(text)
    parts = [text[start:end] for start, end in pairs]
    found = kmer_spectrum(codes, pairs[:, 0], pairs[:, 1], k)
    assert found.dtype == np.float32
    assert found.shape == (len(parts), 4**k)
    np.testing.assert_allclose(found, np.reshape([spectrum_by_hand(part, k) for part in parts], (-1, 4**k)), rtol=1e-6)
    bases = [part.replace("N", "") for part in parts]
    expected = [(b.count("G") + b.count("C")) / len(b) if b else np.nan for b in bases]
    np.testing.assert_allclose(window_gc(codes, pairs[:, 0], pairs[:, 1]), expected)


def test_genome_composition_does_not_depend_on_the_order_of_stretches(tiny_genome, tiny_text):
    chroms, starts = ["chr2", "chr1", "M", "chr2", "chr1"], np.array([100, 3_900, 0, 50, 11_000])
    ends = starts + 300
    gc, spectrum = genome_composition(tiny_genome, chroms, starts, ends, 3)
    for row, (name, start, end) in enumerate(zip(chroms, starts, ends, strict=True)):
        text = tiny_text[tiny_genome.resolve(name)][start:end].upper()
        np.testing.assert_allclose(spectrum[row], spectrum_by_hand(text, 3), rtol=1e-6)
        bases = decode_bases(encode_bases(text)).replace("N", "")
        assert gc[row] == pytest.approx((bases.count("G") + bases.count("C")) / len(bases))
    order = np.array([3, 0, 4, 2, 1])
    again = genome_composition(tiny_genome, [chroms[i] for i in order], starts[order], ends[order], 3)
    np.testing.assert_array_equal(again[1], spectrum[order])


@pytest.mark.parametrize(
    ("starts", "ends", "k", "message"),
    [
        ([0], [11], 2, "0-11"),
        ([-1], [5], 2, "-1-5"),
        ([5], [4], 2, "5-4"),
        ([0], [5], 0, "0 bases"),
        ([0], [5], 9, "9"),
    ],
)
def test_what_does_not_fit_is_refused(starts, ends, k, message):
    with pytest.raises(InputError, match=message):
        kmer_spectrum(encode_bases("ACGTACGTAC"), np.array(starts), np.array(ends), k)


def test_starts_and_ends_belong_together():
    with pytest.raises(InputError, match="2 starts but 1 ends"):
        window_gc(encode_bases("ACGT"), np.array([0, 1]), np.array([2]))
