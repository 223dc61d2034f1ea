"""Fine-tuning with one or several seeds, from a data set to predictions, metrics and a model on disk."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder, sha256_of, staged_files
from grover_probe.finetune.classifier import Classifier, load_classifier
from grover_probe.finetune.export import save_model
from grover_probe.finetune.metrics import matthews, summarise
from grover_probe.finetune.settings import Settings
from grover_probe.finetune.training import CHECKPOINT_SECONDS, train
from grover_probe.provenance import write_run
from grover_probe.tasks.dataset import DataSet

if TYPE_CHECKING:
    import pandas as pd

WORK, RECORD = "work", "finetune.run.json"
RESULTS = ("metrics.json", "predictions.tsv", "history.tsv")
_PLACE = ("chrom", "start", "end", "strand", "group")


@dataclass(frozen=True)
class FineTuned:
    """The result of a fine-tuning.

    Attributes
    ----------
    metrics
        As `grover_probe.finetune.metrics.summarise` gives them, of the test split.
    predictions
        One row per test example and seed: ``id``, ``seed``, ``label``, ``prediction``, ``p_CLASS`` for each class.
    history
        One row per epoch and seed: ``loss``, ``validation_mcc``, ``learning_rate``.
    """

    metrics: dict[str, Any]
    predictions: "pd.DataFrame"
    history: "pd.DataFrame"

    def to_frame(self) -> "pd.DataFrame":
        """The predictions."""
        return self.predictions

    def save(self, folder: Path | str) -> None:
        """Write ``metrics.json``, ``predictions.tsv`` and ``history.tsv``."""
        folder = make_folder(folder)
        with atomic_path(folder / RESULTS[0]) as temporary:
            temporary.write_text(json.dumps(self.metrics, indent=1) + "\n", encoding="utf-8")
        for name, table in zip(RESULTS[1:], (self.predictions, self.history), strict=True):
            with atomic_path(folder / name) as temporary:
                table.to_csv(temporary, sep="\t", index=False, lineterminator="\n", float_format="%.6g")


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
    """
    import pandas as pd

    settings = settings or Settings()
    out = Path(out)
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds {', '.join(map(str, seeds))}: expected different whole numbers, 0 or more")
    first = load_classifier(
        model, dataset.classes, tokenizer=tokenizer, device=device, seed=seeds[0],
        random_weights=settings.random_weights, trust_remote_code=trust_remote_code,
    )  # fmt: skip
    _check_tokens(dataset, first, settings)
    key = {
        "task": {"name": dataset.name, "sha256": dataset.hash},
        "model": first.source,
        "tokenizer": first.tokenizer.hash,
        "settings": settings.to_dict(),
    }
    found = stored(out, key, seeds)
    if found is not None:
        return found
    parts = {split: dataset.part(split) for split in ("train", "validation", "test")}
    windows = {
        split: first.windows(part, long=settings.long, flank=settings.flank, tokens=settings.tokens)
        for split, part in parts.items()
    }
    too_long = sum(part.too_long for part in windows.values())
    if too_long:
        verb = "cut to the middle" if settings.long == "cut" else "divided into windows"
        note(f"{too_long:,} sequences have more than {first.max_tokens} tokens and were {verb}")
    labels = {split: part["label"].to_numpy(np.int64) for split, part in parts.items()}
    work = make_folder(out / WORK)
    _check_work(work, key)
    runs: dict[int, np.ndarray] = {}
    histories, validation = [], {}
    for number, seed in enumerate(seeds):
        folder = work / f"seed-{seed}"
        if not (folder / "done.json").is_file():
            classifier = first if number == 0 else load_classifier(
                model, dataset.classes, tokenizer=tokenizer, device=device, seed=seed,
                random_weights=settings.random_weights, trust_remote_code=trust_remote_code,
            )  # fmt: skip
            classifier, log = train(
                classifier, (windows["train"], labels["train"]), (windows["validation"], labels["validation"]),
                settings, folder, seed=seed, checkpoint_seconds=checkpoint_seconds, progress=progress,
            )  # fmt: skip
            _finish_seed(
                folder, classifier, windows, labels["validation"], log, _described(dataset, settings), progress
            )
        done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
        runs[seed] = np.load(folder / "test.npy")
        validation[seed] = float(done["validation_mcc"])
        histories.append(pd.DataFrame(done["history"]).assign(seed=seed))
        note(f"seed {seed}: validation MCC {validation[seed]:.3f} (epoch {done['best_epoch']:g})")
    groups = parts["test"]["group"].to_numpy(str) if "group" in parts["test"] else None
    metrics = summarise(labels["test"], runs, groups, draws=draws)
    metrics["validation_mcc"] = {str(seed): value for seed, value in validation.items()}
    result = FineTuned(metrics, _predictions(parts["test"], dataset.classes, runs), pd.concat(histories))
    best = max(seeds, key=lambda seed: validation[seed])
    _write(result, out, work / f"seed-{best}" / "model", key, seeds, best)
    shutil.rmtree(work)
    return result


