"""The table of tokens and classes: exact parts against brute force, statistics against references, calibration."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from grover_probe.annotation import Intervals, merge
from grover_probe.errors import InputError
from grover_probe.overlap.counting import count_inside
from grover_probe.overlap.null import draw_turns, expected_inside, expected_without_block, make_blocks, measure
from grover_probe.overlap.space import make_rings, turn
from grover_probe.overlap.statistics import against_turns, benjamini_hochberg, matched_sums, ratio_interval
from grover_probe.overlap.tokens import token_overlap
from tests.overlap.synthetic import (
    FIRST,
    LENGTHS,
    PIECES,
    clustered_intervals,
    make_annotation,
    make_corpus,
    patchy_corpus,
)

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def tiny_class():
    return Intervals(
        "x",
        {"chr1": np.array([[5, 9], [20, 400], [3_950, 4_160], [11_970, 12_000]]), "chrM": np.array([[3, 40]])},
        5,
        0,
    )


def test_expectation_is_the_mean_over_all_turns(tiny_corpus, tiny_class):
    """Every turn of every chromosome, one by one."""
    rings = make_rings(tiny_corpus, tiny_corpus.runs())
    lengths = tiny_corpus.token_lengths
    blocks = make_blocks(rings, len(lengths), 20)
    null = measure(tiny_class, rings, blocks, draw_turns(rings, 3, 0), lengths)
    mean = np.zeros(len(lengths))
    for ring in rings:
        placed = ring.place(tiny_class)
        for shift in range(ring.size):
            mean += count_inside(ring.starts, ring.ids, lengths, turn(placed, shift, ring.size))[0] / ring.size
    np.testing.assert_allclose(expected_inside(null, blocks), mean, rtol=1e-9, atol=1e-9)


def test_blocks_add_up(tiny_corpus, tiny_class):
    rings = make_rings(tiny_corpus, tiny_corpus.runs())
    lengths = tiny_corpus.token_lengths
    for n_blocks in (2, 7, 50):
        blocks = make_blocks(rings, len(lengths), n_blocks)
        null = measure(tiny_class, rings, blocks, draw_turns(rings, 2, 0), lengths)
        found = sum(np.array(count_inside(r.starts, r.ids, lengths, r.place(tiny_class))) for r in rings)
        assert null.inside.tolist() == found[0].tolist()
        assert null.bases.tolist() == found[1].tolist()
        assert null.block_count.sum(0).tolist() == np.bincount(tiny_corpus.ids, minlength=len(lengths)).tolist()
        assert blocks.size.sum() == sum(ring.size for ring in rings)


def test_leaving_out_a_block_against_a_loop(tiny_corpus, tiny_class):
    rings = make_rings(tiny_corpus, tiny_corpus.runs())
    lengths = tiny_corpus.token_lengths
    blocks = make_blocks(rings, len(lengths), 8)
    null = measure(tiny_class, rings, blocks, draw_turns(rings, 2, 0), lengths)
    found = expected_without_block(null, blocks)
    for left_out in range(len(blocks.size)):
        total = np.zeros(len(lengths))
        for number in range(len(rings)):
            kept = [b for b in range(len(blocks.size)) if blocks.ring[b] == number and b != left_out]
            if kept:
                share = null.block_touching[kept].sum(0) / blocks.size[kept].sum()
                total += null.block_count[kept].sum(0) * share
        np.testing.assert_allclose(found[left_out], total, atol=1e-9)


def test_turns_do_not_depend_on_other_chromosomes(tiny_corpus):
    rings = make_rings(tiny_corpus, tiny_corpus.runs())
    turns = draw_turns(rings, 5, 3)
    assert turns[:, 1:].tolist() == draw_turns(rings[1:], 5, 3).tolist()
    assert not np.array_equal(turns, draw_turns(rings, 5, 4))


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=30))
def test_benjamini_hochberg_against_scipy(p):
    p = np.array(p, dtype=float)
    expected = np.full(len(p), np.nan)
    expected[~np.isnan(p)] = stats.false_discovery_control(p[~np.isnan(p)]) if (~np.isnan(p)).any() else []
    np.testing.assert_allclose(benjamini_hochberg(p), expected, atol=1e-12)


@given(arrays(np.int64, (3, 6), elements=st.integers(0, 50)), arrays(np.int64, 6, elements=st.integers(-1, 3)))
def test_matched_sums_against_a_loop(values, groups):
    found = matched_sums(values, np.append(groups, 0)[:6])
    for row in range(3):
        for i in range(6):
            others = [j for j in range(6) if j != i and groups[j] == groups[i] and groups[i] >= 0]
            assert found[row, i] == values[row, others].sum()


def test_ratio_interval_against_a_loop():
    rng = np.random.default_rng(1)
    inside, expected = rng.poisson(30, (40, 3)), np.full((40, 3), 25.0)
    total, whole = inside.sum(0), expected.sum(0)
    found = ratio_interval(total, whole, total - inside, whole - expected, np.zeros(3))
    for i in range(3):
        logs = [np.log((np.delete(inside[:, i], b).sum() + 0.5) / (25 * 39 + 0.5)) for b in range(40)]
        error = np.sqrt(39 / 40 * ((logs - np.mean(logs)) ** 2).sum())
        centre, reach = np.log((total[i] + 0.5) / 1000.5), stats.t.ppf(0.975, 39) * error
        assert found["low"][i] == pytest.approx(np.exp(centre - reach))
        assert found["high"][i] == pytest.approx(np.exp(centre + reach))
        assert found["p"][i] == pytest.approx(2 * stats.t.sf(abs(centre) / error, 39))


def test_a_turn_that_comes_as_far_bounds_p():
    rng = np.random.default_rng(0)
    turned = rng.poisson(20, (50, 4))
    turned[0] = [60, 20, 200, 20]
    null = SimpleNamespace(turned=turned, inside=np.array([60, 80, 19, 20]))
    found = against_turns(null, np.full(4, 1_000), np.full(4, 20.0))
    assert found["p_empirical"][0] == 2 / 51 == found["p"][0]
    assert found["p_empirical"][1] == 1 / 51 and found["p"][1] < 1e-3
    assert found["p"][3] >= found["p_empirical"][3] > 0.2
    few = against_turns(null, np.array([1_000, 1_000, 201, 1_000]), np.array([4.9, 20, 197, 20]))
    assert np.isnan(few["p"]).tolist() == [True, False, True, False]  # too few inside, outside


@pytest.fixture(scope="module")
def planted():
    """One token is three times as frequent inside elements of 40 tokens; otherwise nothing differs."""
    rng = np.random.default_rng(5)
    n, wanted = 120_000, PIECES.index("ACG")
    weights = np.ones(len(PIECES))
    inside = np.zeros(n, dtype=bool)
    begins = rng.choice(n // 50, size=500, replace=False) * 50
    for begin in begins:
        inside[begin : begin + 40] = True
    more = np.where(np.arange(len(PIECES)) == wanted, 3.0, weights)
    numbers = rng.choice(len(PIECES), size=n, p=weights / weights.sum())
    numbers[inside] = rng.choice(len(PIECES), size=inside.sum(), p=more / more.sum())
    corpus = make_corpus(numbers)
    ends = corpus.ends()
    bases = np.stack([corpus.starts[begins], ends[begins + 39]], axis=1)
    within, outside = 3 / more.sum(), 1 / weights.sum()
    share = inside.mean()
    truth = within / (share * within + (1 - share) * outside)
    return corpus, make_annotation(bases), wanted, truth


def test_planted_enrichment_is_found(planted):
    corpus, annotation, wanted, truth = planted
    table = token_overlap(corpus, PIECES, [annotation], n_turns=100, **QUIET).tokens
    row = table.iloc[wanted]
    assert row["token"] == "ACG" and row["q"] < 1e-6 and row["q_matched"] < 1e-6
    assert row["ci_low"] < truth < row["ci_high"] and row["ci_high"] / row["ci_low"] < 1.4
    assert row["z"] == table["z"].max()
    others = table.drop(index=wanted)
    assert (others["q"] < 0.05).mean() < 0.15  # a little rarer inside, since one token is more frequent there
    assert others["enrichment"].between(0.8, 1.2).all()


def test_result_does_not_depend_on_order_or_on_other_classes(planted):
    corpus, annotation, _, _ = planted
    intervals = np.stack([annotation.start, annotation.end], axis=1)
    one = token_overlap(corpus, PIECES, [annotation], n_turns=20, **QUIET).tokens
    other = make_annotation(clustered_intervals(np.random.default_rng(0), 200_000), "other")
    two = token_overlap(corpus, PIECES, [other, make_annotation(intervals[::-1])], n_turns=20, **QUIET).tokens
    two = two[two["annotation"] == "made"].reset_index(drop=True)
    columns = [name for name in one.columns if not name.startswith("q")]  # q is over the whole table
    pd.testing.assert_frame_equal(one[columns], two[columns])


@pytest.fixture(scope="module")
def null_runs():
    """Clustered annotation that has nothing to do with patchy tokens: p by turning, and by the binomial."""
    found, naive = [], []
    for seed in range(25):
        rng = np.random.default_rng([7, seed])
        corpus = patchy_corpus(rng)
        annotation = make_annotation(clustered_intervals(rng, int(corpus.ends()[-1]), clusters=20, members=30))
        table = token_overlap(corpus, PIECES, [annotation], n_turns=60, n_blocks=40, seed=seed, **QUIET).tokens
        table = table[table["p"].notna()]
        found.append(table)
        chance = table["expected_inside"] / table["count"]
        below = stats.binom.cdf(table["count_inside"], table["count"], chance)
        above = stats.binom.sf(table["count_inside"] - 1, table["count"], chance)
        naive.append(np.minimum(1, 2 * np.minimum(below, above)))
    return found, naive


def test_nothing_is_found_where_nothing_is(null_runs):
    found, naive = null_runs
    assert sum(map(len, found)) > 500
    p = np.concatenate([table["p"] for table in found])
    assert (p < 0.05).mean() < 0.08
    assert 0.3 < p.mean() < 0.7
    assert np.mean([(table["q"] < 0.05).any() for table in found]) <= 0.16  # 5 % are allowed; 25 genomes
    # The binomial takes clustered occurrences for independent ones.
    assert (np.concatenate(naive) < 0.05).mean() > 0.2
    assert np.mean([(benjamini_hochberg(each) < 0.05).any() for each in naive]) > 0.5


def test_intervals_cover_one_where_nothing_is(null_runs):
    """95 % intervals; the jackknife is approximate with patches of the size of a block."""
    tables = pd.concat(null_runs[0])
    covered = (tables["ci_low"] <= 1) & (tables["ci_high"] >= 1)
    assert covered.mean() > 0.85
    matched = tables[tables["p_matched"].notna()]
    assert (matched["p_matched"] < 0.05).mean() < 0.1


def test_matched_tokens_take_composition_away():
    """Annotation of all patches rich in C and G: everything made of them is enriched, nothing beyond its like."""
    rng = np.random.default_rng(3)
    corpus = patchy_corpus(rng, n_tokens=80_000)
    lengths = LENGTHS[corpus.ids]
    at = np.array([set("CG") >= set(piece) for piece in PIECES])[corpus.ids.astype(int) - FIRST]
    density = np.add.reduceat(at * lengths, np.arange(0, 80_000, 400)) / np.add.reduceat(
        lengths, np.arange(0, 80_000, 400)
    )
    rich = np.flatnonzero(density > density.mean())
    ends = corpus.ends()
    intervals = np.stack([corpus.starts[rich * 400], ends[rich * 400 + 399]], axis=1)
    table = token_overlap(corpus, PIECES, [make_annotation(intervals)], n_turns=100, **QUIET).tokens
    assert (table["q"] < 0.05).mean() > 0.5
    assert (table["q_matched"] < 0.05).mean() < 0.1


def test_small_classes_are_skipped_and_listed():
    rng = np.random.default_rng(2)
    corpus = patchy_corpus(rng, 8_000)
    intervals = clustered_intervals(rng, 15_000, clusters=10)
    classes = np.r_[np.zeros(97, int), np.ones(3, int)]
    result = token_overlap(
        corpus, PIECES, [make_annotation(intervals, classes=classes)], n_turns=5, n_blocks=5, **QUIET
    )
    assert result.tokens["class"].unique().tolist() == ["class 0"]
    assert result.skipped == (
        "made: class class 1 is skipped: 3 intervals where there are tokens, at least 20 are needed",
    )
    with pytest.raises(InputError, match="no class of annotation is left; made: class made is skipped: 1 intervals"):
        token_overlap(corpus, PIECES, [make_annotation([[3, 9]])], **QUIET)
    with pytest.raises(InputError, match="two annotations are called made"):
        token_overlap(corpus, PIECES, [make_annotation(intervals)] * 2, **QUIET)
    with pytest.raises(InputError, match="1 turns and 100 blocks"):
        token_overlap(corpus, PIECES, [make_annotation(intervals)], n_turns=1, **QUIET)


def test_a_class_that_covers_everything():
    corpus = patchy_corpus(np.random.default_rng(2), 4_000)
    whole = [[start, start + 1] for start in range(0, int(corpus.ends()[-1]), 2)]
    table = token_overlap(corpus, PIECES, [make_annotation(whole)], n_turns=5, n_blocks=5, **QUIET).tokens
    long = table[(table["length"] > 1) & (table["count"] > 0)]
    assert (long["share"] == 1).all() and long["p"].isna().all()
    assert long["enrichment"].tolist() == pytest.approx([1] * len(long))


def test_columns():
    rng = np.random.default_rng(4)
    corpus = patchy_corpus(rng, 8_000)
    intervals = merge(clustered_intervals(rng, 15_000))
    result = token_overlap(corpus, PIECES, [make_annotation(intervals)], n_turns=10, n_blocks=10, **QUIET)
    table = result.to_frame()
    asked = "token token_id annotation class count count_inside bases_inside share enrichment ci_low ci_high p q"
    assert set(asked.split()) <= set(table.columns)
    covered = sum(b - a for a, b in intervals.tolist())
    assert table["bases_inside"].sum() == covered == result.classes["bases"][0]
    assert repr(result) == "TokenOverlap(44 tokens, 1 classes)"
    assert result.overview() is result.classes and "1 classes" in result._repr_html_()
    other = token_overlap(corpus, PIECES, [make_annotation(intervals)], n_turns=10, n_blocks=10, seed=1, **QUIET).tokens
    assert other["enrichment"].equals(table["enrichment"]) and not other["p"].equals(table["p"])
