"""Token level: scales, groups, controls; and what windows are made of."""

import numpy as np
import pandas as pd
import pytest
from Bio.SeqUtils import MeltingTemp
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.baselines.onehot import central_one_hot, one_hot, token_one_hot
from grover_probe.errors import InputError
from grover_probe.extract.results import open_pass
from grover_probe.genome import open_genome
from grover_probe.kmer import KmerTokenizer
from grover_probe.probes import scales
from grover_probe.probes.genomic_targets import distances, parse_source
from grover_probe.probes.token_groups import likeness, token_groups
from grover_probe.probes.token_level import read_overlap, token_level
from grover_probe.probes.window_tokens import static_means, token_counts

DNA = st.text("ACGT", min_size=1, max_size=9)
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@given(st.text("ACGT", min_size=2, max_size=20))
def test_scales_are_those_of_either_strand(text: str) -> None:
    opposite = text.translate(_COMPLEMENT)[::-1]
    one, other = (scales.physical_properties([each]) for each in (text, opposite))
    for name, values in one.items():
        assert values[0] == pytest.approx(other[name][0]), name


def test_melting_energy_is_that_of_biopython() -> None:
    """Biopython gives no energy, but the melting temperature that the sum of the steps implies."""
    text = "ACGTTGCATTCGA"
    steps = len(text) - 1
    energy = scales.mean_over_steps([text], scales.melting_energy())[0] * steps
    enthalpy = entropy = 0.0
    for at in range(steps):
        step = text[at : at + 2]
        pair = f"{step}/{step.translate(_COMPLEMENT)}"
        pair = pair if pair in MeltingTemp.DNA_NN4 else pair[::-1]
        enthalpy += MeltingTemp.DNA_NN4[pair][0]
        entropy += MeltingTemp.DNA_NN4[pair][1]
    assert energy == pytest.approx(enthalpy - 310.15 * entropy / 1000)
    assert set(scales.both_strands(scales.melting_energy())) == {a + b for a in "ACGT" for b in "ACGT"}
    assert np.isnan(scales.mean_over_steps(["A"], scales.ROLL)[0])


@pytest.mark.parametrize(("scale", "published"), [(scales.TWIST, 34.2), (scales.ROLL, 2.7)])
def test_mean_of_sixteen_steps_is_the_published_one(scale: dict[str, float], published: float) -> None:
    """Olson et al. (1998), table 1, row MN, P-DNA: the equal-weight mean of the 16 steps."""
    assert np.mean(list(scales.both_strands(scale).values())) == pytest.approx(published, abs=0.07)


@settings(max_examples=40, deadline=None)
@given(st.lists(DNA, min_size=2, max_size=5))
def test_likeness_is_the_longest_common_stretch(texts: list[str]) -> None:
    found = likeness(texts)
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            stretches = [a[x:y] for x in range(len(a)) for y in range(x + 1, len(a) + 1)]
            either = b + "." + b.translate(_COMPLEMENT)[::-1]
            longest = max((len(each) for each in stretches if each in either), default=0)
            if i != j:
                assert found[i, j] == pytest.approx(2 * longest / (len(a) + len(b)))


def test_near_copies_are_in_one_group() -> None:
    texts = ["AAAAAAAA", "AAAAAAA", "TTTTTTTT", "GGCTGGAG", "GGCTGGAGT", "CTCCAGCC", "CATTACGA"]
    groups = token_groups(texts)
    assert len({*groups[:3]}) == 1
    assert len({*groups[3:6]}) == 1
    assert len(set(groups)) == 3
    assert np.array_equal(token_groups(["ACG"]), [0])


def test_one_hot_is_the_sequence() -> None:
    codes = np.array([[0, 1, 2, 3, 4]], dtype=np.uint8)
    assert np.array_equal(one_hot(codes)[0].reshape(5, 4), np.vstack([np.eye(4), np.zeros(4)]))
    short, long = token_one_hot(["AC", "ACGTA"], places=3).reshape(2, 6, 4)
    assert short.argmax(1).tolist()[:2] == [0, 1]
    assert short[2].sum() == short[3].sum() == 0
    assert long.argmax(1).tolist() == [0, 1, 2, 2, 3, 0]


def test_central_bases_are_those_of_the_genome(planted) -> None:
    genome = open_genome(planted.folder / "genome.fa")
    starts, ends = np.array([0, 500]), np.array([6, 700])
    found = central_one_hot(genome, ["chrS", "chrS"], starts, ends, places=20).reshape(2, 20, 4)
    assert found[0, :7].sum() == 0  # before the chromosome
    assert np.array_equal(found[1].argmax(1), genome.codes("chrS", 590, 610))
    with pytest.raises(InputError, match="places"):
        central_one_hot(genome, ["chrS"], starts[:1], ends[:1], places=0)


