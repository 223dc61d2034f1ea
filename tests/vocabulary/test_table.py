"""One row per token: against counting by hand; what the summary and the classes of annotation say."""

from collections import Counter
from math import prod

import numpy as np
import pandas as pd
import pytest

from grover_probe.annotation import Intervals, merge
from grover_probe.bpe.reference import encode as encode_by_definition
from grover_probe.corpus import tokenize
from grover_probe.errors import InputError
from grover_probe.genome import open_genome
from grover_probe.kmer import KmerTokenizer
from grover_probe.vocabulary import token_table, vocabulary_table
from grover_probe.vocabulary.classes import AnnotationFile, parse_annotation, read_classes


def test_composition():
    table = token_table(["A", "C", "G", "T", "ACGCGT"]).set_index("token")
    assert table.loc["ACGCGT", ["token_id", "length", "cpg"]].tolist() == [9, 6, 2]
    assert table.loc["ACGCGT", ["gc", "ag", "ac"]].tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6])
    assert table.loc["T", ["gc", "ag", "ac", "cpg"]].tolist() == [0, 0, 0, 0]


@pytest.fixture(scope="module")
def table(tiny_tokenizer, tiny_corpus):
    return vocabulary_table(tiny_tokenizer, tiny_corpus, progress=False)


def test_counts_and_merges(table, tiny_tokenizer, tiny_text):
    counts = Counter()
    for text in tiny_text.values():
        counts.update(encode_by_definition(text.upper(), tiny_tokenizer.merges.pairs.tolist()))
    found = table.to_frame()
    assert found["count"].tolist() == [counts[token_id] for token_id in found["token_id"]]
    assert found["frequency"].sum() == pytest.approx(1)
    assert found["emitted"].tolist() == [counts[token_id] > 0 for token_id in found["token_id"]]
    assert found["merge_rank"].isna().tolist() == [True] * 4 + [False] * 30
    merged = found.iloc[4:]
    assert merged["merge_rank"].tolist() == list(range(1, 31))
    assert (merged["left"] + merged["right"]).tolist() == merged["token"].tolist() == list(tiny_tokenizer.pieces[4:])
    assert (found["left"].iloc[:4] == "").all()


def test_shows_itself(table):
    assert repr(table) == f"Vocabulary(34 tokens, {table.summary['emitted']} emitted)"
    assert table.overview()["number"].tolist() == list(table.summary)
    assert "mean length" in table._repr_html_()


def test_expectation(table, tiny_text):
    bases = Counter(base for text in tiny_text.values() for base in text.upper() if base != "N")
    share = {base: count / bases.total() for base, count in bases.items()}
    found = table.to_frame()
    products = {token: prod(share[base] for base in token) for token in found.loc[found["emitted"], "token"]}
    total = sum(products.values())
    for row in found.itertuples():
        if row.emitted:
            assert row.expected_frequency == pytest.approx(products[row.token] / total)
            assert row.observed_expected == pytest.approx(row.frequency / row.expected_frequency)
        else:
            assert np.isnan(row.expected_frequency) and np.isnan(row.observed_expected)


def test_kmers_of_independent_bases_are_as_expected(write_fasta, tmp_path):
    text = "".join(np.random.default_rng(0).choice(list("ACGT"), size=400_000, p=[0.4, 0.2, 0.1, 0.3]))
    genome = open_genome(write_fasta(tmp_path / "g.fa", {"a": text}))
    tokenizer = KmerTokenizer(2, "drop")
    found = vocabulary_table(tokenizer, tokenize(genome, tokenizer, progress=False), progress=False).to_frame()
    emitted = found[found["emitted"]]
    assert len(emitted) == 16 and emitted["merge_rank"].isna().all()
    assert emitted["observed_expected"].between(0.9, 1.1).all()


def test_tokens_at_ends_do_not_count(write_fasta, tmp_path, tiny_tokenizer):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {"a": "ANCNAAGGACGNT"}))
    tokenizer = KmerTokenizer(3)
    result = vocabulary_table(tokenizer, tokenize(genome, tokenizer, progress=False), progress=False)
    found = result.to_frame().set_index("token")
    assert found.loc[["A", "C", "T", "AAG", "GAC", "G"], "count"].tolist() == [1, 1, 1, 1, 1, 1]
    assert found.loc[["A", "C", "T", "AAG", "GAC", "G"], "count_at_ends"].tolist() == [1, 1, 1, 1, 0, 1]
    assert result.summary["emitted"] == 6 and result.summary["emitted elsewhere than at ends"] == 1
    assert result.summary["longest"] == "GAC" and result.summary["occurrences"] == 6


