"""Shift, cut, other strand, substitution: against the definitions one sequence at a time, and what must hold."""

import numpy as np
import pytest

from grover_probe.genome import decode_bases
from grover_probe.kmer import KmerTokenizer
from grover_probe.vocabulary import stability
from grover_probe.vocabulary.longest import LongestMatch, longest_match
from grover_probe.vocabulary.windows import inner, keep_columns, lay_boundaries, lay_tokens

from . import by_hand

ROWS = np.arange(40)


def numbers(rows):
    return {(diagnostic, statistic): value for diagnostic, statistic, value, _ in rows}


def p95(values):
    return sorted(values)[int(np.ceil(0.95 * len(values))) - 1]


def test_quantile():
    values = np.array([3.0, np.inf, 1.0, 2.0])
    assert [stability.quantile(values, q) for q in (0, 0.25, 0.26, 0.5, 0.75, 0.76, 1)] == [
        1, 1, 2, 2, 3, np.inf, np.inf,
    ]  # fmt: skip


def test_shift(tokenizer, codes):
    shifts = np.random.default_rng(1).integers(1, 60, size=40)
    found = numbers(stability.shift(tokenizer, codes, shifts, 300))
    hand = [by_hand.shift(tokenizer, row, int(by), 300) for row, by in zip(codes, shifts, strict=True)]
    pairs, bases = [pair for pair, _ in hand], [distance for _, distance in hand]
    assert found["shift", "boundary_agreement"] == pytest.approx(by_hand.jaccard(pairs))
    assert found["shift", "bases_to_agreement_median"] == sorted(bases)[19]
    assert found["shift", "bases_to_agreement_p95"] == p95(bases)
    assert found["shift", "agree_again"] == np.mean(np.isfinite(bases))


def test_chance_is_what_unrelated_boundaries_share(tokenizer, codes):
    """Boundaries of one sequence against those of another."""
    places = inner(codes)
    boundaries = lay_boundaries(tokenizer, codes)
    found, chance = stability.agreement(boundaries, np.roll(boundaries, 1, axis=0), places)
    if isinstance(tokenizer, KmerTokenizer):
        assert found == 1  # all sequences are cut alike
    else:
        assert found == pytest.approx(chance, abs=0.02)


@pytest.mark.parametrize("k", [4, 5, 6])
def test_shift_of_kmers(codes, k):
    """They agree just when k divides the shift."""
    for by in (1, k - 1, k, 3 * k):
        found = numbers(stability.shift(KmerTokenizer(k, "drop"), codes, np.full(40, by), 300))
        assert found["shift", "boundary_agreement"] == (by % k == 0)
        assert found["shift", "agree_again"] == (by % k == 0)
        assert found["shift", "bases_to_agreement_median"] == (0 if by % k == 0 else np.inf)


def test_cut(tokenizer, codes):
    first = np.random.default_rng(2).integers(60, 100, size=40)
    found = numbers(stability.cut(tokenizer, codes, first, 240))
    hand = np.array([by_hand.cut(tokenizer, row, int(at), 240) for row, at in zip(codes, first, strict=True)])
    for name, bases in zip(("cut_left", "cut_right"), hand.T, strict=True):
        assert found[name, "bases_to_agreement_median"] == sorted(bases)[19]
        assert found[name, "bases_to_agreement_p95"] == p95(bases)
        assert found[name, "bases_to_agreement_max"] == max(bases)
        assert found[name, "within_100"] == np.mean(bases <= 100)


def test_reverse_complement(tokenizer, codes):
    lengths = np.random.default_rng(3).integers(300, 400, size=40)
    found = numbers(stability.reverse_complement(tokenizer, codes, lengths))
    pairs = [by_hand.reverse_complement(tokenizer, row, int(n)) for row, n in zip(codes, lengths, strict=True)]
    assert found["reverse_complement", "boundary_agreement"] == pytest.approx(by_hand.jaccard(pairs))


def test_reverse_complement_of_kmers(codes):
    for k in (4, 5):
        for length, same in ((k * 60, 1), (k * 60 + 1, None)):
            found = numbers(stability.reverse_complement(KmerTokenizer(k), codes, np.full(40, length)))
            if same:
                assert found["reverse_complement", "boundary_agreement"] == 1
            else:
                assert found["reverse_complement", "boundary_agreement"] < 0.1


