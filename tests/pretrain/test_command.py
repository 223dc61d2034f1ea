"""Pretraining from the command line: a run, the same command again, bad input."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

RECIPE = {
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
    assert "tiny.fa" in card and "20,000 tokens" in card

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
