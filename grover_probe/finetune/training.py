"""One fine-tuning with `transformers.Trainer`: what learns, in which order, when it is saved and when it stops."""

import json
import math
import time
import warnings
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from grover_probe.command import track
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.finetune.classifier import Classifier, head_parameters
from grover_probe.finetune.examples import Windows, average, pad
from grover_probe.finetune.metrics import matthews
from grover_probe.finetune.sampler import LengthSampler
from grover_probe.finetune.settings import Settings
from grover_probe.models.loading import quiet_transformers

CHECKPOINT_SECONDS = 300.0
_ATTENTION = ("query", "value", "query_proj", "value_proj", "q_proj", "v_proj", "q_lin", "v_lin", "Wqkv")


def train(
    classifier: Classifier,
    training: tuple[Windows, np.ndarray],
    validation: tuple[Windows, np.ndarray],
    settings: Settings,
    folder: Path,
    *,
    seed: int,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    progress: bool = True,
) -> tuple[Classifier, list[dict[str, Any]]]:
    """Train a classifier; what is in `folder` is continued.

    Parameters
    ----------
    classifier
        With a new head. Its network is changed.
    training, validation
        Windows, and the label of each example, shape (n_examples,).
    settings
        How.
    folder
        For checkpoints: after each epoch and every few minutes.
    seed
        Decides order and dropout.
    checkpoint_seconds
        Longest time between checkpoints.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    classifier : Classifier
        With the weights of the epoch that has the best validation MCC.
    history : list of dict
        The trainer's log: loss, learning rate and validation MCC by epoch.

    Raises
    ------
    InputError
        When the training diverges.
    """
    network = _learnable(classifier.network, settings)
    windows, labels = training
    with quiet_transformers():
        trainer = _Trainer(
            network,
            _arguments(folder, settings, seed, network.device),
            windows,
            labels,
            validation,
            classifier.specials.pad,
            _class_weights(labels, len(classifier.classes), settings.class_weights),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
        trainer.add_callback(_SaveByTime(checkpoint_seconds))
        if settings.patience:
            trainer.add_callback(EarlyStoppingCallback(settings.patience))
        bar = _Bar(progress)
        trainer.add_callback(bar)
        try:
            trainer.train(resume_from_checkpoint=last_checkpoint(folder))
        finally:
            bar.close()
    history = trainer.state.log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    if losses and not np.isfinite(losses).all():
        raise InputError(f"the loss is not a number; choose a smaller --learning-rate than {settings.rate:g}")
    if settings.mode == "lora":
        network = network.merge_and_unload()
    for tensor in network.parameters():
        tensor.requires_grad_(True)
    return replace(classifier, network=network.eval()), history


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; one that was cut off while it was written is passed over."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    whole = [path for path in found if _readable(path / "trainer_state.json")]
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


def _readable(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        return False


def _arguments(folder: Path, settings: Settings, seed: int, device: torch.device) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        learning_rate=settings.rate,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=settings.weight_decay,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="mcc",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
        log_level="critical",
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type != "cpu",
        bf16=settings.dtype == "bf16",
        fp16=settings.dtype == "fp16",
        seed=seed,
        data_seed=seed,
    )


class _Trainer(Trainer):
    """The trainer with our order of examples, weighted loss, and windows joined for validation."""

    def __init__(
        self,
        network: Any,
        arguments: TrainingArguments,
        windows: Windows,
        labels: np.ndarray,
        validation: tuple[Windows, np.ndarray],
        pad_id: int,
        weights: torch.Tensor | None,
    ) -> None:
        held, held_labels = validation
        order = np.argsort(held.lengths, kind="stable")
        self._sampler = LengthSampler(windows.lengths, arguments.per_device_train_batch_size, arguments.seed)

        def collate(rows: list[tuple[np.ndarray, int]]) -> dict[str, torch.Tensor]:
            ids, mask = pad([row[0] for row in rows], pad_id)
            return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([row[1] for row in rows])}

        def loss(outputs: Any, target: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
            share = None if weights is None else weights.to(outputs.logits.device)
            return torch.nn.functional.cross_entropy(outputs.logits.float(), target, share)

        def scores(found: Any) -> dict[str, float]:
            logits = average(np.asarray(found.predictions), held.owner[order], held.n_examples)
            return {"mcc": matthews(held_labels, logits.argmax(axis=1))}

        super().__init__(
            model=network,
            args=arguments,
            data_collator=collate,
            train_dataset=list(zip(windows.ids, labels[windows.owner].tolist(), strict=True)),
            eval_dataset=[(held.ids[index], int(held_labels[held.owner[index]])) for index in order],
            compute_metrics=scores,
            compute_loss_func=loss,
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self._sampler


class _SaveByTime(TrainerCallback):
    """A checkpoint when the last one is some minutes old, so that an interruption costs no more."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if time.monotonic() - self._last >= self._seconds:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last = time.monotonic()


class _Bar(TrainerCallback):
    """A progress bar on stderr with the last validation MCC."""

    def __init__(self, progress: bool) -> None:
        self._progress, self._bar = progress, None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar = track(
            total=state.max_steps, initial=state.global_step, label="train", unit="step", progress=self._progress
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.update(1)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        if self._bar is not None and metrics:
            self._bar.set_postfix_str(f"validation MCC {metrics.get('eval_mcc', math.nan):.3f}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def _learnable(network: Any, settings: Settings) -> Any:
    """Say which weights learn; for LoRA the network is wrapped."""
    if settings.mode == "full":
        return network
    head = head_parameters(network)
    for tensor in network.parameters():
        tensor.requires_grad_(False)
    for _, tensor in head:
        tensor.requires_grad_(True)
    if settings.mode == "head":
        return network
    peft = import_module("peft")  # not among the dependencies
    targets = sorted({name.rpartition(".")[2] for name, _ in network.named_modules()} & set(_ATTENTION))
    if not targets:
        raise InputError(f"--mode lora: no queries or values known in {type(network).__name__}; use --mode full")
    saved = sorted({name.split(".")[0 if name.split(".")[0] in ("classifier", "score") else 1] for name, _ in head})
    addition = peft.LoraConfig(
        r=settings.rank, lora_alpha=2 * settings.rank, target_modules=targets, modules_to_save=saved
    )
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5 for a name that it deprecates
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        return peft.get_peft_model(network, addition)


def _class_weights(labels: np.ndarray, n_classes: int, rule: str) -> torch.Tensor | None:
    """Weights of the loss by class, in inverse proportion to their numbers, mean 1 over examples."""
    if rule == "none":
        return None
    counts = np.maximum(np.bincount(labels, minlength=n_classes), 1)
    return torch.tensor(len(labels) / (n_classes * counts), dtype=torch.float32)


def check_installed(settings: Settings) -> None:
    """Check for the packages that a fine-tuning needs beyond the core.

    Raises
    ------
    MissingDependencyError
        When accelerate, or peft for LoRA, is not there.
    """
    _require("accelerate", "fine-tuning", "train")
    if settings.mode == "lora":
        _require("peft", "LoRA", None)


def _require(package: str, use: str, extra: str | None) -> None:
    if find_spec(package) is None:
        how = f'pip install "grover-probe[{extra}]"' if extra else f"pip install {package}"
        raise MissingDependencyError(f"{use} needs {package}, which is not installed: {how}")