def test_substitution(tokenizer, codes):
    rng = np.random.default_rng(4)
    where, by = rng.integers(60, 200, size=40), rng.integers(1, 4, size=40)
    found = numbers(stability.substitution(tokenizer, codes, where, by))
    hand = np.array(
        [by_hand.substitution(tokenizer, codes[row], int(where[row]), int(by[row])) for row in ROWS]
    )  # fmt: skip
    for name, values in zip(("tokens_changed", "bases_changed", "span"), hand.T, strict=True):
        assert found["substitution", f"{name}_mean"] == pytest.approx(values.mean())
        assert found["substitution", f"{name}_p95"] == p95(values)
    assert found["substitution", "span_max"] == hand[:, 2].max()


def test_single_bases_are_never_disturbed(codes):
    tokenizer = KmerTokenizer(1)
    ones, hundreds = np.ones(40, dtype=int), np.full(40, 100)
    found = numbers(stability.shift(tokenizer, codes, hundreds, 250))
    found |= numbers(stability.cut(tokenizer, codes, hundreds, 200))
    found |= numbers(stability.reverse_complement(tokenizer, codes, hundreds))
    found |= numbers(stability.substitution(tokenizer, codes, hundreds, ones))
    found |= numbers(longest_match(tokenizer, codes))
    for name in ("shift", "reverse_complement"):
        assert found[name, "boundary_agreement"] == found[name, "chance_agreement"] == 1
    assert found["cut_left", "bases_to_agreement_max"] == found["cut_right", "bases_to_agreement_max"] == 0
    assert found["substitution", "tokens_changed_mean"] == found["substitution", "span_max"] == 1
    assert found["longest_match", "boundaries_differ"] == 0


def test_longest_match(tiny_tokenizer, codes):
    found = numbers(longest_match(tiny_tokenizer, codes))
    pieces = set(tiny_tokenizer.pieces)
    texts = [decode_bases(row) for row in codes]
    greedy = [set(by_hand.longest_match(pieces, text)) for text in texts]
    ours = [{start for start, _, _ in by_hand.tokens(tiny_tokenizer, text)} for text in texts]
    inside = [(a - {0}, b - {0}) for a, b in zip(ours, greedy, strict=True)]
    assert found["longest_match", "boundaries_differ"] == pytest.approx(1 - by_hand.jaccard(inside))
    lost = sum(len(a - b) for a, b in inside) / sum(len(a) for a, _ in inside)
    assert found["longest_match", "boundaries_lost"] == pytest.approx(lost)
    assert found["longest_match", "tokens_ratio"] == pytest.approx(sum(map(len, greedy)) / sum(map(len, ours)))
    assert 0 < lost < 1


def test_longest_match_equals_wordpiece(tiny_tokenizer, codes):
    """The `tokenizers` library's WordPiece on the same list of tokens."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {piece: number for number, piece in enumerate(tiny_tokenizer.pieces, start=5)}
    peer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            {**tiny_tokenizer.special, **vocabulary}, unk_token="[UNK]", continuing_subword_prefix="",
            max_input_chars_per_word=1000,
        )
    )  # fmt: skip
    for row in codes:
        assert LongestMatch(tiny_tokenizer).encode(row).ids.tolist() == peer.encode(decode_bases(row)).ids


def test_longest_match_passes_over_n(tiny_tokenizer):
    found = LongestMatch(KmerTokenizer(4)).encode(np.array([4, 0, 1, 4, 4, 0, 1, 2, 3, 0, 4], dtype=np.uint8))
    assert found.starts.tolist() == [1, 2, 5, 9] and found.ids.tolist() == [5, 6, 9 + 27, 5]
    assert len(LongestMatch(tiny_tokenizer).encode(np.full(3, 4, dtype=np.uint8))) == 0


def test_rows_are_encoded_apart(tokenizer, codes):
    laid = lay_tokens(tokenizer, codes)
    for row, ids in zip(codes, laid, strict=True):
        alone = tokenizer.encode(row)
        assert np.flatnonzero(ids).tolist() == alone.starts.tolist()
        assert ids[ids > 0].tolist() == alone.ids.tolist()


def test_inner_places():
    canvas = keep_columns(np.zeros((2, 5), dtype=np.uint8), np.array([0, 1]), np.array([2, 5]))
    assert canvas.tolist() == [[0, 0, 4, 4, 4], [4, 0, 0, 0, 0]]
    assert np.argwhere(inner(canvas)).tolist() == [[0, 1], [1, 2], [1, 3], [1, 4]]
