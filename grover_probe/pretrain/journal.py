"""The log of a run: one JSON line per interval, and the same for TensorBoard."""

import json
from pathlib import Path
from typing import Any

from grover_probe.files import atomic_path

METRICS = "metrics.jsonl"


class Journal:
    """Appends records to ``metrics.jsonl`` and, where tensorboard is installed, to event files.

    Parameters
    ----------
    folder
        Of the run.
    step, tokens
        Records after this step (these tokens) belong to work that was lost with a stopped run and will be made again:
        they are dropped.
    """

    def __init__(self, folder: Path, step: int = 0, tokens: int = 0) -> None:
        self.path = folder / METRICS
        _forget_after(self.path, step)
        self._board = _board(folder / "tensorboard", tokens)

    def write(self, record: dict[str, Any]) -> None:
        """Add a record with at least ``step`` and ``tokens``; its other numbers become curves over tokens."""
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        if self._board is not None:
            for name, value in record.items():
                if name not in ("step", "tokens") and isinstance(value, int | float):
                    self._board.add_scalar(name, value, record["tokens"])
            self._board.flush()

    def close(self) -> None:
        """Finish the event file."""
        if self._board is not None:
            self._board.close()


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """All records of a run."""
    path = folder / METRICS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def training_hours(folder: Path) -> float:
    """Hours of training from the log of a run, however often it was stopped."""
    seconds, tokens = 0.0, 0
    for record in read_journal(folder):
        if "tokens_per_second" in record:
            seconds += (record["tokens"] - tokens) / record["tokens_per_second"]
            tokens = record["tokens"]
    return seconds / 3600


def _board(folder: Path, tokens: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=tokens + 1 if tokens else None)


def _forget_after(metrics: Path, step: int) -> None:
    if metrics.is_file():
        lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if _step_of(line) <= step]
        with atomic_path(metrics) as temporary:
            temporary.write_text("".join(kept), encoding="utf-8")


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except ValueError:  # the last line of a run that was cut off
        return float("inf")
