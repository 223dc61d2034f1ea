"""Each system as something that learns one task: what decides its result, and a function of the seed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.baselines.splits import Predicted, Splits
from grover_probe.baselines.tfidf import TREES
from grover_probe.compare.systems import System
from grover_probe.compare.weights import Weights, find_weights
from grover_probe.errors import InputError
from grover_probe.finetune.settings import Settings
from grover_probe.kmer import AnyTokenizer
from grover_probe.tasks.dataset import DataSet

if TYPE_CHECKING:
    import pandas as pd

MOTIF_COLUMN = "score"


@dataclass(frozen=True)
class Budget:
    """What every system may use.

    Attributes
    ----------
    settings
        Of fine-tuning. Epochs, patience, batch size and class weights hold for the convolutions too, class weights for
        all systems.
    trees
        Sizes of a random forest to choose from.
    tokenizer
        Of ``tfidf-bpe``: ``tokenizer.json`` or its folder; the embedded checkpoint's when None.
    device, trust_remote_code, threads
        Where and how; they do not decide a result.
    """

    settings: Settings = field(default_factory=Settings)
    trees: tuple[int, ...] = TREES
    tokenizer: str | None = None
    device: str = "auto"
    trust_remote_code: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Learner:
    """A system that can run.

    Attributes
    ----------
    content
        What decides its result beside the data set and the seed.
    reads
        ``tokens`` (fed as the data set has them) or ``sequence``.
    seeded
        Whether the seed makes a difference.
    learn
        Seed, a folder for checkpoints, whether to show progress -> predictions.
    """

    content: dict[str, Any]
    reads: str
    seeded: bool
    learn: Callable[[int, Path, bool], Predicted]


@dataclass(frozen=True)
class Task:
    """A data set as the three splits of what a system reads."""

    dataset: DataSet

    @cached_property
    def tables(self) -> "Splits[pd.DataFrame]":
        """The table of each split."""
        train, validation, test = (self.dataset.part(split) for split in ("train", "validation", "test"))
        labels = [part["label"].to_numpy(np.int64) for part in (train, validation)]
        return Splits(train, validation, test, labels[0], labels[1], len(self.dataset.classes))

    @cached_property
    def sequences(self) -> Splits[list[str]]:
        """The sequence of each example."""
        return self.tables.map(lambda table: table["sequence"].tolist())

    def feeds_tokens(self, tokenizer: AnyTokenizer, wanted: bool = True) -> bool:
        """Whether the data set has tokens that this tokenizer made, to be fed as they are."""
        made = self.dataset.card.get("details", {}).get("Tokens", {}).get("tokenizer_sha256")
        return wanted and "tokens" in self.dataset.table and made == tokenizer.hash


def open_learner(system: System, task: Task, budget: Budget) -> Learner | str:
    """What is needed to run a system, or why it is not run.

    Raises
    ------
    InputError
        When something that the user named cannot be used.
    """
    return _OPENERS[system.kind](system, task, budget)


def _network(system: System, task: Task, budget: Budget) -> Learner | str:
    from grover_probe.models.custom_code import has_code
    from grover_probe.models.files import model_files
    from grover_probe.models.tokenizers import load_tokenizer

    found = find_weights(system)
    if isinstance(found, str):
        return f"weights absent; {found}"
    if has_code(model_files(found.place).config()) and not budget.trust_remote_code:
        return "needs code of its author; allow it with --trust-remote-code"
    settings = replace(budget.settings, random_weights=system.kind == "random")
    tokenizer = load_tokenizer(found.place)
    settings = replace(settings, tokens=task.feeds_tokens(tokenizer, settings.tokens))
    content = {"model": found.content, "tokenizer": tokenizer.hash, "settings": settings.to_dict()}
    return Learner(
        content, "tokens" if settings.tokens else "sequence", True, partial(_fine_tune, found, task, settings, budget)
    )


def _fine_tune(
    found: Weights, task: Task, settings: Settings, budget: Budget, seed: int, work: Path, progress: bool
) -> Predicted:
    """As `grover_probe.finetune.fine_tune`, with the predictions of the validation split and without the model."""
    from grover_probe.finetune.classifier import load_classifier
    from grover_probe.finetune.training import check_installed, train

    check_installed(settings)
    classifier = load_classifier(
        found.place, task.dataset.classes, device=budget.device, seed=seed, random_weights=settings.random_weights,
        trust_remote_code=budget.trust_remote_code,
    )  # fmt: skip
    if settings.dtype == "fp16" and classifier.network.device.type == "cpu":
        raise InputError("--dtype fp16 needs a GPU; choose fp32 or bf16")
    windows = task.tables.map(
        lambda part: classifier.windows(part, long=settings.long, flank=settings.flank, tokens=settings.tokens)
    )
    trained, log = train(
        classifier, (windows.train, windows.train_labels), (windows.validation, windows.validation_labels), settings,
        work, seed=seed, progress=progress,
    )  # fmt: skip
    epochs = [(float(entry["eval_mcc"]), float(entry["epoch"])) for entry in log if "eval_mcc" in entry]
    mcc, epoch = max(epochs, key=lambda pair: (pair[0], -pair[1]))
    validation, test = (
        trained.probabilities(part, label=label, progress=progress)
        for label, part in (("validation", windows.validation), ("test", windows.test))
    )
    return Predicted(validation, test, {"epoch": epoch, "validation_mcc": round(mcc, 4)})


def _tfidf_kmer(system: System, task: Task, budget: Budget) -> Learner:
    from grover_probe.baselines.tfidf import kmer_table

    assert system.k is not None
    k = system.k

    def learn(seed: int, work: Path, progress: bool) -> Predicted:
        return _forest(task.sequences.map(partial(kmer_table, k=k)), budget, seed)

    return Learner({"forest": k, **_forest_settings(budget)}, "sequence", True, learn)


def _tfidf_token(system: System, task: Task, budget: Budget) -> Learner:
    from grover_probe.baselines.tfidf import token_table
    from grover_probe.data.sample import sample_path
    from grover_probe.models.tokenizers import load_tokenizer
    from grover_probe.tasks.inner import inner_tokens

    tokenizer = load_tokenizer(budget.tokenizer or str(sample_path("checkpoint")))
    fed, flank = task.feeds_tokens(tokenizer, budget.settings.tokens), budget.settings.flank

    def tokens_of(table: "pd.DataFrame") -> list[np.ndarray]:
        if fed:
            return [np.array(text.split(), dtype=np.int64) for text in table["tokens"]]
        sides = [table[name].tolist() if flank and name in table else None for name in ("left", "right")]
        return inner_tokens(tokenizer, table["sequence"].tolist(), *sides)

    def learn(seed: int, work: Path, progress: bool) -> Predicted:
        return _forest(task.tables.map(lambda table: token_table(tokens_of(table), tokenizer.n_ids)), budget, seed)

    content = {"forest": tokenizer.hash, "tokens": fed, "flank": flank, **_forest_settings(budget)}
    return Learner(content, "tokens" if fed else "sequence", True, learn)


def _forest_settings(budget: Budget) -> dict[str, Any]:
    return {"trees": sorted(set(budget.trees)), "class_weights": budget.settings.class_weights}


def _forest(counts: Splits[np.ndarray], budget: Budget, seed: int) -> Predicted:
    from grover_probe.baselines.tfidf import random_forest, tfidf

    return random_forest(
        tfidf(counts), trees=budget.trees, seed=seed, class_weights=budget.settings.class_weights,
        threads=budget.threads,
    )  # fmt: skip


def _cnn(system: System, task: Task, budget: Budget) -> Learner:
    settings = budget.settings
    shared: dict[str, Any] = {
        name: getattr(settings, name) for name in ("epochs", "patience", "batch_size", "class_weights")
    }

    def learn(seed: int, work: Path, progress: bool) -> Predicted:
        from grover_probe.baselines.cnn import convolutional_network
        from grover_probe.models.loading import pick_device

        return convolutional_network(
            task.sequences, **shared, seed=seed, device=pick_device(budget.device), progress=progress
        )

    return Learner({"cnn": 1, **shared}, "sequence", True, learn)


def _logistic(system: System, task: Task, budget: Budget) -> Learner:
    from grover_probe.baselines.kmer_linear import KS, STRENGTHS, logistic_on_kmers

    weights = budget.settings.class_weights

    def learn(seed: int, work: Path, progress: bool) -> Predicted:
        return logistic_on_kmers(task.sequences, class_weights=weights)

    return Learner({"logistic": KS, "strengths": STRENGTHS, "class_weights": weights}, "sequence", False, learn)


def _motif(system: System, task: Task, budget: Budget) -> Learner | str:
    if MOTIF_COLUMN not in task.dataset.table:
        return f"the data set has no {MOTIF_COLUMN!r} column with the score of a motif"
    scores = task.tables.map(lambda table: _numbers(table[MOTIF_COLUMN], task.dataset.name))
    return _value("motif", scores, budget)


def _gc(system: System, task: Task, budget: Budget) -> Learner:
    from grover_probe.baselines.kmer_linear import gc_content

    return _value("gc", task.sequences.map(gc_content), budget)


def _value(name: str, values: Splits[np.ndarray], budget: Budget) -> Learner:
    """One number per sequence. The numbers are part of what decides: a hash of the data set does not hold them all."""
    import hashlib

    weights = budget.settings.class_weights
    digest = hashlib.sha256(b"".join(part.tobytes() for part in (values.train, values.validation, values.test)))

    def learn(seed: int, work: Path, progress: bool) -> Predicted:
        from grover_probe.baselines.kmer_linear import logistic_on_value

        return logistic_on_value(values, class_weights=weights)

    return Learner({name: digest.hexdigest(), "class_weights": weights}, "sequence", False, learn)


def _numbers(column: "pd.Series", name: str) -> np.ndarray:
    import pandas as pd

    found = pd.to_numeric(column, errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        given = str(column.iloc[wrong[0]])
        raise InputError(f"{name}: {given!r} in column {MOTIF_COLUMN!r}: expected a number, the score of a motif")
    return found


_OPENERS: dict[str, Callable[[System, Task, Budget], Learner | str]] = {
    "model": _network,
    "random": _network,
    "tfidf-kmer": _tfidf_kmer,
    "tfidf-token": _tfidf_token,
    "cnn": _cnn,
    "logistic": _logistic,
    "motif": _motif,
    "gc": _gc,
}
