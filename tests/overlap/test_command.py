"""The command line: what it writes, that it repeats itself, and what it refuses without leaving anything behind."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from grover_probe.bpe import save_tokenizer
from grover_probe.command import run
from grover_probe.files import sha256_of
from grover_probe.overlap.command import app
from grover_probe.overlap.inputs import AnnotationOption, parse_option

ASKED = "token token_id annotation class count count_inside bases_inside share enrichment ci_low ci_high p q"


@pytest.fixture(scope="module")
def folder(tiny_tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("with space") / "tokenizer"
    save_tokenizer(tiny_tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Annotation, a signal and a table of values on the tiny genome."""
    folder = tmp_path_factory.mktemp("annotation files")
    rng = np.random.default_rng(0)
    lines = [
        f"1\t{a}\t{a + 30}\tx\t0\t{s}\t{c}\n"
        for a, c, s in zip(
            rng.integers(0, 11_900, 200), rng.choice(["SINE", "LINE"], 200), rng.choice(["+", "-"], 200), strict=True
        )
    ]
    (folder / "repeats.bed").write_text(
        "track x\n" + "".join(lines) + "1\t5\t9\tx\t0\t+\tRare\n1\t7\t7\tx\t0\t+\tRare\n"
    )
    (folder / "genes.gtf").write_text(
        "".join(f"chr1\tx\texon\t{a}\t{a + 99}\t.\t-\t.\tgene_type \"coding\";\n" for a in range(1, 11_000, 500))
    )  # fmt: skip
    (folder / "elsewhere.bed").write_text("chr21\t1\t2\n")
    (folder / "late.bed").write_text("chr1\t1\t2\nchr1\t11000\t13000\n")
    (folder / "signal.bedgraph").write_text("chr1\t0\t6000\t1.5\nchr1\t6000\t6100\tnan\nchr2\t0\t5000\t-1\n")
    (folder / "nan.bedgraph").write_text("chr1\t0\t6000\tinf\n")
    (folder / "values.tsv").write_text("token_id\tlayer\tscore\tword\n5\t0\t0.5\ta\n6\t0\t0.25\tb\n5\t1\t2\tc\n")
    return folder


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def base(folder, tiny_fasta):
    return ["--tokenizer", folder, "--genome", tiny_fasta, "--no-progress"]