def test_tokens_of_windows_are_those_of_the_chromosome_on_either_strand(planted) -> None:
    genome, tokenizer = open_genome(planted.folder / "genome.fa"), KmerTokenizer(3)
    table = planted.table.iloc[:6].copy()
    length = genome.lengths["chrS"]
    reverse = table.assign(strand="-", start=length - table["end"], end=length - table["start"])
    pieces = [""] * 5 + list(tokenizer.pieces)
    counts = token_counts(pd.concat([table, reverse], ignore_index=True), genome, tokenizer, pieces).toarray()
    for row in range(6):
        text = genome.codes("chrS", table["start"].iloc[row], table["end"].iloc[row])
        assert np.array_equal(counts[row], np.bincount(tokenizer.encode(text).ids, minlength=len(pieces)))
        opposite = (3 - genome.codes("chrS", reverse["start"].iloc[row], reverse["end"].iloc[row]))[::-1]
        assert np.array_equal(counts[6 + row], np.bincount(tokenizer.encode(opposite).ids, minlength=len(pieces)))
    vectors = np.random.default_rng(0).normal(size=(len(pieces), 3))
    expected = (counts[0] @ vectors) / counts[0].sum()
    assert np.allclose(static_means(counts, vectors)[0], expected, atol=1e-6)
    with pytest.raises(InputError, match="does not begin at a token"):
        token_counts(table.assign(start=table["start"] + 1), genome, tokenizer, pieces)


def test_distance_is_to_the_nearest_interval(planted) -> None:
    from grover_probe.annotation import read_annotation

    path = planted.folder / "sites.bed"
    sites = [(1000, 1010), (5000, 5600), (5500, 5700), (60_000, 60_001)]
    path.write_text("".join(f"chrS\t{a}\t{b}\n" for a, b in sites), encoding="ascii")
    found = distances(planted.table, read_annotation(path, open_genome(planted.folder / "genome.fa")))
    for row, (start, end) in enumerate(zip(planted.table["start"], planted.table["end"], strict=True)):
        middle = (start + end) // 2
        expected = min(0 if a <= middle < b else a - middle if a > middle else middle - b + 1 for a, b in sites)
        assert found[row] == expected


def test_tokens_have_targets_controls_and_shares(planted, tmp_path) -> None:
    result = open_pass(planted.folder / "pass")
    ids = [9, 10, 20]
    overlap = pd.DataFrame({"token_id": ids, "annotation": "repeat", "class": "LINE", "share": [0.1, 0.2, 0.7]})
    overlap.to_parquet(tmp_path / "tokens.parquet")
    level = token_level(result, {}, read_overlap(tmp_path / "tokens.parquet"), n_folds=4)
    names = [target.name for target in level.targets]
    assert {"log_frequency", "gc", "ag", "ac", "cpg", "melting_energy", "roll", "first_base"} <= set(names)
    share = level.targets[names.index("share_repeat_LINE")]
    assert np.allclose(sorted(share.y[share.used]), [0.1, 0.2, 0.7])
    lengths = {len(each()) for features in level.features for each in features.parts.values()}
    assert lengths == {len(level.folds.fold)}
    with pytest.raises(InputError, match="no column 'share'"):
        overlap.drop(columns="share").to_parquet(tmp_path / "bad.parquet")
        read_overlap(tmp_path / "bad.parquet")
    (tmp_path / "text.parquet").write_text("no table", encoding="ascii")
    with pytest.raises(InputError, match="cannot be read"):
        read_overlap(tmp_path / "text.parquet")


@pytest.mark.parametrize(
    ("text", "column", "rule"),
    [("x={}", "", "any"), ("x={}@centre", "", "centre"), ("x={}:4", "4", "majority"), ("x={}:kind@any", "kind", "any")],
)
def test_sources_are_read_as_written(tmp_path, text: str, column: str, rule: str) -> None:
    path = tmp_path / "with:colon@sign.bed"
    path.write_text("chr1\t0\t1\n", encoding="ascii")
    source = parse_source("annotation", text.format(path))
    assert (source.name, source.path, source.column, source.rule) == ("x", path, column, rule)


def test_unknown_rule_is_named(tmp_path) -> None:
    path = tmp_path / "a.bed"
    path.write_text("chr1\t0\t1\n", encoding="ascii")
    with pytest.raises(InputError, match="rule 'most' is none of"):
        parse_source("annotation", f"x={path}:4@most")
