"""The command line: what it writes, what it says of bad input, and what it leaves behind."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from grover_probe.bpe import learn, load_tokenizer
from grover_probe.bpe.learn import learn_tokenizer
from grover_probe.bpe.train import TrainingInterrupted
from grover_probe.corpus_files import open_corpus
from grover_probe.errors import InputError
from grover_probe.genome import decode_bases


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "grover_probe.bpe", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def fasta(sequence, tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "two.fa"
    first, second = decode_bases(sequence[:30_000]), decode_bases(sequence[30_000:60_000])
    path.write_text(f">chr1\n{first}\n>chr2\nNNN{second}\n")
    return path


@pytest.fixture(scope="module")
def trained(fasta, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "tokenizer"
    learn_tokenizer([fasta], out, 50, progress=False)
    return out


def test_train_encode_compare(fasta, tmp_path):
    done = command("train", "--genome", fasta, "--merges", "50", "--out", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "merges.tsv", "special_tokens_map.json", "tokenizer.json", "tokenizer.run.json", "tokenizer_config.json",
    ]  # fmt: skip
    tokenizer = load_tokenizer(tmp_path / "a")
    rows = (tmp_path / "a" / "merges.tsv").read_text().splitlines()
    assert rows[0] == "rank\tleft\tright\tpiece\tcount" and len(rows) == 51
    record = json.loads((tmp_path / "a" / "tokenizer.run.json").read_text())
    assert record["tokenizer_hash"] == tokenizer.hash and record["parameters"] == {"merges": 50}

    done = command("encode", "--tokenizer", tmp_path / "a", "--genome", fasta, "--out", tmp_path / "corpus")
    assert done.returncode == 0, done.stderr
    assert open_corpus(tmp_path / "corpus", tokenizer).chroms == ("chr1", "chr2")

    learn_tokenizer([fasta], tmp_path / "b", 49, progress=False)
    done = command("compare", tmp_path / "a", tmp_path / "b", "--genome", fasta)
    header, row = (line.split("\t") for line in done.stdout.splitlines())
    found = dict(zip(header, row, strict=True))
    assert int(found["tokens_a"]) < int(found["tokens_b"]) and found["first_difference"].startswith("chr1:")


def test_help_is_quick_and_has_an_example():
    before = time.monotonic()
    shown = command("train", "--help")
    assert "Example" in shown.stdout and time.monotonic() - before < 5


def test_chromosomes(fasta, trained, tmp_path):
    only = learn_tokenizer([fasta], tmp_path / "t", 50, chromosomes=["1"], progress=False)
    assert only.hash != load_tokenizer(trained).hash
    with pytest.raises(InputError, match="no sequence named '7'"):
        learn_tokenizer([fasta], tmp_path / "u", 50, chromosomes=["1", "7"], progress=False)


def test_interrupted_training_goes_on(fasta, trained, tmp_path, monkeypatch):
    def interrupted(sequences, n_merges, **options):
        raise TrainingInterrupted(load_tokenizer(trained).merges.first(20))

    with monkeypatch.context() as patch:
        patch.setattr(learn, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            learn_tokenizer([fasta], tmp_path / "t", 50, progress=False)
    assert [path.name for path in (tmp_path / "t").iterdir()] == [learn.PARTIAL_FILE]
    with pytest.raises(InputError, match="other sequences"):
        learn_tokenizer([fasta], tmp_path / "t", 50, chromosomes=["chr1"], progress=False)
    again = learn_tokenizer([fasta], tmp_path / "t", 50, progress=False)
    assert again.hash == load_tokenizer(trained).hash
    assert not (tmp_path / "t" / learn.PARTIAL_FILE).exists()
    assert (tmp_path / "t" / "merges.tsv").read_text().count("\n") == 51


@pytest.mark.parametrize("text", ["{", '{"inputs_sha256": "x"}', "[]"])
def test_damaged_partial_file(fasta, tmp_path, text):
    (tmp_path / learn.PARTIAL_FILE).write_text(text)
    with pytest.raises(InputError, match="damaged"):
        learn_tokenizer([fasta], tmp_path, 50, progress=False)


def test_too_few_merges(tmp_path):
    (tmp_path / "short.fa").write_text(">a\nACGTACGT\n")
    with pytest.raises(InputError, match="use --merges 4"):
        learn_tokenizer([tmp_path / "short.fa"], tmp_path / "t", 50, progress=False)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--genome", "missing.fa", "--out", "t"], "no such file"),
        (["train", "--genome", "empty.fa", "--out", "t"], "empty.fa"),
        (["train", "--genome", "only_n.fa", "--out", "t"], "nothing to learn"),
        (["train", "--genome", "good.fa", "--out", "good.fa"], "a file stands"),
        (["encode", "--tokenizer", "nowhere", "--genome", "good.fa", "--out", "t"], "tokenizer.json"),
        (["encode", "--tokenizer", "bad.json", "--genome", "good.fa", "--out", "t"], "not JSON"),
        (["compare", "nowhere", "nowhere", "--genome", "good.fa"], "tokenizer.json"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, text in {"empty.fa": "", "only_n.fa": ">a\nNNNN\n", "good.fa": ">a\nACGT\n", "bad.json": "{"}.items():
        (tmp_path / name).write_text(text)
    before = {path.name for path in tmp_path.iterdir()}
    done = command(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr, done.stderr
    assert {path.name for path in tmp_path.rglob("*")} == before


def test_starts_are_on_the_chromosome(fasta, trained, tmp_path):
    command("encode", "--tokenizer", trained, "--genome", fasta, "--out", tmp_path / "c")
    corpus = open_corpus(tmp_path / "c")
    assert np.asarray(corpus.starts)[corpus.bounds[:2]].tolist() == [0, 3]
