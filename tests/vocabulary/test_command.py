"""The command line: what it writes, that it repeats itself, and what it refuses without leaving anything behind."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from grover_probe.bpe import save_tokenizer
from grover_probe.command import run
from grover_probe.errors import InputError
from grover_probe.files import sha256_of
from grover_probe.kmer import KmerTokenizer
from grover_probe.vocabulary import diagnose
from grover_probe.vocabulary.command import app

PFM = ">CT\nA [ 8 0 1 9 ]\nC [ 1 9 1 0 ]\nG [ 0 1 7 1 ]\nT [ 1 0 1 0 ]\n"
FEW = ["--windows", "20", "--length", "512", "--no-progress"]


@pytest.fixture(scope="module")
def folder(tiny_tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("with space") / "tokenizer"
    save_tokenizer(tiny_tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def genome(write_fasta, tmp_path_factory):
    """Long enough for windows with context."""
    import numpy as np

    letters = np.random.default_rng(3).choice(list("ACGT"), size=9_000, p=[0.3, 0.2, 0.2, 0.3])
    text = "".join(letters[:6_000]) + "N" * 50 + "".join(letters[6_000:])
    return write_fasta(tmp_path_factory.mktemp("genome") / "g.fa", {"chr1": text, "chr2": "ACGTT" * 30})


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_table(folder, genome, tmp_path, bedtools):
    bed = tmp_path / "r.bed"
    bed.write_text("1\t0\t500\tx\tSINE\n1\t600\t900\ty\tLINE\n")
    words = ["--tokenizer", folder, "--genome", genome, "--annotation", f"{bed}:5", "--annotation", bed]
    done = call(*words, "--out", tmp_path / "out", "--no-progress")
    assert done.exit_code == 0
    assert "emitted\t" in done.stdout and "mean length (bases)\t" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "vocabulary.parquet", "vocabulary.run.json", "vocabulary.tsv",
    ]  # fmt: skip
    table = pd.read_parquet(tmp_path / "out" / "vocabulary.parquet")
    assert list(table.columns[-3:]) == ["share_r.LINE", "share_r.SINE", "share_r"] and len(table) == 34
    record = json.loads((tmp_path / "out" / "vocabulary.run.json").read_text())
    assert record["outputs"]["vocabulary.tsv"] == sha256_of(tmp_path / "out" / "vocabulary.tsv")
    assert record["inputs"]["annotation"][0]["column"] == 5
    call(*words, "--out", tmp_path / "again", "--no-progress")
    assert (tmp_path / "again" / "vocabulary.tsv").read_bytes() == (tmp_path / "out" / "vocabulary.tsv").read_bytes()


def test_table_of_kmers_on_one_chromosome(genome, tmp_path):
    done = call("--tokenizer", "4-mer", "--genome", genome, "--chromosomes", "2", "--out", tmp_path / "out")
    assert done.exit_code == 0
    table = pd.read_csv(tmp_path / "out" / "vocabulary.tsv", sep="\t")
    assert len(table) == 260 and table["count"].sum() == 37 + 2


def test_diagnose(folder, genome, tmp_path):
    (tmp_path / "m.pfm").write_text(PFM)
    words = ["diagnose", "--tokenizer", folder, "--genome", genome, "--motif", tmp_path / "m.pfm", *FEW]
    words += ["--motif-p-value", "0.01", "--kmers", "4, 6"]
    done = call(*words, "--out", tmp_path / "out")
    assert done.exit_code == 0 and "BPE-30" in done.stdout
    table = pd.read_csv(tmp_path / "out" / "diagnostics.tsv", sep="\t")
    assert list(table.columns) == ["tokenizer", "diagnostic", "statistic", "value", "n"]
    assert list(table["tokenizer"].unique()) == ["BPE-30", "4-mer", "6-mer"]
    assert list(table["diagnostic"].unique()) == [
        "shift", "cut_left", "cut_right", "reverse_complement", "substitution", "longest_match", "motif CT",
        "random 4 bases",
    ]  # fmt: skip
    assert not table.duplicated(["tokenizer", "diagnostic", "statistic"]).any()
    call(*words, "--out", tmp_path / "again")
    first, again = (tmp_path / name / "diagnostics.tsv" for name in ("out", "again"))
    assert first.read_bytes() == again.read_bytes()
    call(*words, "--out", tmp_path / "seed", "--seed", "1")
    assert first.read_bytes() != (tmp_path / "seed" / "diagnostics.tsv").read_bytes()


def test_tokenizers_are_asked_the_same(tiny_tokenizer, genome):
    """Numbers of one tokenizer do not depend on the others in the table."""
    from grover_probe.genome import open_genome

    sequences = open_genome(genome)
    few = {"windows": 20, "length": 512, "progress": False}
    result = diagnose({"bpe": tiny_tokenizer, "5": KmerTokenizer(5)}, sequences, **few)
    both = result.to_frame()
    alone = diagnose({"5": KmerTokenizer(5)}, sequences, **few).to_frame()
    pd.testing.assert_frame_equal(both[both["tokenizer"] == "5"].reset_index(drop=True), alone)
    assert result.overview()["5"].tolist() == alone["value"].tolist()
    assert list(result.overview()) == ["diagnostic", "statistic", "bpe", "5"] and "boundary" in result._repr_html_()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tokenizer", "nowhere"], "nowhere/?.*: no such file"),
        (["--tokenizer", "8-mer"], "expected 1 to 7"),
        (["--genome", "nowhere.fa"], "nowhere.fa: no such file"),
        (["--annotation", "nowhere.bed"], "nowhere.bed: no such file"),
        (["--annotation", "nowhere.bed:2"], "column 2 holds the position"),
        (["--chromosomes", "chr9"], "no sequence named 'chr9'"),
        (["diagnose", "--motif", "nowhere.pfm"], "nowhere.pfm: cannot be read"),
        (["diagnose", "--kmers", "four"], "expected numbers such as 4,5,6"),
        (["diagnose", "--kmers", "9"], "expected 1 to 7"),
        (["diagnose", "--chromosomes", "chr9"], "no sequence named 'chr9'"),
        (["diagnose", "--chromosomes", "chr2"], "no stretch of"),
        (["diagnose", "--motif-p-value", "0"], "expected a probability"),
        (["--out", "x", "diagnose"], "--out stands before 'diagnose'"),
    ],
)
def test_refuses(folder, genome, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    given = [*words]
    if words[0] != "--out":
        for option, value in (("--tokenizer", folder), ("--genome", genome), ("--out", "out")):
            given += [] if option in words else [option, str(value)]
    with pytest.raises(InputError, match=message):
        call(*given)
    assert list(tmp_path.iterdir()) == []


def test_error_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vocabulary", "--tokenizer", "nowhere", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as caught:
        run(app)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: nowhere") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_earlier_files_stay_after_an_error(folder, genome, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diagnostics.tsv").write_text("mine")
    with pytest.raises(InputError):
        call("diagnose", "--tokenizer", folder, "--genome", genome, "--chromosomes", "2", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "diagnostics.tsv").read_text() == "mine"


def test_help_is_quick():
    code = (
        "import sys, grover_probe.vocabulary.command;"
        "print([name for name in ('pandas', 'numba', 'torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sample(sample_checkpoint, tmp_path, bedtools):
    done = call("--out", tmp_path, "--no-progress")
    assert done.exit_code == 0 and "emitted elsewhere than at ends\t601" in done.stdout
    table = pd.read_parquet(tmp_path / "vocabulary.parquet")
    assert {"share_repeats.SINE", "share_repeats.LINE", "share_exons", "share_cpg_islands"} <= set(table.columns)
