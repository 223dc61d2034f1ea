"""Training: order, what learns, weights of classes, continuing after an interruption, and the exported model."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.files import sha256_of
from grover_probe.finetune import runs, training
from grover_probe.finetune.classifier import load_classifier
from grover_probe.finetune.runs import fine_tune
from grover_probe.finetune.sampler import LengthSampler
from grover_probe.finetune.settings import Settings
from grover_probe.finetune.training import last_checkpoint

QUICK = {"draws": 20, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(epochs=3, learning_rate=3e-3, batch_size=16, patience=0)


@pytest.fixture(scope="module")
def finished(task, tiny_model_folder, settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "one"
    return out, fine_tune(task, tiny_model_folder, out, settings, seeds=(5,), **QUICK)


def test_it_learns(finished, task):
    out, result = finished
    assert result.metrics["mcc"] > 0.6 and result.metrics["auroc"] > 0.9
    assert set(result.metrics) >= {"mcc", "accuracy", "f1", "auroc", "auprc", "intervals", "n_test"}
    assert result.metrics == json.loads((out / "metrics.json").read_text())
    table = result.predictions
    assert table["id"].tolist() == task.part("test")["id"].tolist()
    assert np.allclose(table["p_0"] + table["p_1"], 1) and (table["prediction"] == (table["p_1"] > 0.5)).all()
    best = result.history["validation_mcc"].max()
    assert result.metrics["validation_mcc"]["5"] == pytest.approx(best)
    assert not (out / "work").exists()


def test_shows_itself(finished, task):
    _, result = finished
    low, high = result.metrics["intervals"]["mcc"]
    assert repr(result).startswith(f"FineTuned(MCC {result.metrics['mcc']:.3f}, {low:.3f} to {high:.3f}, of ")
    assert result.overview().loc[0].tolist() == ["mcc", result.metrics["mcc"], low, high]
    shown = task.overview().set_index("class")
    assert shown.to_numpy().sum() == len(task) and shown.loc["1", "test"] == task.part("test")["label"].sum()
    assert "auprc" in result._repr_html_() and "validation" in task._repr_html_()


def test_exported_model_gives_the_same_predictions(finished, task):
    out, result = finished
    network = AutoModelForSequenceClassification.from_pretrained(out).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    rows = task.part("test")
    for index in (0, 7, 13):
        with torch.inference_mode():
            logits = network(**tokenizer(rows["sequence"][index], return_tensors="pt")).logits
        assert logits.softmax(1)[0, 1].item() == pytest.approx(result.predictions["p_1"][index], abs=1e-5)
    assert network.config.id2label == {0: "0", 1: "1"}


def test_predictions_do_not_depend_on_batches(finished, task, monkeypatch):
    out, result = finished
    model = load_classifier(out, device="cpu")
    assert model.classes == task.classes and model.settings["length"] > 30
    table = task.part("test")
    monkeypatch.setattr("grover_probe.finetune.classifier._BATCH_POSITIONS", 1)
    one_by_one = model.probabilities(model.windows(table.iloc[::-1].reset_index(drop=True)), progress=False)[::-1]
    assert np.allclose(one_by_one[:, 1], result.predictions["p_1"], atol=1e-5)


def test_same_seed_same_result_and_nothing_is_done_twice(
    finished, task, tiny_model_folder, settings, tmp_path, monkeypatch
):
    out, result = finished
    again = fine_tune(task, tiny_model_folder, tmp_path, settings, seeds=(5,), **QUICK)
    assert sha256_of(tmp_path / "model.safetensors") == sha256_of(out / "model.safetensors")
    assert np.array_equal(again.predictions["p_1"], result.predictions["p_1"])
    monkeypatch.setattr(runs, "train", lambda *args, **options: pytest.fail("trained again"))
    kept = fine_tune(task, tiny_model_folder, tmp_path, settings, seeds=(5,), **QUICK)
    assert np.allclose(kept.predictions["p_1"], result.predictions["p_1"], atol=1e-5)


@pytest.mark.parametrize("stop_at", [7, 26])
def test_an_interrupted_run_is_continued_to_the_same_weights(
    finished, task, tiny_model_folder, settings, tmp_path, monkeypatch, stop_at
):
    """Stopped in the middle of an epoch after a checkpoint of its own, and two epochs later."""
    original = training._SaveByTime.on_step_end

    def step(self, args, state, control, **kwargs):
        original(self, args, state, control, **kwargs)
        if state.global_step == stop_at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training._SaveByTime, "on_step_end", step)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(task, tiny_model_folder, tmp_path, settings, seeds=(5,), checkpoint_seconds=0, **QUICK)
    there = last_checkpoint(tmp_path / "work" / "seed-5")
    assert there is not None and int(there.rpartition("-")[2]) == stop_at - 1
    broken = Path(there).with_name(f"checkpoint-{stop_at + 90}")
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"global_')  # cut off while it was written
    other = Settings(epochs=4, learning_rate=3e-3, batch_size=16, patience=0)
    with pytest.raises(InputError, match="unfinished run that differs in settings epochs"):
        fine_tune(task, tiny_model_folder, tmp_path, other, seeds=(5,), **QUICK)
    done = fine_tune(task, tiny_model_folder, tmp_path, settings, seeds=(5,), **QUICK)
    out, result = finished
    assert np.allclose(done.predictions["p_1"], result.predictions["p_1"], atol=1e-6)
    assert sha256_of(tmp_path / "model.safetensors") == sha256_of(out / "model.safetensors")
    assert done.history["epoch"].tolist() == [1, 2, 3]


def test_several_seeds(task, tiny_model_folder, tmp_path, settings):
    result = fine_tune(task, tiny_model_folder, tmp_path, settings, seeds=(5, 6), **QUICK)
    assert result.predictions["seed"].value_counts().to_dict() == dict.fromkeys((5, 6), len(task.part("test")))
    each = [scores["mcc"] for scores in result.metrics["seeds"].values()]
    assert result.metrics["mcc"] == pytest.approx(np.mean(each)) and set(result.metrics["sd"]) == {
        "mcc", "accuracy", "f1", "auroc", "auprc",
    }  # fmt: skip
    record = json.loads((tmp_path / "finetune.run.json").read_text())
    assert record["parameters"]["seeds"] == [5, 6] and record["model_of_seed"] in (5, 6)
    model = load_classifier(tmp_path, device="cpu")
    own = result.predictions[result.predictions["seed"] == record["model_of_seed"]]
    found = model.probabilities(model.windows(task.part("test")), progress=False)
    assert np.allclose(found[:, 1], own["p_1"], atol=1e-5)


def test_early_stopping(task, tiny_model_folder, tmp_path):
    settings = Settings(epochs=30, learning_rate=1e-7, batch_size=64, patience=2)
    result = fine_tune(task, tiny_model_folder, tmp_path, settings, **QUICK)
    history = result.history
    best = int(history["validation_mcc"].to_numpy().argmax())
    assert len(history) == best + 3 < 30


def test_head_only(task, tiny_model_folder, tmp_path):
    before = load_classifier(tiny_model_folder, ("0", "1"), device="cpu", seed=0).network.state_dict()
    fine_tune(task, tiny_model_folder, tmp_path, Settings(mode="head", epochs=1), **QUICK)
    after = load_classifier(tmp_path, device="cpu").network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}


def test_random_weights_are_a_control(tiny_model_folder):
    plain = load_classifier(tiny_model_folder, ("0", "1"), device="cpu")
    drawn = [
        load_classifier(tiny_model_folder, ("0", "1"), device="cpu", seed=s, random_weights=True) for s in (1, 1, 2)
    ]
    tables = [one.network.get_input_embeddings().weight for one in (plain, *drawn)]
    assert not torch.equal(tables[0], tables[1])
    assert torch.equal(tables[1], tables[2]) and not torch.equal(tables[1], tables[3])


def test_class_weights():
    labels = np.array([0] * 90 + [1] * 10)
    weights = training._class_weights(labels, 2, "balanced")
    assert weights.tolist() == pytest.approx([100 / 180, 5.0])
    assert float(weights[labels].mean()) == pytest.approx(1)
    assert training._class_weights(labels, 2, "none") is None


def test_order_is_a_function_of_seed_and_epoch():
    lengths = np.random.default_rng(0).integers(5, 100, 1_003)
    sampler = LengthSampler(lengths, 10, seed=4)
    first = list(sampler)
    assert sorted(first) == list(range(1_003)) and len(sampler) == 1_003 and first == list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first != list(LengthSampler(lengths, 10, seed=5))
    padding = [np.ptp(lengths[first[low : low + 10]]) for low in range(0, 1_000, 10)]
    assert np.mean(padding) < 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "x"}, "--mode 'x': expected one of full, head, lora"),
        ({"epochs": 0}, "--epochs 0: expected at least 1"),
        ({"learning_rate": 3.0}, "--learning-rate 3.0"),
        ({"class_weights": "x"}, "--class-weights 'x'"),
        ({"dtype": "int8"}, "--dtype 'int8'"),
        ({"long": "x"}, "--long 'x'"),
    ],
)
def test_settings_refuse(change, message):
    with pytest.raises(InputError, match=message):
        Settings(**change)


def test_lora_without_peft(task, tiny_model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda name: None if name == "peft" else object())
    with pytest.raises(MissingDependencyError, match="LoRA needs peft, which is not installed: pip install peft"):
        fine_tune(task, tiny_model_folder, tmp_path, Settings(mode="lora"), **QUICK)
    assert not any(tmp_path.iterdir())


def test_a_loss_that_is_no_number_leaves_nothing(task, tiny_model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(InputError, match="the loss is not a number; choose a smaller --learning-rate"):
        fine_tune(task, tiny_model_folder, tmp_path, Settings(epochs=1), **QUICK)
    assert not any(tmp_path.iterdir())


def test_half_precision(task, tiny_model_folder, tmp_path):
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        fine_tune(task, tiny_model_folder, tmp_path, Settings(dtype="fp16"), **QUICK)
    result = fine_tune(task, tiny_model_folder, tmp_path, Settings(epochs=1, dtype="bf16"), **QUICK)
    assert np.isfinite(result.metrics["auroc"])


def test_three_classes_of_others(tiny_model_folder, tmp_path):
    from grover_probe.tasks.reading import read_task

    rng = np.random.default_rng(0)
    lines = ["sequence,label"]
    for number in range(240):
        share = np.full(4, 0.1)
        share[number % 3] = 0.7
        lines.append("".join(rng.choice(list("ACGT"), 40, p=share)) + f",{('a', 'b', 'c')[number % 3]}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    dataset = read_task(tmp_path / "t.csv")
    settings = Settings(epochs=4, learning_rate=3e-3, batch_size=16, class_weights="balanced")
    result = fine_tune(dataset, tiny_model_folder, tmp_path / "out", settings, **QUICK)
    assert result.metrics["mcc"] > 0.6 and {"p_a", "p_b", "p_c"} <= set(result.predictions)


def test_lora(task, tiny_model_folder, tmp_path):
    pytest.importorskip("peft")
    settings = Settings(mode="lora", epochs=2, learning_rate=3e-3, batch_size=16)
    result = fine_tune(task, tiny_model_folder, tmp_path, settings, **QUICK)
    before = load_classifier(tiny_model_folder, ("0", "1"), device="cpu", seed=0).network.state_dict()
    model = load_classifier(tmp_path, device="cpu")
    after = model.network.state_dict()
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    encoder = {name for name in changed if ".pooler." not in name and "classifier" not in name}
    assert encoder and all(".query." in name or ".value." in name for name in encoder)
    assert {"classifier.weight", "bert.pooler.dense.weight"} <= changed
    found = model.probabilities(model.windows(task.part("test")), progress=False)
    assert np.allclose(found[:, 1], result.predictions["p_1"], atol=1e-5)
    assert "peft" in sys.modules


def test_no_trained_head(tiny_model_folder):
    with pytest.raises(InputError, match="has no trained classification head"):
        load_classifier(tiny_model_folder, device="cpu")