def _check_tokens(dataset: DataSet, classifier: Classifier, settings: Settings) -> None:
    """Refuse ids that were made by another tokenizer."""
    if not settings.tokens or "tokens" not in dataset.table:
        return
    made = dataset.card.get("details", {}).get("Tokens", {}).get("tokenizer_sha256")
    if made != classifier.tokenizer.hash:
        raise InputError(
            f"{dataset.name}: its tokens were made by another tokenizer than the model's; build it with --tokenizer of "
            "this model, or read the sequences instead (--no-tokens)"
        )


def _described(dataset: DataSet, settings: Settings) -> dict[str, Any]:
    """What prediction must know about the examples; kept in config.json."""
    table = dataset.table
    flank = int(table["left"].str.len().min()) if settings.flank and "left" in table else 0
    return {"task": dataset.name, "length": int(table["sequence"].str.len().median()), "flank": flank,
            "long": settings.long}  # fmt: skip


def _finish_seed(
    folder: Path, classifier: Classifier, windows: dict[str, Any], labels: np.ndarray, log: list[dict[str, Any]],
    described: dict[str, Any], progress: bool,
) -> None:  # fmt: skip
    """Predict, export, and only then say that this seed is done; its checkpoints go."""
    held = classifier.probabilities(windows["validation"], label="validation", progress=progress)
    test = classifier.probabilities(windows["test"], label="test", progress=progress)
    save_model(classifier, folder / "model", described)
    np.save(folder / "test.npy", test)
    history = _history(log)
    done = {
        "validation_mcc": matthews(labels, held.argmax(axis=1)),
        "best_epoch": max(history, key=lambda row: row["validation_mcc"])["epoch"],
        "history": history,
    }
    with atomic_path(folder / "done.json") as temporary:
        temporary.write_text(json.dumps(done) + "\n", encoding="utf-8")
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


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


def _predictions(part: "pd.DataFrame", classes: tuple[str, ...], runs: dict[int, np.ndarray]) -> "pd.DataFrame":
    import pandas as pd

    tables = []
    for seed, probabilities in runs.items():
        table = part[["id", *(name for name in _PLACE if name in part)]].copy()
        table["seed"], table["label"] = seed, part["label"]
        table["prediction"] = probabilities.argmax(axis=1)
        for number, name in enumerate(classes):
            table[f"p_{name}"] = probabilities[:, number]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


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


def _write(result: FineTuned, out: Path, model: Path, key: dict[str, Any], seeds: Sequence[int], best: int) -> None:
    names = sorted(path.name for path in model.iterdir())
    with staged_files(out, (*names, *RESULTS, RECORD)) as staging:
        for name in names:
            shutil.copyfile(model / name, staging / name)
        result.save(staging)
        write_run(
            staging / RECORD,
            inputs={name: key[name] for name in ("task", "model", "tokenizer")},
            parameters={**key["settings"], "seeds": list(seeds)},
            model_of_seed=best,
            outputs={name: sha256_of(staging / name) for name in (*names, *RESULTS)},
        )


def stored(out: Path, key: dict[str, Any], seeds: Sequence[int]) -> FineTuned | None:
    """The finished result in a folder, when it was made from the same and its files are whole."""
    import pandas as pd

    wanted = json.loads(json.dumps(key, default=str))
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        same = all(record["inputs"][name] == wanted[name] for name in ("task", "model", "tokenizer"))
        if not same or record["parameters"] != {**wanted["settings"], "seeds": list(seeds)}:
            return None
        if any(sha256_of(out / name) != sha256 for name, sha256 in record["outputs"].items()):
            return None
        metrics = json.loads((out / RESULTS[0]).read_text(encoding="utf-8"))
        return FineTuned(metrics, *(pd.read_csv(out / name, sep="\t") for name in RESULTS[1:]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