def test_nothing_but_ends(write_fasta, tmp_path):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {"a": "ACGNT"}))
    tokenizer = KmerTokenizer(3)
    result = vocabulary_table(tokenizer, tokenize(genome, tokenizer, progress=False), progress=False)
    assert result.summary["emitted elsewhere than at ends"] == 0 and result.summary["longest"] == ""


def test_share_inside(tiny_tokenizer, tiny_corpus):
    inside = Intervals("left half", {"chr2": np.array([[0, 2_500]])}, 1, 0)
    all_of_it = Intervals("all", {name: np.array([[0, 12_000]]) for name in tiny_corpus.chroms}, 3, 0)
    found = vocabulary_table(tiny_tokenizer, tiny_corpus, [inside, all_of_it], progress=False).to_frame()
    first, last = tiny_corpus.bounds[1:3]
    hits = Counter(tiny_corpus.ids[first:last][tiny_corpus.starts[first:last] < 2_500].tolist())
    share = found["share_left half"] * found["count"]
    assert share.fillna(0).round().astype(int).tolist() == [hits[token_id] for token_id in found["token_id"]]
    assert (found.loc[found["emitted"], "share_all"] == 1).all()


def test_files(table, tmp_path):
    parquet, tsv = table.save(tmp_path / "out")
    assert [path.name for path in (parquet, tsv)] == list(table.files)
    again = pd.read_parquet(parquet)
    pd.testing.assert_frame_equal(again, table.to_frame())
    text = pd.read_csv(tsv, sep="\t", keep_default_na=False, dtype=str)
    assert text["token"].tolist() == table.to_frame()["token"].tolist() and text.loc[0, "merge_rank"] == ""


def test_refuses(tiny_tokenizer, tiny_corpus):
    with pytest.raises(InputError, match="made with tokenizer"):
        vocabulary_table(KmerTokenizer(4), tiny_corpus, progress=False)
    twice = Intervals("genes", {}, 0, 0)
    with pytest.raises(InputError, match="two annotations are called genes"):
        vocabulary_table(tiny_tokenizer, tiny_corpus, [twice, twice], progress=False)


def test_merge():
    found = merge(np.array([[5, 9], [0, 3], [3, 4], [6, 7], [20, 30], [25, 26], [31, 32]]))
    assert found.tolist() == [[0, 4], [5, 9], [20, 30], [31, 32]]


def test_merge_by_bitmap():
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 500, size=60)
    pairs = np.stack([starts, starts + rng.integers(1, 12, size=60)], axis=1)
    covered = np.zeros(600, dtype=bool)
    for start, end in pairs:
        covered[start:end] = True
    found = merge(pairs)
    again = np.zeros(600, dtype=bool)
    for start, end in found:
        again[start:end] = True
    assert np.array_equal(covered, again) and np.all(found[1:, 0] > found[:-1, 1])


def test_parse_annotation(tmp_path, monkeypatch):
    assert parse_annotation("a/b.bed.gz:7").column == 7 and parse_annotation("a/b.bed").column is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:5").write_text("")
    assert parse_annotation("odd:5").column is None
    with pytest.raises(InputError, match="column 3 holds the position"):
        parse_annotation("a.bed:3")


def test_classes(tiny_genome, tmp_path, bedtools):
    path = tmp_path / "repeats.x.bed"
    path.write_text(
        "track name=x\n2\t10\t20\tAlu\tSINE\nchr2\t15\t30\tB\tSINE\nchr1\t5\t9\tC\tLINE\nchrUn\t0\t5\tD\tLTR\n"
        "chr1\t7\t7\tE\tLTR\n"
    )
    line, sine = read_classes(AnnotationFile(path, 5), tiny_genome)
    assert (line.name, sine.name) == ("repeats.LINE", "repeats.SINE")
    assert sine.by_chrom["chr2"].tolist() == [[10, 30]] and sine.n_read == 2
    assert line.by_chrom["chr1"].tolist() == [[5, 9]]
    (whole,) = read_classes(AnnotationFile(path), tiny_genome)
    assert whole.name == "repeats" and whole.bases == line.bases + sine.bases


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("chr1\t5\t9\tA\n", r":1: 4 columns; expected a class in column 5"),
        ("chr1\t5\t9\tA\tB\nchr1\t9\n", r":2: not a BED line"),
        ("".join(f"chr1\t5\t9\tA\t{i}\n" for i in range(70)), r"column 5 has more than 64 values"),
    ],
)
def test_classes_refuse(tiny_genome, tmp_path, content, message):
    path = tmp_path / "a.bed"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_classes(AnnotationFile(path, 5), tiny_genome)
