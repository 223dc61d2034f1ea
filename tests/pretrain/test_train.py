"""The training loop: loss, order of the data, learning, and going on after a stop."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.masking import MaskRule, mask_tokens
from grover_probe.pretrain import train
from grover_probe.pretrain.recipe import Recipe, Stage, learning_rate_at
from grover_probe.pretrain.train import Trainer, training_batches


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_loss_equals_that_of_transformers(corpus: Corpus, recipe: Recipe) -> None:
    """Logits at masked positions only give the loss that `BertForMaskedLM` computes from all logits and labels."""
    recipe = dataclasses.replace(recipe, architecture=dataclasses.replace(recipe.architecture, dropout=0.0))
    trainer = Trainer(corpus, corpus.runs(), recipe)
    _, stage, batch = next(iter(training_batches(corpus.ids, corpus.runs(), recipe)))
    stage = dataclasses.replace(stage, shift=False)
    ids = torch.from_numpy(batch.input_ids)
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003)
    corrupted, selected = mask_tokens(ids, trainer.n_ids, MaskRule(stage.mask_rate), generator)
    mask = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask)
    expected = trainer.model(corrupted, attention_mask=mask, labels=ids.masked_fill(~selected, -100)).loss
    assert trainer.step(0, stage, batch) == pytest.approx(expected.item(), abs=1e-5)


def test_loss_falls_below_the_unigram(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(recipe, start="random", stages=(Stage(60_000, 60, 0.3),), learning_rate=3e-3)
    train.pretrain(corpus, corpus.runs(), recipe, tmp_path, progress=False)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_stopped_run_continues_to_the_same_weights(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_REPORT_EVERY_STEPS", 3)
    whole = _weights(train.pretrain(corpus, corpus.runs(), recipe, tmp_path / "whole", progress=False))
    monkeypatch.setattr(train, "_SAVE_EVERY_SECONDS", 0.0)
    step = Trainer.step

    def stop_at_seven(self: Trainer, *args: object) -> float:
        if self.step_number == 7:
            raise KeyboardInterrupt
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", stop_at_seven)
    with pytest.raises(KeyboardInterrupt):
        train.pretrain(corpus, corpus.runs(), recipe, tmp_path / "parts", progress=False)
    monkeypatch.setattr(Trainer, "step", step)
    parts = _weights(train.pretrain(corpus, corpus.runs(), recipe, tmp_path / "parts", progress=False))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()]
    assert len(steps) > 2
    assert sorted(set(steps)) == steps, "no step is reported twice"


def test_resume_with_other_settings_names_them(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    train.pretrain(corpus, corpus.runs(), recipe, tmp_path, progress=False)
    with pytest.raises(InputError, match=r"another learning_rate, seed"):
        changed = dataclasses.replace(recipe, seed=6, learning_rate=2e-3)
        train.pretrain(corpus, corpus.runs(), changed, tmp_path, progress=False)


def test_batches_depend_on_the_seed_alone(corpus: Corpus, recipe: Recipe) -> None:
    first, again = (list(training_batches(corpus.ids, corpus.runs(), recipe)) for _ in range(2))
    assert all(np.array_equal(a[2].input_ids, b[2].input_ids) for a, b in zip(first, again, strict=True))
    other = next(iter(training_batches(corpus.ids, corpus.runs(), dataclasses.replace(recipe, seed=6))))
    assert not np.array_equal(first[0][2].windows, other[2].windows)
    seen = [seen for seen, _, _ in first]
    assert np.array_equal(np.diff(seen), [batch.n_tokens for _, _, batch in first][:-1])
    for _, stage, batch in first:
        assert (batch.windows[:, 1] - batch.windows[:, 0]).max() <= stage.window
        assert batch.input_ids.size <= recipe.batch_tokens


def test_held_out_tokens_are_never_in_a_batch(corpus: Corpus, recipe: Recipe) -> None:
    from grover_probe.genome import Region

    block = Region("chr1", 5_000, 9_000)
    runs = corpus.runs(exclude=[block])
    held = np.concatenate([np.arange(a, b) for a, b in corpus.runs([block])])
    for _, _, batch in training_batches(corpus.ids, runs, recipe):
        used = np.concatenate([np.arange(a, b) for a, b in batch.windows])
        assert not np.isin(used, held).any()


def test_shifted_windows_reach_all_positions(corpus: Corpus, recipe: Recipe) -> None:
    trainer = Trainer(corpus, corpus.runs(), recipe)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([trainer._positions(22, Stage(1, 20, shift=True), generator) for _ in range(300)])
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, 1:].diff() == 1).all()
    assert drawn[:, 1:].min() == 1
    assert drawn.max() == recipe.architecture.max_positions - 1


def test_learning_rate_warms_up_and_falls_to_zero(recipe: Recipe) -> None:
    rates = [learning_rate_at(tokens, recipe) for tokens in (0, 500, 1_000, 6_500, recipe.total_tokens)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(recipe.learning_rate)
    assert rates[3] == pytest.approx(recipe.learning_rate / 2)
    assert rates[4] == pytest.approx(0, abs=1e-12)


def test_loss_that_is_not_a_number_stops(corpus: Corpus, recipe: Recipe) -> None:
    trainer = Trainer(corpus, corpus.runs(), recipe)
    with torch.no_grad():
        trainer.model.cls.predictions.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="step 0, windows from token"):
        trainer.step(*next(iter(training_batches(corpus.ids, corpus.runs(), recipe))))
