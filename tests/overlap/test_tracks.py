"""Tracks and set statistics: read back what was written; bedtools and by hand agree."""

import gzip

import numpy as np
import pytest

from grover_probe.annotation import Intervals
from grover_probe.errors import InputError
from grover_probe.overlap.inputs import restricted
from grover_probe.overlap.sets import set_statistics
from grover_probe.overlap.signals import read_signal
from grover_probe.overlap.tracks import write_boundaries, write_positions, write_track


def painted(signal, chrom, length):
    bases = np.full(length, np.nan)
    for start, end, value in zip(*signal.by_chrom[chrom], strict=True):
        bases[start:end] = value
    return bases


def by_hand(corpus, values, chrom, length):
    bases = np.full(length, np.nan)
    first, last = corpus.bounds[corpus.chroms.index(chrom) :][:2]
    for start, end, value in zip(corpus.starts[first:last], corpus.ends(first, last), values[first:last], strict=True):
        bases[start:end] = value
    return bases


@pytest.mark.parametrize("ending", ["bedgraph", "bedgraph.gz", "bw"])
def test_values_along_the_genome(tmp_path, tiny_corpus, tiny_genome, ending):
    rng = np.random.default_rng(0)
    per_id = rng.integers(0, 5, len(tiny_corpus.token_lengths)) / 4
    per_id[7] = np.nan
    write_track(tiny_corpus, per_id, tiny_genome.lengths, tmp_path / f"a.{ending}")
    write_track(tiny_corpus, per_id[tiny_corpus.ids], tiny_genome.lengths, tmp_path / f"b.{ending}")
    for name in ("a", "b"):
        found = read_signal(tmp_path / f"{name}.{ending}", tiny_genome)
        for chrom, length in tiny_genome.lengths.items():
            expected = by_hand(tiny_corpus, per_id[tiny_corpus.ids], chrom, length)
            np.testing.assert_array_equal(painted(found, chrom, length), expected)
    if ending != "bw":
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_boundaries(tmp_path, tiny_corpus, tiny_genome):
    write_boundaries(tiny_corpus, tiny_genome.lengths, tmp_path / "x.bw")
    found = painted(read_signal(tmp_path / "x.bw", tiny_genome), "chr2", 5_000)
    first, last = tiny_corpus.bounds[1:3]
    assert np.flatnonzero(found == 1).tolist() == tiny_corpus.starts[first:last].tolist()


def test_positions(tmp_path, tiny_corpus, tiny_genome, tiny_tokenizer):
    wanted = [tiny_tokenizer.pieces[10], tiny_tokenizer.pieces[20]]
    n = write_positions(tiny_corpus, tiny_tokenizer.pieces, wanted, tmp_path / "x.bed.gz")
    rows = [line.split("\t") for line in gzip.decompress((tmp_path / "x.bed.gz").read_bytes()).decode().splitlines()]
    assert len(rows) == n == np.isin(tiny_corpus.ids, [15, 25]).sum() > 0
    letters = "ACGTN"
    for chrom, start, end, token, _, strand in rows:
        codes = tiny_genome.codes(chrom, int(start), int(end))
        assert "".join(letters[code] for code in codes) == token and token in wanted and strand == "+"
    assert write_positions(tiny_corpus, tiny_tokenizer.pieces, (), tmp_path / "all.bed") == len(tiny_corpus)


def test_restricted(tiny_corpus):
    runs = np.array([[3, 9], [tiny_corpus.bounds[1] + 2, tiny_corpus.bounds[1] + 4]])
    part = restricted(tiny_corpus, runs)
    assert (
        part.bounds.tolist() == [0, 6, 8, 8]
        and part.ids.tolist() == tiny_corpus.ids[np.r_[3:9, runs[1, 0] : runs[1, 1]]].tolist()
    )


def test_bad_tracks(tmp_path, tiny_corpus, tiny_genome, tiny_tokenizer):
    values = np.ones(len(tiny_corpus.token_lengths))
    with pytest.raises(InputError, match=r"expected a name that ends in \.bedgraph"):
        write_track(tiny_corpus, values, tiny_genome.lengths, tmp_path / "x.txt")
    with pytest.raises(InputError, match=r"values of shape \(3,\); expected one per id"):
        write_track(tiny_corpus, values[:3], tiny_genome.lengths, tmp_path / "x.bw")
    with pytest.raises(InputError, match="no token has a finite value"):
        write_track(tiny_corpus, values * np.nan, tiny_genome.lengths, tmp_path / "x.bw")
    with pytest.raises(InputError, match="'acgt' is no token"):
        write_positions(tiny_corpus, tiny_tokenizer.pieces, ["acgt"], tmp_path / "x.bed")
    with pytest.raises(InputError, match=r"ends in \.bed"):
        write_positions(tiny_corpus, tiny_tokenizer.pieces, [], tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []


def test_set_statistics(tiny_genome, bedtools, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one = Intervals("one", {"chr1": np.array([[100, 200], [500, 700]]), "chr2": np.array([[10, 20]])}, 3, 0)
    other = Intervals("other", {"chr1": np.array([[150, 260], [690, 710], [5_000, 5_010]])}, 3, 0)
    table = set_statistics({("a", "one"): one}, {("b", "other"): other}, tiny_genome, progress=False)
    row = table.iloc[0]
    assert (row["class_a"], row["class_b"]) == ("one", "other")
    assert row["bases_shared"] == 60 and row["n_overlaps"] == 2
    assert row["jaccard"] == pytest.approx(60 / (310 + 140 - 60), abs=1e-5)
    assert row["fisher_p_right"] < 0.05 < row["fisher_p_left"] and row["odds_ratio"] > 1
    assert list(tmp_path.iterdir()) == []  # neither ours nor pybedtools' files
    pairs = set_statistics({("a", "one"): one, ("a", "other"): other}, None, tiny_genome, progress=False)
    assert len(pairs) == 1 and pairs.iloc[0]["jaccard"] == row["jaccard"]
