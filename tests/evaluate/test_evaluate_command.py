"""The evaluation from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from grover_probe.bpe import BPETokenizer, save_tokenizer


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grover_probe.evaluate", *map(str, arguments), "--no-progress"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def checkpoint(model: torch.nn.Module, tokenizer: BPETokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)  # type: ignore[operator]
    save_tokenizer(tokenizer, folder)
    return folder


def test_writes_metrics_and_tables(checkpoint: Path, fasta: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    regions = tmp_path / "regions.bed"
    regions.write_text("chr1\t0\t8000\n")
    done = _run("--model", checkpoint, "--genome", fasta, "--regions", regions, "--mask-rate", 0.1, "--out", out)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert {"perplexity", "top1", "top_k", "bits_per_base", "n_masked"} <= metrics.keys()
    assert len(metrics["top_k"]) == metrics["vocabulary"] == 44
    assert set(metrics["baselines"]) == {"unigram", "left bigram", "both bigrams"}
    assert "both bigrams" in done.stdout
    predictions = pd.read_parquet(out / "predictions.parquet")
    assert len(predictions) == metrics["n_masked"]
    assert predictions.chrom.unique().tolist() == ["chr1"] and predictions.end.max() <= 8000
    record = json.loads((out / "evaluate.run.json").read_text())
    assert record["parameters"]["mask_rate"] == 0.1
    again = _run("--model", checkpoint, "--genome", fasta, "--regions", regions, "--mask-rate", 0.1, "--out", out,
                 "--batch-size", 3)  # fmt: skip
    assert json.loads((out / "metrics.json").read_text())["perplexity"] == pytest.approx(metrics["perplexity"])
    assert again.returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--model", "nowhere"), "nowhere"),
        (("--genome", "nowhere.fa"), "nowhere.fa"),
        (("--regions", "nowhere.bed"), "nowhere.bed"),
        (("--window", "100"), "window"),
    ],
)
def test_bad_input(change: tuple[str, str], message: str, checkpoint: Path, fasta: Path, tmp_path: Path) -> None:
    given = {"--model": checkpoint, "--genome": fasta, "--out": tmp_path / "out"} | {change[0]: change[1]}
    done = _run(*(word for pair in given.items() for word in pair))
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "out").exists()
