"""The untrained counterpart of a checkpoint."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grover_probe.bpe import BPETokenizer
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.pretrain.checkpoint import save_checkpoint
from grover_probe.pretrain.recipe import Recipe
from grover_probe.pretrain.train import Trainer
from grover_probe.pretrain.untrained import random_start, untrained_start


@pytest.fixture
def checkpoint(
    corpus: Corpus, recipe: Recipe, tokenizer: BPETokenizer, tokenizer_folder: Path, tmp_path: Path
) -> tuple[Path, Trainer]:
    """A checkpoint whose weights are not those it began with."""
    trainer = Trainer(corpus, corpus.runs(), recipe)
    begun = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter.add_(1.0)
    folder = save_checkpoint(trainer.model, trainer, tokenizer, tokenizer_folder, tmp_path / "checkpoint", "card")
    trainer.model.load_state_dict(begun)
    return folder, trainer


def test_start_is_made_again(checkpoint: tuple[Path, Trainer], capsys: pytest.CaptureFixture[str]) -> None:
    folder, trainer = checkpoint
    again = untrained_start(folder).state_dict()
    for name, tensor in trainer.model.state_dict().items():
        torch.testing.assert_close(again[name], tensor, rtol=1e-3, atol=1e-6)
    assert capsys.readouterr().err == ""


def test_other_random_weights_are_noted(checkpoint: tuple[Path, Trainer], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = checkpoint
    record = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**record, "start_sha256": "0"}))
    untrained_start(folder)
    assert "differ from the original" in capsys.readouterr().err


def test_random_start_follows_the_seed(checkpoint: tuple[Path, Trainer]) -> None:
    folder, trainer = checkpoint
    first, again, other = (random_start(folder, seed).state_dict() for seed in (1, 1, 2))
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(first[name], again[name]) and not torch.equal(first[name], other[name])
    assert first.keys() == trainer.model.state_dict().keys()


def test_folder_without_a_record_of_its_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say how the model began"):
        untrained_start(tmp_path)


@pytest.mark.parametrize("start", ["initial", "random"])
def test_command_writes_a_model_folder(checkpoint: tuple[Path, Trainer], start: str, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    arguments = ["--model", str(checkpoint[0]), "--start", start, "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "grover_probe.untrained", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    AutoModelForMaskedLM.from_pretrained(tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").is_file()
