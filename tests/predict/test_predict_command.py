"""``python -m grover_probe.predict``: a table for sequences and regions, a track along them, one line for bad input."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from grover_probe.command import run
from grover_probe.finetune.classifier import load_classifier, softmax
from grover_probe.finetune.export import save_model
from grover_probe.genome import decode_bases
from grover_probe.predict.command import app, bedgraph

SWAP = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="session")
def trained(tiny_model_folder, tmp_path_factory):
    """A classifier with a random head, as fine-tuning would write it."""
    folder = tmp_path_factory.mktemp("trained") / "a run"
    model = load_classifier(tiny_model_folder, ("no", "yes"), device="cpu", seed=2)
    save_model(model, folder, {"task": "t", "length": 60, "flank": 20, "long": "refuse"})
    return folder


@pytest.fixture
def cli(monkeypatch, capfd, trained):
    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        given = ["--model", trained, *arguments] if "--model" not in arguments else arguments
        monkeypatch.setattr(sys, "argv", ["predict", *map(str, given), "--device", "cpu", "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "predict")
        return leaving.value.code or 0, *capfd.readouterr()

    return call


def by_hand(folder, texts, flanks=0):
    """Probabilities from the tokenizer and the network of transformers, one sequence at a time."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = []
    for text in texts:
        coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        pairs = zip(coded["input_ids"], coded["offset_mapping"], strict=True)
        ids = [i for i, (low, high) in pairs if low >= flanks and high <= len(text) - flanks]
        with torch.inference_mode():
            found.append(network(torch.tensor([[2, *ids, 3]])).logits[0].double().numpy())
    return softmax(np.array(found))


def test_fasta(cli, trained, tmp_path, tiny_text, tiny_model_folder):
    texts = [tiny_text["chr2"][low : low + 60 + low % 7].upper() for low in range(0, 900, 90)]
    (tmp_path / "a.fa").write_text("".join(f">s{n} x\n{text}\n" for n, text in enumerate(texts)))
    code, stdout, stderr = cli("--input", tmp_path / "a.fa", "--out", tmp_path / "my out")
    assert code == 0, stderr
    assert sorted(path.name for path in (tmp_path / "my out").iterdir()) == ["predict.run.json", "predictions.tsv"]
    table = pd.read_csv(tmp_path / "my out" / "predictions.tsv", sep="\t")
    assert table["id"].tolist() == [f"s{n}" for n in range(len(texts))]
    assert np.allclose(table[["p_no", "p_yes"]], by_hand(trained, texts), atol=1e-5)
    counts = dict(line.split("\t") for line in stdout.splitlines())
    assert counts["yes"] == str((table["prediction"] == 1).sum()) and set(counts) == {"no", "yes"}


def test_bed_uses_flanks_and_strands(cli, trained, tmp_path, tiny_fasta, tiny_genome):
    (tmp_path / "r.bed").write_text("chr2\t100\t160\tone\t0\t+\n2\t500\t555\ttwo\t0\t-\n")
    code, _, stderr = cli("--input", tmp_path / "r.bed", "--genome", tiny_fasta, "--out", tmp_path / "out")
    assert code == 0, stderr
    table = pd.read_csv(tmp_path / "out" / "predictions.tsv", sep="\t")
    one, two = (decode_bases(tiny_genome.codes("chr2", low - 20, high + 20)) for low, high in ((100, 160), (500, 555)))
    expected = by_hand(trained, [one, two.translate(SWAP)[::-1]], flanks=20)
    assert table["id"].tolist() == ["one", "two"]
    assert np.allclose(table[["p_no", "p_yes"]], expected, atol=1e-5)