def test_tokens(base, files, tmp_path):
    words = [
        *base,
        "--annotation",
        f"mine={files / 'repeats.bed'}:7",
        "--annotation",
        f"{files / 'genes.gtf'}:gene_type",
    ]
    words += ["--annotation", files / "elsewhere.bed", "--turns", "20", "--blocks", "10"]
    done = call(*words, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "skipped:" in done.stderr and "its 1 intervals are on chr21" in done.stderr
    assert "repeats.bed:203: an interval without a base" in done.stderr
    assert "mine: class Rare is skipped: 1 intervals" in done.stderr
    table = pd.read_parquet(tmp_path / "out" / "tokens.parquet")
    assert set(ASKED.split()) <= set(table.columns)
    assert table.groupby("annotation")["class"].unique().map(list).to_dict() == {
        "mine": ["LINE", "SINE"],
        "genes": ["coding"],
    }
    assert (
        len(table) == 3 * 34 and table["p"].between(0, 1).any() and (table["q"].dropna() >= table["p"].dropna()).all()
    )
    record = json.loads((tmp_path / "out" / "overlap.run.json").read_text())
    assert len(record["skipped"]) == 2 and record["parameters"]["n_turns"] == 20
    assert record["outputs"]["tokens.parquet"] == sha256_of(tmp_path / "out" / "tokens.parquet")
    assert [each["column"] for each in record["inputs"]["annotation"]] == ["7", "gene_type"]
    call(*words, "--out", tmp_path / "again")
    for name in ("tokens.parquet", "classes.tsv", "tokens.png"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_class_column_and_regions(base, files, tmp_path):
    (tmp_path / "r.bed").write_text("chr1\t0\t6000\n")
    words = [*base, "--annotation", files / "repeats.bed", "--class-column", "7", "--regions", tmp_path / "r.bed"]
    assert call(*words, "--turns", "5", "--blocks", "5", "--out", tmp_path / "out").exit_code == 0
    table = pd.read_parquet(tmp_path / "out" / "tokens.parquet")
    assert table["class"].unique().tolist() == ["LINE", "SINE"]
    part = table[table["class"] == "LINE"]
    assert (part["count"] * part["length"]).sum() <= 6_000


def test_windows(base, files, tmp_path):
    words = [
        "windows",
        *base,
        "--annotation",
        f"{files / 'repeats.bed'}:7",
        "--signal",
        f"timing={files / 'signal.bedgraph'}",
    ]
    words += ["--signal", files / "nan.bedgraph", "--length", "50"]
    done = call(*words, "--out", tmp_path)
    assert done.exit_code == 0
    assert "no value is finite" in done.stderr and "signal.bedgraph:2: chr1:6000-6100 is nan" in done.stderr
    table = pd.read_parquet(tmp_path / "windows.parquet")
    assert list(table.columns) == [
        "chrom", "start", "end", "n_tokens", "repeats", "repeats.LINE", "repeats.Rare", "repeats.SINE",
        "repeats.LINE.strand", "repeats.Rare.strand", "repeats.SINE.strand", "timing", "timing.covered",
    ]  # fmt: skip
    assert table["timing"].dropna().isin([1.5, -1]).all() and table["timing"].isna().any()
    assert set(table["repeats"]) >= {"none"} and table["n_tokens"].max() == 50
    (tmp_path / "w.bed").write_text("chr1\t0\t100\n20\t5\t6\nchr2\t4\t5\n")
    done = call("windows", *base, "--annotation", files / "genes.gtf", "--windows", tmp_path / "w.bed", "--rule", "any",
                "--out", tmp_path)  # fmt: skip
    table = pd.read_parquet(tmp_path / "windows.parquet")
    assert table["genes"].tolist() == ["genes", "none"] and table["genes.genes"].tolist() == [1.0, 0.0]
    assert table["genes.genes.strand"].tolist()[0] == -1


def test_sets(tiny_fasta, files, tmp_path, bedtools):
    words = ["sets", "--genome", tiny_fasta, "--annotation", f"{files / 'repeats.bed'}:7", "--out", tmp_path]
    assert call(*words, "--annotation", files / "genes.gtf", "--no-progress").exit_code == 0
    table = pd.read_csv(tmp_path / "sets.tsv", sep="\t")
    assert table["class_a"].tolist() == ["LINE", "Rare", "SINE"] and set(table["class_b"]) == {"genes"}
    assert call(*words, "--no-progress").exit_code == 0
    assert len(pd.read_csv(tmp_path / "sets.tsv", sep="\t")) == 3


def test_tracks(base, files, tmp_path, tiny_tokenizer):
    words = [
        "tracks",
        *base,
        "--token",
        tiny_tokenizer.pieces[9],
        "--boundaries",
        "--values",
        f"{files / 'values.tsv'}:score",
    ]
    assert call(*words, "--layer", "0", "--out", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [f"{tiny_tokenizer.pieces[9]}.bed.gz", "boundaries.bw", "score.bw", "tracks.run.json"]
    )
    assert call(*words, "--layer", "1", "--bedgraph", "--out", tmp_path / "text").exit_code == 0
    assert (tmp_path / "text" / "score.bedgraph.gz").is_file()


REFUSED = [
    (["--annotation", "elsewhere.bed"], "nothing on tiny.fa (chr1, chr2, chrM): its 1 intervals are on chr21"),
    (["--annotation", "late.bed"], "late.bed:2: chr1:11000-13000 runs past the end of chr1 (12,000 bp)"),
    (["--annotation", "elsewhere.bed", "--annotation", "x=elsewhere.bed"], "none of the annotations lies on"),
    (["--annotation", "repeats.bed", "--min-members", "1000"], "no class of annotation is left; repeats: class"),
    (["--annotation", "repeats.bed", "--annotation", "repeats.bed"], "two annotations are called repeats; name"),
    (["--annotation", "repeats.bed", "--class-column", "repClass"], "no column 'repClass'; this BED has chrom"),
    (["--annotation", "nowhere.bed"], "nowhere.bed: no such file"),
    ([], "--annotation is missing"),
    (["--annotation", "repeats.bed", "--tokenizer", "nowhere"], "nowhere"),
    (["--annotation", "repeats.bed", "--genome", "nowhere.fa"], "nowhere.fa: no such file"),
    (["--out", "x", "sets"], "--out stands before 'sets'"),
    (["windows", "--signal", "nan.bedgraph"], "no value is finite (nan.bedgraph:1: chr1:0-6000 is inf)"),
    (["windows"], "give --annotation or --signal"),
    (["windows", "--annotation", "repeats.bed", "--rule", "most"], "--rule 'most': expected one of"),
    (["sets", "--annotation", "repeats.bed"], "needs two classes or more"),
    (["tracks"], "ask for --token, --boundaries or --values"),
    (["tracks", "--token", "XYZ"], "'XYZ' is no token"),
    (["tracks", "--values", "values.tsv"], "expected TABLE:COLUMN"),
    (["tracks", "--values", "values.tsv:score"], "several rows per token; choose one with --layer"),
    (["tracks", "--values", "values.tsv:score", "--layer", "7"], "no layer 7; it has 0, 1"),
    (["tracks", "--values", "values.tsv:nothing"], "no column 'nothing'; it has token_id, layer, score, word"),
    (["tracks", "--values", "values.tsv:word", "--layer", "0"], "column 'word' does not hold numbers"),
    (["tracks", "--values", "nowhere.tsv:x"], "nowhere.tsv: "),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) or "nothing" for words, _ in REFUSED])
