"""Motifs: matrices as files have them, thresholds and sites by brute force, tokens by counting."""

from itertools import product

import numpy as np
import pytest

from grover_probe.errors import InputError
from grover_probe.genome import encode_bases
from grover_probe.kmer import KmerTokenizer
from grover_probe.vocabulary.motif import (
    Motif,
    Sites,
    broken_motifs,
    cut_patterns,
    find_sites,
    read_pfm,
    score_threshold,
)

BACKGROUND = np.array([0.3, 0.2, 0.2, 0.3])
COUNTS = np.array([[8.0, 0, 1, 9, 2], [1, 9, 1, 0, 3], [0, 1, 7, 1, 3], [1, 0, 1, 0, 2]])
JASPAR = ">MA1 one\nA [ 8 0 1 9 2 ]\nC [ 1 9 1 0 3 ]\nG [ 0 1 7 1 3 ]\nT [ 1 0 1 0 2 ]\n"
BARE = ">MA1\n8.00 0 1 9 2\n\n1 9 1 0 3\n0\t1 7 1 3\n1 0 1 0 2\n"


@pytest.fixture
def motif() -> Motif:
    return Motif("test", COUNTS)


@pytest.mark.parametrize("text", [JASPAR, BARE])
def test_reads(tmp_path, text):
    path = tmp_path / "m.pfm"
    path.write_text(text)
    found = read_pfm(path)
    assert found.name == "MA1" and found.width == 5 and np.array_equal(found.counts, COUNTS)


def test_name_of_the_file(tmp_path):
    path = tmp_path / "ctcf.jaspar"
    path.write_text(JASPAR.split("\n", 1)[1])
    assert read_pfm(path).name == "ctcf"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (JASPAR + JASPAR, r":6: a second matrix"),
        (JASPAR.replace("C [", "G ["), r":3: row G; expected rows in the order A, C, G, T"),
        (JASPAR + "A 1 2 3 4 5\n", r":6: row A"),
        (JASPAR.replace("7", "x"), r":4: could not convert .* expected counts"),
        (JASPAR.replace(" 7", ""), r"rows of \[5, 5, 4, 5\] counts"),
        (">only\n", r"rows of \[\] counts"),
        ("A\nC\nG\nT\n", "counts must be 0 or more"),
        (JASPAR.replace("8", "-8"), "counts must be 0 or more"),
        (BARE.replace("1", "0").replace("9", "0").replace("0 7 0", "0 0 0"), "something in each"),
    ],
)
def test_refuses(tmp_path, text, message):
    path = tmp_path / "m.pfm"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pfm(path)


def test_refuses_what_is_no_text(tmp_path):
    (tmp_path / "m.pfm").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "m.pfm", tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="cannot be read as text"):
            read_pfm(path)


def test_weights(motif):
    weights = motif.weights(BACKGROUND)
    assert weights[0, 0] == round(100 * np.log2((8 + 0.3) / 11 / 0.3))
    assert weights[1, 3] == round(100 * np.log2(0.2 / 11 / 0.2))


@pytest.mark.parametrize("p_value", [0.5, 0.1, 0.01, 0.001])
def test_threshold_by_all_sequences(motif, p_value):
    weights = motif.weights(BACKGROUND)
    chance: dict[int, float] = {}
    for word in product(range(4), repeat=5):
        score = sum(int(weights[base, place]) for place, base in enumerate(word))
        chance[score] = chance.get(score, 0) + np.prod(BACKGROUND[list(word)])
    scores = range(min(chance), max(chance) + 2)
    expected = min(s for s in scores if sum(p for score, p in chance.items() if score >= s) <= p_value * (1 + 1e-9))
    assert score_threshold(weights, BACKGROUND, p_value) == expected


def test_threshold_that_nothing_reaches(motif):
    weights = motif.weights(BACKGROUND)
    assert score_threshold(weights, BACKGROUND, 1e-9) == weights.max(axis=0).sum() + 1


def test_sites_by_hand(motif):
    rng = np.random.default_rng(7)
    codes = rng.choice(5, size=3000, p=[0.25, 0.24, 0.25, 0.25, 0.01]).astype(np.uint8)
    weights = motif.weights(BACKGROUND)
    threshold = score_threshold(weights, BACKGROUND, 0.02)
    expected = {}
    for at in range(len(codes) - 4):
        word = codes[at : at + 5]
        if (word < 4).all():
            plus = sum(weights[base, place] for place, base in enumerate(word))
            minus = sum(weights[3 - base, place] for place, base in enumerate(word[::-1]))
            if max(plus, minus) >= threshold:
                expected[at] = plus >= minus
    found = find_sites(codes, weights, threshold)
    assert dict(zip(found.starts.tolist(), found.forward.tolist(), strict=True)) == expected
    assert len(found) > 50 and 0 < found.forward.mean() < 1


def test_sites_across_blocks(motif):
    """Long sequences are scanned in blocks of 4 Mb."""
    codes = np.full((1 << 22) + 40, 3, dtype=np.uint8)
    at = (1 << 22) - 2
    codes[at : at + 5] = encode_bases("ACGAC")
    weights = motif.weights(BACKGROUND)
    assert find_sites(codes, weights, int(weights.max(axis=0).sum()) - 1).starts.tolist() == [at]


@pytest.mark.parametrize("n_bases", [0, 1, 4])
def test_sequence_shorter_than_the_motif(motif, n_bases):
    assert len(find_sites(np.zeros(n_bases, dtype=np.uint8), motif.weights(BACKGROUND), 0)) == 0


def test_cut_patterns():
    #        GGGG GGGG G G   boundaries before 0, 4, 8, 9, 10
    tokenizer = KmerTokenizer(4)
    encoding = tokenizer.encode_text("GGGGGGGGGG")
    sites = Sites(np.array([0, 3, 3, 6]), np.array([True, True, False, True]))
    found = cut_patterns(encoding, tokenizer.lengths, sites, 4)
    assert found.astype(int).tolist() == [[1, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 1, 1, 1]]
    rows = {statistic: value for _, statistic, value, n in broken_motifs("motif", found) if n == 4}
    assert rows == {
        "tokens_mean": 2, "tokens_median": 2, "tokens_p95": 3, "whole": 0.25, "patterns": 4, "commonest_pattern": 0.25,
    }  # fmt: skip


def test_no_occurrence():
    assert [row[3] for row in broken_motifs("motif", np.empty((0, 5), dtype=bool))] == [0]
    tokenizer = KmerTokenizer(4)
    sites = Sites(np.array([0]), np.array([True]))
    nothing = tokenizer.encode_text("NNNN")
    assert not cut_patterns(nothing, tokenizer.lengths, sites, 3).any()


def test_tokens_are_those_that_touch(tiny_tokenizer, tiny_genome):
    """Against counting the tokens of the whole chromosome that overlap each place."""
    codes = tiny_genome.codes("chr2")
    encoding = tiny_tokenizer.encode(codes)
    starts = encoding.starts.astype(int)
    ends = starts + tiny_tokenizer.lengths[encoding.ids]
    at = np.arange(100, 4_000, 37)
    patterns = cut_patterns(encoding, tiny_tokenizer.lengths, Sites(at, np.ones(len(at), dtype=bool)), 19)
    counted = [int(((starts < place + 19) & (ends > place)).sum()) for place in at]
    assert (patterns[:, 1:-1].sum(axis=1) + 1).tolist() == counted