def test_scan(cli, trained, tmp_path, tiny_fasta, tiny_genome, bedtools):
    (tmp_path / "r.bed").write_text("chr1\t3900\t4400\nchr1\t8000\t8300\nchr1\t8250\t8500\nchr2\t10\t20\n")
    arguments = ["--input", tmp_path / "r.bed", "--genome", tiny_fasta, "--scan", 25]
    code, _, stderr = cli(*arguments, "--out", tmp_path / "out")
    assert code == 0, stderr
    assert "1 of 4 sequences shorter than a window of 60 bases" in stderr
    table = pd.read_csv(tmp_path / "out" / "predictions.tsv", sep="\t")
    assert ((table["end"] - table["start"]) == 60).all()
    assert not ((table["start"] < 4150) & (table["end"] > 4000) & (table["start"] < 5000)).any()  # the run of N
    sample = table.iloc[[3, 15, -1]]
    texts = [decode_bases(tiny_genome.codes("chr1", r.start - 20, r.end + 20)) for r in sample.itertuples()]
    assert np.allclose(sample[["p_no", "p_yes"]], by_hand(trained, texts, flanks=20), atol=1e-5)
    lines = (tmp_path / "out" / "scan.bedgraph").read_text().splitlines()
    assert lines[0].startswith('track type=bedGraph name="p(yes)"')
    (tmp_path / "t.bed").write_text("\n".join(lines[1:]) + "\n")
    command = [bedtools, "merge", "-d", "-1", "-c", "4", "-o", "count", "-i", str(tmp_path / "t.bed")]
    merged = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(merged) == len(lines) - 1  # sorted, and no two overlap
    track = pd.read_csv(tmp_path / "t.bed", sep="\t", header=None)
    first = track.iloc[0]
    assert (first[1], first[2]) == (3918, 3943) and first[3] == pytest.approx(table["p_yes"][0], abs=1e-4)
    record = json.loads((tmp_path / "out" / "predict.run.json").read_text())
    assert record["parameters"]["scan"] == 25 and record["inputs"]["model"]["name"] == "a run"
    code, _, stderr = cli(*arguments, "--strand", "-", "--class", "no", "--out", tmp_path / "minus")
    minus = pd.read_csv(tmp_path / "minus" / "predictions.tsv", sep="\t")
    assert np.allclose(
        minus.iloc[[3]][["p_no", "p_yes"]], by_hand(trained, [texts[0].translate(SWAP)[::-1]], flanks=20), atol=1e-5
    )


def test_scan_does_not_depend_on_the_chunks(cli, tmp_path, tiny_fasta, monkeypatch):
    arguments = ["--input", tiny_fasta, "--scan", 50, "--window", 60]
    cli(*arguments, "--out", tmp_path / "a")
    monkeypatch.setattr("grover_probe.predict.inputs.CHUNK", 17)
    cli(*arguments, "--out", tmp_path / "b")
    one, two = (pd.read_csv(tmp_path / name / "predictions.tsv", sep="\t") for name in "ab")
    assert one.drop(columns=["p_no", "p_yes"]).equals(two.drop(columns=["p_no", "p_yes"]))
    assert len(one) > 300 and np.allclose(one["p_yes"], two["p_yes"], atol=1e-5)


def test_track_of_wide_steps_ends_with_the_sequence():
    table = pd.DataFrame({"chrom": ["c"] * 3, "start": [0, 100, 200], "end": [40, 140, 240]})
    track = bedgraph(table, np.array([0.1, 0.2, 0.3]), 100, {"c": 245})
    assert track[["start", "end"]].to_numpy().tolist() == [[0, 70], [70, 170], [170, 245]]


@pytest.mark.parametrize(
    ("name", "text", "more", "message"),
    [
        ("a.fa", None, [], "a.fa: no such file"),
        ("a.txt", "ACGT", [], "expected .fa, .fasta, .fna or .bed"),
        ("a.fa", ">s\nACGT\n>t\n\n", [], "a.fa:3: an empty sequence"),
        ("a.fa", ">s\nACGT!\n", [], "a.fa:1: '!' is no nucleotide letter"),
        ("a.fa", ">s\nNNNNN\n", [], "s: the sequence is too short: it has no token"),
        ("a.fa", ">s\n" + "ACGGTCA" * 80 + "\n", [], "choose --long cut"),
        ("a.fa", ">s\nACGTA\n", ["--scan", 10], "nothing is as long as a window of 60"),
        ("a.fa", ">s\n" + "N" * 100 + "\n", ["--scan", 10], "every window holds an N"),
        ("a.fa", ">s\nACGTA\n", ["--class", "maybe"], "--class 'maybe': the model knows no, yes"),
        ("a.fa", ">s\nACGTA\n", ["--strand", "x"], "--strand 'x'"),
        ("a.bed", "chr1\t0\t50\n", [], "give --genome"),
    ],
)
def test_bad_input(cli, tmp_path, name, text, more, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    code, stdout, stderr = cli("--input", tmp_path / name, *more, "--out", tmp_path / "out")
    assert (code, stdout) == (2, "") and not (tmp_path / "out").exists()
    assert message in stderr and stderr.count("error: ") == 1 and "Traceback" not in stderr


def test_other_assembly_and_other_model(cli, tmp_path, tiny_fasta, tiny_model_folder):
    (tmp_path / "r.bed").write_text("chr2\t4000\t6000\n")
    code, _, stderr = cli("--input", tmp_path / "r.bed", "--genome", tiny_fasta, "--out", tmp_path / "out")
    assert code == 2 and "another assembly" in stderr and not (tmp_path / "out").exists()
    code, _, stderr = cli("--model", tiny_model_folder, "--input", tmp_path / "r.bed", "--out", tmp_path / "out")
    assert code == 2 and "has no trained classification head" in stderr
