"""Fine-tuning with one or several seeds, from a data set to predictions, metrics and a model on disk."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.finetune.classifier import Classifier, load_classifier
from grover_probe.finetune.examples import Windows
from grover_probe.finetune.export import save_model
from grover_probe.finetune.metrics import matthews, summarise
from grover_probe.finetune.results import FineTuned, prediction_table, stored, write_result
from grover_probe.finetune.settings import Settings
from grover_probe.finetune.training import CHECKPOINT_SECONDS, check_installed, train
from grover_probe.tasks.dataset import SPLITS, DataSet

if TYPE_CHECKING:
    import pandas as pd

WORK = "work"


def fine_tune(
    dataset: DataSet,
    model: str | Path,
    out: Path | str,
    settings: Settings | None = None,
    *,
    seeds: Sequence[int] = (0,),
    tokenizer: str | Path | None = None,
    device: str = "auto",
    trust_remote_code: bool = False,
    draws: int = 1000,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    progress: bool = True,
) -> FineTuned:
    """Fine-tune a model on a task, predict its test split, and write everything; an interrupted run is continued.

    Parameters
    ----------
    dataset
        The task.
    model
        Folder or hub id.
    out
        Gets ``metrics.json``, ``predictions.tsv``, ``history.tsv``, ``finetune.run.json`` and the model of the seed
        with the best validation MCC (``config.json``, ``model.safetensors``, tokenizer).
    settings
        How; `Settings()` by default.
    seeds
        One training each.
    tokenizer
        By default the model's own.
    device, trust_remote_code
        As in `grover_probe.finetune.classifier.load_classifier`.
    draws
        Of the bootstrap.
    checkpoint_seconds
        Longest time between checkpoints.
    progress
        Show progress bars on stderr.

    Raises
    ------
    InputError
        When something does not fit, or `out` holds an unfinished run of another model, task or setting.
    MissingDependencyError
        When accelerate, or peft for LoRA, is not installed.
    """

    settings = settings or Settings()
    check_installed(settings)
    out = Path(out)
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds {', '.join(map(str, seeds))}: expected different whole numbers, 0 or more")
    start: Callable[..., Classifier] = partial(
        load_classifier, model, dataset.classes, tokenizer=tokenizer, device=device,
        random_weights=settings.random_weights, trust_remote_code=trust_remote_code,
    )  # fmt: skip
    first = start(seed=seeds[0])
    _check(dataset, first, settings)
    key = {
        "task": {"name": dataset.name, "sha256": dataset.hash},
        "model": first.source,
        "tokenizer": first.tokenizer.hash,
        "settings": settings.to_dict(),
    }
    found = stored(out, key, seeds)
    if found is not None:
        return found
    job = _prepare(dataset, first, settings)
    work = make_folder(out / WORK)
    _check_work(work, key)
    done: dict[int, _Done] = {}
    for seed in seeds:
        folder = work / f"seed-{seed}"
        if not (folder / "done.json").is_file():
            try:
                trained = train(
                    start(seed=seed), job.of("train"), job.of("validation"), settings, folder, seed=seed,
                    checkpoint_seconds=checkpoint_seconds, progress=progress,
                )  # fmt: skip
            except InputError:  # nothing that would be worth continuing
                shutil.rmtree(work)
                raise
            _finish(folder, job, *trained, progress=progress)
        done[seed] = _read_done(folder, seed)
        note(f"seed {seed}: validation MCC {done[seed].validation_mcc:.3f} (epoch {done[seed].best_epoch:g})")
    result = _summary(job, done, draws)
    best = max(seeds, key=lambda seed: done[seed].validation_mcc)
    write_result(result, out, work / f"seed-{best}" / "model", key, seeds, best)
    shutil.rmtree(work)
    return result


@dataclass(frozen=True)
class _Job:
    """A task as input of one model: windows and labels of each split, and what prediction must know later."""

    dataset: DataSet
    windows: dict[str, Windows]
    labels: dict[str, np.ndarray]
    described: dict[str, Any]

    def of(self, split: str) -> tuple[Windows, np.ndarray]:
        return self.windows[split], self.labels[split]


@dataclass(frozen=True)
class _Done:
    """What is kept of the training of one seed."""

    probabilities: np.ndarray
    validation_mcc: float
    best_epoch: float
    history: "pd.DataFrame"


def _prepare(dataset: DataSet, classifier: Classifier, settings: Settings) -> _Job:
    parts = {split: dataset.part(split) for split in SPLITS}
    windows = {
        split: classifier.windows(part, long=settings.long, flank=settings.flank, tokens=settings.tokens)
        for split, part in parts.items()
    }
    too_long = sum(part.too_long for part in windows.values())
    if too_long:
        verb = "cut to the middle" if settings.long == "cut" else "divided into windows"
        note(f"{too_long:,} sequences have more than {classifier.max_tokens} tokens and were {verb}")
    labels = {split: part["label"].to_numpy(np.int64) for split, part in parts.items()}
    table = dataset.table
    flank = int(table["left"].str.len().min()) if settings.flank and "left" in table else 0
    length = int(table["sequence"].str.len().median())
    described = {"task": dataset.name, "length": length, "flank": flank, "long": settings.long}
    return _Job(dataset, windows, labels, described)


def _finish(folder: Path, job: _Job, classifier: Classifier, log: list[dict[str, Any]], *, progress: bool) -> None:
    """Predict, export, and only then say that this seed is done; its checkpoints go."""
    held = classifier.probabilities(job.windows["validation"], label="validation", progress=progress)
    test = classifier.probabilities(job.windows["test"], label="test", progress=progress)
    save_model(classifier, folder / "model", job.described)
    np.save(folder / "test.npy", test)
    history = _history(log)
    done = {
        "validation_mcc": matthews(job.labels["validation"], held.argmax(axis=1)),
        "best_epoch": max(history, key=lambda row: row["validation_mcc"])["epoch"],
        "history": history,
    }
    with atomic_path(folder / "done.json") as temporary:
        temporary.write_text(json.dumps(done) + "\n", encoding="utf-8")
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def _read_done(folder: Path, seed: int) -> _Done:
    import pandas as pd

    done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    history = pd.DataFrame(done["history"]).assign(seed=seed)
    return _Done(np.load(folder / "test.npy"), float(done["validation_mcc"]), float(done["best_epoch"]), history)


def _summary(job: _Job, done: dict[int, _Done], draws: int) -> FineTuned:
    import pandas as pd

    part = job.dataset.part("test")
    groups = part["group"].to_numpy(str) if "group" in part else None
    runs = {seed: one.probabilities for seed, one in done.items()}
    metrics = summarise(job.labels["test"], runs, groups, draws=draws)
    metrics["validation_mcc"] = {str(seed): one.validation_mcc for seed, one in done.items()}
    history = pd.concat([one.history for one in done.values()], ignore_index=True)
    return FineTuned(metrics, prediction_table(part, job.dataset.classes, runs), history)


def _check(dataset: DataSet, classifier: Classifier, settings: Settings) -> None:
    """Refuse ids that were made by another tokenizer, and a precision that the device does not have."""
    if settings.dtype == "fp16" and classifier.network.device.type == "cpu":
        raise InputError("--dtype fp16 needs a GPU; choose fp32 or bf16")
    if not settings.tokens or "tokens" not in dataset.table:
        return
    made = dataset.card.get("details", {}).get("Tokens", {}).get("tokenizer_sha256")
    if made != classifier.tokenizer.hash:
        raise InputError(
            f"{dataset.name}: its tokens were made by another tokenizer than the model's; build it with --tokenizer of "
            "this model, or read the sequences instead (--no-tokens)"
        )


def _history(log: list[dict[str, Any]]) -> list[dict[str, float]]:
    """One row per epoch from the trainer's log."""
    rows: dict[float, dict[str, float]] = {}
    for entry in log:
        if "eval_mcc" in entry:
            rows.setdefault(entry["epoch"], {})["validation_mcc"] = float(entry["eval_mcc"])
        elif "loss" in entry:
            row = rows.setdefault(entry["epoch"], {})
            row.update(loss=float(entry["loss"]), learning_rate=float(entry["learning_rate"]))
    return [{"epoch": epoch, **row} for epoch, row in sorted(rows.items()) if "validation_mcc" in row]


def _check_work(work: Path, key: dict[str, Any]) -> None:
    """Keep the key of an unfinished run beside it, and refuse to continue it with something else."""
    path = work / "key.json"
    wanted = json.loads(json.dumps(key, default=str))
    if not path.is_file():
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        return
    there = json.loads(path.read_text(encoding="utf-8"))
    different = [f"{name} {field}" for name in wanted for field in _differences(there.get(name), wanted[name])]
    if different:
        raise InputError(
            f"{work}: an unfinished run that differs in {', '.join(different)}; give the same command to continue it, "
            "choose another --out, or delete this folder"
        )


def _differences(there: Any, wanted: Any) -> list[str]:
    if isinstance(there, dict) and isinstance(wanted, dict):
        return [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
    return [] if there == wanted else [""]
