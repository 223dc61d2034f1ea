"""States of a training run on disk: whole or not at all, verified before use, the last few and the best kept."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder, sha256_of


@dataclass(frozen=True)
class StateRecord:
    """What the small file beside a state says.

    Attributes
    ----------
    step, tokens
        Steps and tokens done.
    loss
        Validation loss in nats where there is validation, else mean training loss since the state before.
    sha256
        Of the state's file.
    """

    step: int
    tokens: int
    loss: float
    sha256: str


class States:
    """The states in a folder.

    Parameters
    ----------
    folder
        Made when missing.
    keep
        How many of the newest to keep, besides the one with the lowest loss.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder, self.keep = make_folder(folder), keep

    def records(self) -> list[StateRecord]:
        """Of all states that were written to the end, oldest first."""
        found = []
        for path in self.folder.glob("step-*.json"):
            try:
                found.append(StateRecord(**json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError):
                note(f"warning: {path} is damaged; its state is passed over")
        return sorted(found, key=lambda record: record.step)

    def path(self, record: StateRecord) -> Path:
        """The file of a state."""
        return self._stem(record.step).with_suffix(".pt")

    def best(self) -> StateRecord | None:
        """The state with the lowest loss."""
        return min(self.records(), key=lambda record: record.loss, default=None)

    def save(self, state: dict[str, Any], step: int, tokens: int, loss: float) -> StateRecord:
        """Write a state atomically, then forget those that are no longer kept."""
        stem = self._stem(step)
        with atomic_path(stem.with_suffix(".pt")) as temporary:
            torch.save(state, temporary)
        record = StateRecord(step, tokens, loss, sha256_of(stem.with_suffix(".pt")))
        with atomic_path(stem.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
        self._forget()
        return record

    def newest(self, device: str | torch.device = "cpu") -> tuple[StateRecord, dict[str, Any]] | None:
        """The newest state that is whole; damaged ones are passed over with a warning. None when there is none.

        Raises
        ------
        InputError
            When there are states, but none is whole.
        """
        records = self.records()
        for record in reversed(records):
            path = self.path(record)
            try:
                if sha256_of(path) != record.sha256:
                    raise ValueError("its content is not what was written")
                return record, torch.load(path, weights_only=True, map_location=device)
            except (OSError, ValueError, RuntimeError, EOFError) as error:
                note(f"warning: {path} cannot be used ({error}); going back to the state before it")
        if records:
            raise InputError(f"{self.folder}: all {len(records)} states are damaged; choose a new --out to start again")
        return None

    def _forget(self) -> None:
        records = self.records()
        best = min(records, key=lambda record: record.loss)
        for record in records[: -self.keep]:
            if record != best:
                # The record goes first: a state without one is not looked at.
                self._stem(record.step).with_suffix(".json").unlink(missing_ok=True)
        for path in self.folder.glob("step-*.pt"):
            if not path.with_suffix(".json").exists():
                path.unlink(missing_ok=True)

    def _stem(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}"
