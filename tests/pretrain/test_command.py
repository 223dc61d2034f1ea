"""Pretraining from the command line: a run, the same command again, bad input."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from grover_probe.pretrain.journal import read_journal

RECIPE: dict[str, Any] = {
    "architecture": {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 32, "max_positions": 64, "dropout": 0.0},
    "start": "corpus",
    "stages": [{"tokens": 20_000, "window": 62, "mask_rate": 0.15}],
    "batch_tokens": 1024,
    "warmup_tokens": 2000,
    "seed": 1,
}


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grover_probe.pretrain", *map(str, arguments), "--no-progress"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def test_run_gives_a_checkpoint_that_loads(
    fasta: Path, tokenizer_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    from grover_probe import models

    out = tmp_path / "run"
    arguments = ("--genome", fasta, "--tokenizer", tokenizer_folder, "--recipe", recipe_file, "--out", out)
    done = _run(*arguments)
    assert done.returncode == 0, done.stderr
    weights = (out / "checkpoint" / "model.safetensors").read_bytes()
    model = models.load(out / "checkpoint", device="cpu")
    assert (model.n_layers, model.width, model.n_ids, model.max_tokens) == (2, 16, 49, 62)
    AutoModelForMaskedLM.from_pretrained(out / "checkpoint")
    assert AutoTokenizer.from_pretrained(out / "checkpoint").mask_token_id == 4
    card = (out / "checkpoint" / "README.md").read_text()
    assert "tiny.fa" in card and "20,000 tokens" in card and "Not evaluated" in card

    again = _run(*arguments)
    assert again.returncode == 0, again.stderr
    assert (out / "checkpoint" / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": [{"tokens": 1000, "window": 63}]}, "need 65 positions, max_positions is 64"),
        ({"start": "warm"}, "expected 'random' or 'corpus'"),
        ({"learning_rat": 1}, "learning_rat"),
        ({"stages": None}, "not a training recipe"),
    ],
)
def test_bad_recipe(
    change: dict[str, object], message: str, fasta: Path, tokenizer_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    recipe_file.write_text(yaml.safe_dump({**RECIPE, **change}))
    out = tmp_path / "run"
    done = _run("--genome", fasta, "--tokenizer", tokenizer_folder, "--recipe", recipe_file, "--out", out)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not out.exists()


def _arguments(fasta: Path, tokenizer: object, recipe: Path, out: Path) -> tuple[object, ...]:
    return ("--genome", fasta, "--tokenizer", tokenizer, "--recipe", recipe, "--out", out, "--threads", 1)


def test_held_out_sequence_is_evaluated_beside_ngrams(fasta: Path, recipe_file: Path, tmp_path: Path) -> None:
    """A 3-mer model, evaluated on its held-out block; the checkpoint carries its tokenizer."""
    from grover_probe.models import load_tokenizer

    heldout, validate = tmp_path / "heldout.bed", tmp_path / "validate.bed"
    heldout.write_text("chr1\t0\t8000\n")
    validate.write_text("chr2\t0\t8000\n")
    arguments = _arguments(fasta, "3-mer", recipe_file, tmp_path / "run")
    done = _run(*arguments, "--heldout", heldout, "--validate", validate)
    assert done.returncode == 0, done.stderr
    assert "both bigrams" in done.stdout
    card = (tmp_path / "run" / "checkpoint" / "README.md").read_text()
    assert "| both bigrams |" in card and "chr1:0-8" in card
    assert load_tokenizer(tmp_path / "run" / "checkpoint").pieces[4] == "AAA"
    assert "validation_loss" in (tmp_path / "run" / "metrics.jsonl").read_text()


@pytest.mark.slow
def test_killed_run_continues_to_the_same_bits(
    fasta: Path, tokenizer_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    """kill -9 in the middle of training, again and again, then the same command to its end."""
    recipe_file.write_text(yaml.safe_dump({**RECIPE, "stages": [{"tokens": 600_000, "window": 62, "mask_rate": 0.15}]}))
    whole = _run(*_arguments(fasta, tokenizer_folder, recipe_file, tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    arguments = _arguments(fasta, tokenizer_folder, recipe_file, tmp_path / "parts")
    command = [sys.executable, "-m", "grover_probe.pretrain", *map(str, arguments), "--save-minutes", "0.001"]
    states = tmp_path / "parts" / "states"
    for kill in range(2):
        seen = set(states.glob("step-*.json"))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(set(states.glob("step-*.json")) - seen) < 2 and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert not (tmp_path / "parts" / "checkpoint").exists(), kill
    again = _run(*arguments)
    assert again.returncode == 0, again.stderr
    assert "continuing after step" in again.stderr
    weights = [(tmp_path / name / "checkpoint" / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_two_processes_compute_what_one_does(
    fasta: Path, tokenizer_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    """torchrun with two processes of half the batch each, over gloo, against one process with all of it."""
    recipe_file.write_text(yaml.safe_dump({**RECIPE, "stages": [{"tokens": 150_000, "window": 62, "mask_rate": 0.15}]}))
    one = _run(*_arguments(fasta, tokenizer_folder, recipe_file, tmp_path / "one"))
    assert one.returncode == 0, one.stderr
    arguments = [*_arguments(fasta, tokenizer_folder, recipe_file, tmp_path / "two"), "--device", "cpu"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    two = subprocess.run(
        [*launcher, "-m", "grover_probe.pretrain", *map(str, arguments), "--no-progress"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert two.returncode == 0, two.stderr
    losses = [[each["loss"] for each in read_journal(tmp_path / name)] for name in ("one", "two")]
    assert len(losses[0]) >= 2
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert "2" in (tmp_path / "two" / "checkpoint" / "README.md").read_text()


def test_resume_with_another_recipe_is_refused(
    fasta: Path, tokenizer_folder: Path, recipe_file: Path, tmp_path: Path
) -> None:
    arguments = _arguments(fasta, tokenizer_folder, recipe_file, tmp_path / "run")
    assert _run(*arguments).returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run" / "states").iterdir()}
    recipe_file.write_text(yaml.safe_dump({**RECIPE, "architecture": {**RECIPE["architecture"], "layers": 2}}))
    done = _run(*arguments)
    assert done.returncode == 2
    assert "error: this run was begun with another architecture" in done.stderr.splitlines()[-1]
    other = _run(*_arguments(fasta, "3-mer", recipe_file, tmp_path / "run"))
    assert other.returncode == 2 and "tokenizer" in other.stderr.splitlines()[-1]
    assert {path: path.read_bytes() for path in (tmp_path / "run" / "states").iterdir()} == before
