"""Near duplicates by sketches, against sets of k-mers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.genome import encode_bases
from grover_probe.tasks.leakage import canonical_kmers, find_leak, sketches

SWAP = str.maketrans("ACGT", "TGCA")


def kmers(text: str, k: int) -> set[str]:
    found = {text[i : i + k] for i in range(len(text) - k + 1)}
    return {min(one, one.translate(SWAP)[::-1]) for one in found if set(one) <= set("ACGT")}


def random_text(rng, n: int) -> str:
    return "".join(rng.choice(list("ACGT"), n))


@settings(max_examples=100, deadline=None)
@given(st.text("ACGTN", max_size=60), st.integers(1, 7))
def test_canonical_kmers(text, k):
    numbers = canonical_kmers(encode_bases(text), k)
    as_text = {"".join("ACGT"[int(n) >> 2 * (k - 1 - i) & 3] for i in range(k)) for n in numbers}
    assert as_text == kmers(text, k)


def test_containment_with_all_kmers_is_that_of_sets():
    rng = np.random.default_rng(0)
    base = random_text(rng, 300)
    first = [base[:200], random_text(rng, 200), base[50:120], "ACG"]
    second = [base[100:] + random_text(rng, 50), random_text(rng, 200)]
    expected = []
    for one in first:
        a = kmers(one, 15)
        shares = [len(a & (b := kmers(other, 15))) / min(len(a), len(b)) if a else 0.0 for other in second]
        expected.append(max(shares))
    assert find_leak(first, second, scale=1).nearest == pytest.approx(expected)


def test_sketch_estimates_containment_of_either_strand():
    rng = np.random.default_rng(1)
    text = random_text(rng, 4_000)
    other = text[:2_000] + random_text(rng, 2_000)
    flipped = other.translate(SWAP)[::-1]
    assert find_leak([text], [flipped]).nearest[0] == pytest.approx(0.5, abs=0.06)
    assert np.array_equal(*(sketches([one])[0] for one in (other, flipped)))
    assert find_leak([text], [random_text(rng, 4_000)]).similar == 0
    assert find_leak([text, text[:1000]], [flipped, text]).similar == 2
    assert find_leak([], [text]).similar == 0 and find_leak([text], []).similar == 0
