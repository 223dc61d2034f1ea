"""The training loop: loss, learning, several processes, and going on after a stop."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.pretrain import train
from grover_probe.pretrain.devices import make_accelerator
from grover_probe.pretrain.examples import make_example, plan
from grover_probe.pretrain.journal import read_journal
from grover_probe.pretrain.model import flops_per_token
from grover_probe.pretrain.recipe import Architecture, Recipe, Stage, learning_rate_at
from grover_probe.pretrain.states import States
from grover_probe.pretrain.train import Trainer


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _train(corpus: Corpus, recipe: Recipe, out: Path, **options: object) -> dict[str, torch.Tensor]:
    trainer = Trainer(corpus, corpus.runs(), recipe)
    return _weights(train.pretrain(trainer, out, progress=False, **options))  # type: ignore[arg-type]


def _without_dropout(recipe: Recipe) -> Recipe:
    return dataclasses.replace(recipe, architecture=dataclasses.replace(recipe.architecture, dropout=0.0))


def test_loss_equals_that_of_transformers(corpus: Corpus, recipe: Recipe) -> None:
    """Logits at masked positions only give the loss that `BertForMaskedLM` computes from all logits and labels."""
    recipe = _without_dropout(recipe)
    trainer = Trainer(corpus, corpus.runs(), recipe)
    planned = next(iter(plan(corpus.runs(), recipe)))
    example = make_example(corpus.ids, planned, recipe, trainer.is_piece)
    labels = example.targets.masked_fill(~example.selected, -100)
    output = trainer.model(
        example.ids,
        attention_mask=example.attention_mask,
        position_ids=example.positions,
        labels=labels,
    )
    assert float(trainer.step(planned)) == pytest.approx(output.loss.item(), abs=1e-5)


def test_result_does_not_depend_on_micro_batches(corpus: Corpus, recipe: Recipe) -> None:
    recipe = _without_dropout(recipe)
    whole, parts = (Trainer(corpus, corpus.runs(), recipe, micro_tokens=positions) for positions in (10**6, 3 * 22))
    for planned, _ in zip(plan(corpus.runs(), recipe), range(4), strict=False):
        assert float(whole.step(planned)) == pytest.approx(float(parts.step(planned)), rel=1e-5)
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(parts.model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_loss_falls_below_the_unigram(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(recipe, start="random", stages=(Stage(60_000, 60, 0.3),), learning_rate=3e-3)
    _train(corpus, recipe, tmp_path)
    records = [record for record in read_journal(tmp_path) if "loss" in record]
    assert records[-1]["loss"] < records[0]["loss"]


def test_stopped_run_continues_to_the_same_weights(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_REPORT_EVERY_STEPS", 3)
    whole = _train(corpus, recipe, tmp_path / "whole")
    step = Trainer.step

    def stop_at_seven(self: Trainer, *args: object) -> torch.Tensor:
        if self.step_number == 7:
            raise KeyboardInterrupt
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", stop_at_seven)
    with pytest.raises(KeyboardInterrupt):
        _train(corpus, recipe, tmp_path / "parts", save_minutes=0.0)
    monkeypatch.setattr(Trainer, "step", step)
    parts = _train(corpus, recipe, tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    steps = [record["step"] for record in read_journal(tmp_path / "parts")]
    assert len(steps) > 2
    assert sorted(set(steps)) == steps, "no step is reported twice"


def test_damaged_state_is_passed_over(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = _train(corpus, recipe, tmp_path, save_minutes=0.0)
    states = States(tmp_path / "states")
    newest = states.path(states.records()[-1])
    newest.write_bytes(newest.read_bytes()[:-1000])
    again = _train(corpus, recipe, tmp_path, save_minutes=0.0)
    assert "warning" in capsys.readouterr().err
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    for record in states.records():
        states.path(record).write_bytes(b"")
    with pytest.raises(InputError, match="states are damaged"):
        _train(corpus, recipe, tmp_path)


def test_last_states_and_the_best_are_kept(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    losses = iter([5.0, 3.0, 4.0] + [6.0] * 100)
    _train(corpus, recipe, tmp_path, save_minutes=0.0, keep=2, validate=lambda model: next(losses))
    states = States(tmp_path / "states")
    records = states.records()
    n_steps = sum(1 for _ in plan(corpus.runs(), recipe))
    assert [record.step for record in records] == [2, n_steps - 1, n_steps]
    assert states.best() == records[0]
    assert len(list((tmp_path / "states").iterdir())) == 6
    assert read_journal(tmp_path)[0] == {"step": 1, "tokens": records[0].tokens // 2, "validation_loss": 5.0} | {
        "tokens": read_journal(tmp_path)[0]["tokens"]
    }


def test_disk_full_keeps_the_states_before(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = torch.save, []

    def full_at_third(state: object, path: Path) -> None:
        calls.append(path)
        if len(calls) == 3:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", full_at_third)
    with pytest.raises(OSError, match="No space left"):
        _train(corpus, recipe, tmp_path, save_minutes=0.0)
    monkeypatch.undo()
    assert sorted(path.name for path in (tmp_path / "states").iterdir()) == [
        f"step-00000000{step}.{end}" for step in (1, 2) for end in ("json", "pt")
    ]
    whole = _train(corpus, recipe, tmp_path / "whole")
    again = _train(corpus, recipe, tmp_path)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_resume_with_other_settings_names_them(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    _train(corpus, recipe, tmp_path)
    changed = dataclasses.replace(recipe, seed=6, learning_rate=2e-3)
    with pytest.raises(InputError, match=r"another learning_rate \(was 0.001, is 0.002\), seed \(was 5, is 6\)"):
        _train(corpus, changed, tmp_path)
    with pytest.raises(InputError, match="another architecture"):
        _train(corpus, _without_dropout(recipe), tmp_path)
    with pytest.raises(InputError, match="another held-out sequence"):
        train.pretrain(Trainer(corpus, corpus.runs()[:1], recipe), tmp_path, progress=False)


def test_tensorboard_reads_the_log(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recipe = dataclasses.replace(recipe, stages=(Stage(60_000, 60, 0.3),))
    _train(corpus, recipe, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    logged = [(event.step, event.value) for event in events.Scalars("loss")]
    written = [(record["tokens"], pytest.approx(record["loss"])) for record in read_journal(tmp_path)]
    assert logged == written


def test_learning_rate_warms_up_and_falls_to_zero(recipe: Recipe) -> None:
    rates = [learning_rate_at(tokens, recipe) for tokens in (0, 500, 1_000, 6_500, recipe.total_tokens)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(recipe.learning_rate)
    assert rates[3] == pytest.approx(recipe.learning_rate / 2)
    assert rates[4] == pytest.approx(0, abs=1e-12)


def test_learning_rate_begins_anew_at_a_restart(recipe: Recipe) -> None:
    twice = dataclasses.replace(recipe, restarts=(6_000,))
    once = dataclasses.replace(recipe, stages=(Stage(6_000, 20),))
    for tokens in (0, 700, 3_000, 5_999):
        assert learning_rate_at(tokens, twice) == learning_rate_at(tokens, once)
        assert learning_rate_at(tokens + 6_000, twice) == learning_rate_at(tokens, once)


def test_loss_that_is_not_a_number_stops(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    trainer = Trainer(corpus, corpus.runs(), recipe)
    with torch.no_grad():
        trainer.model.cls.predictions.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="step 0, windows from token"):
        train.pretrain(trainer, tmp_path, progress=False)
    assert not list((tmp_path / "states").iterdir())


def test_flops_of_bert_base() -> None:
    """85 M weights in the blocks: six operations each, and a tenth more for attention at 512 tokens."""
    blocks = 12 * (4 * 768**2 + 2 * 768 * 3072)
    assert flops_per_token(Architecture(), 0) == 6 * blocks
    assert flops_per_token(Architecture(), 512) == pytest.approx(6 * blocks * 1.11, rel=0.01)


@pytest.mark.parametrize("dtype", ["fp16", "int8"])
def test_unknown_precision_is_refused(dtype: str) -> None:
    with pytest.raises(InputError, match="expected auto, fp32 or bf16"):
        make_accelerator("cpu", dtype)


def test_journal_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    from grover_probe.pretrain.journal import Journal

    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 5, "tokens": 9}) + '\n{"step": 6, "to')
    Journal(tmp_path, 7).close()
    assert read_journal(tmp_path) == [{"step": 5, "tokens": 9}]
