"""Cells: one system asked for one k. What is finished is kept under a name made of what decides it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grover_probe.errors import InputError
from grover_probe.files import staged_files
from grover_probe.nextkmer.scores import Outcome
from grover_probe.nextkmer.sequences import CONTEXT, check_k
from grover_probe.nextkmer.study import Study
from grover_probe.nextkmer.systems import System
from grover_probe.pretrain.recipe import Recipe
from grover_probe.probes.cells import cell_key
from grover_probe.provenance import write_run

MODES = ("head", "full")
_RATES = {"head": 1e-3, "full": 2e-4}
_EPOCHS = {"head": 30, "full": 3}
_BATCH = {"head": 256, "full": 64}


@dataclass(frozen=True)
class Learning:
    """How a model learns the task; baselines use `trees` and nothing else.

    Attributes
    ----------
    mode
        ``head`` fits a linear head on fixed features, for all k from one pass; ``full`` trains all weights for each k.
    read, align
        As in `grover_probe.nextkmer.reading.make_inputs`.
    epochs, learning_rate, batch_size
        None for the mode's own: at most 30 of 256 at 1e-3 for ``head``, 3 of 64 at 2e-4 for ``full``.
    seed
        Of order, dropout and choice.
    trees
        Of the random forest.
    """

    mode: str = "head"
    read: str = "auto"
    align: str = "end"
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    seed: int = 0
    trees: int = 100

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"--mode {self.mode!r}: expected {' or '.join(MODES)}")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"--epochs {self.epochs}: expected at least 1")
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise InputError(f"--learning-rate {self.learning_rate}: expected more than 0 and less than 1")

    def chosen(self) -> tuple[int, float, int]:
        """Epochs, learning rate and batch size in use."""
        return (
            self.epochs or _EPOCHS[self.mode],
            self.learning_rate or _RATES[self.mode],
            self.batch_size or _BATCH[self.mode],
        )


@dataclass(frozen=True)
class Runner:
    """Everything that finishes cells.

    Attributes
    ----------
    study
        The data.
    learning
        How models learn.
    recipe
        For models that are trained here; None when there are none.
    out
        Folder with ``cells/`` and ``models/``.
    tokenizer
        For models without one of their own.
    dtype
        Of the pretraining of models that are trained here: ``fp32``, ``bf16``.
    device, threads, trust_remote_code, progress
        How it runs; they decide no result.
    """

    study: Study
    learning: Learning
    recipe: Recipe | None
    out: Path
    tokenizer: str | None = None
    dtype: str = "fp32"
    device: str = "auto"
    threads: int | None = None
    trust_remote_code: bool = False
    progress: bool = True

    def model_key(self, system: System) -> str:
        """Of what decides a model: its content, or all it is trained from."""
        if system.is_trained:
            if self.recipe is None:
                raise InputError(f"{system.name}: a model is to be trained; give --recipe")
            return cell_key(**self.study.content, system=asdict(system), recipe=self.recipe.to_dict(), dtype=self.dtype)
        from grover_probe.models import load_tokenizer
        from grover_probe.models.folder import describe_model

        source = describe_model(system.model)
        pieces = load_tokenizer(self.tokenizer or system.model)
        return cell_key(model={**source, "name": None}, id=source.get("revision") and system.model, hash=pieces.hash)

    def key(self, system: System, k: int) -> str:
        """Of what decides a cell."""
        if system.kind == "baseline":
            how: dict[str, Any] = {"trees": self.learning.trees} if system.name == "tfidf" else {}
            return cell_key(**self.study.describe(), system=system.name, k=k, **how)
        learning = asdict(self.learning) | {"trees": None}
        return cell_key(**self.study.describe(), model=self.model_key(system), learning=learning, k=k)

    def finish(self, system: System, ks: Sequence[int]) -> dict[int, tuple[Outcome, dict[str, Any]]]:
        """Outcomes for every k, those that are there read and the others made and kept.

        Raises
        ------
        InputError
            When the system cannot be used; whatever was finished before stays.
        """
        for k in ks:
            check_k(k)
        keys = {k: self.key(system, k) for k in ks}
        found = {k: kept for k in ks if (kept := self._read(system, k, keys[k])) is not None}
        missing = [k for k in ks if k not in found]
        if missing:
            from grover_probe.nextkmer.answers import answers

            for k, outcome, facts in answers(self, system, missing, keys):
                self._write(system, k, keys[k], outcome, facts)
                found[k] = (outcome, facts)
        return {k: found[k] for k in ks}

    def model_folder(self, system: System) -> Path:
        """Where a model that is trained here lies."""
        return self.out / "models" / f"{system.label}-{self.model_key(system)[:12]}"

    def state(self, system: System, key: str) -> Path:
        """Where the state of a fine-tuning lies until it is finished."""
        return self.out / "cells" / f"{system.label}-{key[:12]}.state.pt"

    def _names(self, system: System, k: int, key: str) -> tuple[str, str]:
        stem = f"{system.label}-k{k}-{key[:12]}"
        return f"{stem}.parquet", f"{stem}.run.json"

    def _read(self, system: System, k: int, key: str) -> tuple[Outcome, dict[str, Any]] | None:
        import pandas as pd

        table, record = (self.out / "cells" / name for name in self._names(system, k, key))
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            if content["key"] != key:
                return None
            return Outcome.from_frame(pd.read_parquet(table)), content["facts"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, system: System, k: int, key: str, outcome: Outcome, facts: dict[str, Any]) -> None:
        names, test = self._names(system, k, key), self.study.test
        frame = outcome.to_frame()
        frame.insert(0, "chrom", test.chrom.astype(str))
        frame.insert(1, "start", test.start + CONTEXT)
        with staged_files(self.out / "cells", names) as staging:
            frame.to_parquet(staging / names[0], index=False)
            write_run(
                staging / names[1],
                inputs=self.study.inputs,
                parameters={
                    "system": asdict(system), "k": k, **asdict(self.study.sampling), "learning": asdict(self.learning),
                    "recipe": self.recipe.to_dict() if self.recipe and system.is_trained else None,
                },
                key=key,
                facts=facts,
            )  # fmt: skip


def parse_numbers(text: str, option: str) -> tuple[int, ...]:
    """Numbers from text such as ``2,3,4`` or ``2-6``, each once, in order; none from an empty text.

    Raises
    ------
    GroverProbeError
        When the text is something else.
    """
    found: list[int] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        first, dash, last = part.partition("-")
        if (
            not first.isdecimal()
            or (dash and not last.isdecimal())
            or int(last or first) - int(first) not in range(100)
        ):
            raise InputError(f"{option} {text!r}: expected numbers such as 2,3,4 or 2-6")
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))