def test_refuses(base, files, tmp_path, monkeypatch, capsys, words, message):
    """One line, exit code 2, nothing left behind."""
    monkeypatch.chdir(files)
    given = [*words]
    if words[:1] != ["--out"]:
        for option, value in (("--tokenizer", base[1]), ("--genome", base[3]), ("--out", tmp_path / "out")):
            if option not in words and (option, words[:1]) != ("--tokenizer", ["sets"]):
                given += [option, str(value)]
    monkeypatch.setattr(sys, "argv", ["overlap", *given])
    with pytest.raises(SystemExit) as caught:
        run(app)
    assert caught.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert list(tmp_path.iterdir()) == []


def test_options_of_annotation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:name=7.bed").touch()
    for text, expected in (
        ("a.bed", ("a.bed", None, None)),
        ("a.bed:7", ("a.bed", "7", None)),
        ("x=a.bed:repClass", ("a.bed", "repClass", "x")),
        ("x=dir/a.bed", ("dir/a.bed", None, "x")),
        ("odd:name=7.bed", ("odd:name=7.bed", None, None)),
    ):
        option = parse_option(text, None)
        assert (str(option.path), option.column, option.name) == expected
    assert isinstance(parse_option("a.bed", "4"), AnnotationOption) and parse_option("a.bed", "4").column == "4"


@pytest.mark.slow
def test_sample(sample_checkpoint, tmp_path):
    """Without arguments; LINE and SINE are told apart."""
    done = call("--out", tmp_path, "--no-progress", "--turns", "30")
    assert done.exit_code == 0
    table = pd.read_parquet(tmp_path / "tokens.parquet")
    sine = table[(table["class"] == "SINE") & (table["token"] == "TGTAATCCCAGC")].iloc[0]
    assert sine["share"] > 0.95 and sine["q"] < 1e-6 and sine["ci_low"] > 2
    line = table[(table["class"] == "LINE") & (table["token"] == "TGTAATCCCAGC")].iloc[0]
    assert line["share"] < 0.05 and line["ci_high"] < 0.5
