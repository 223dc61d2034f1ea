"""A pass in parts: windows cut the same way for any number of processes, each part's state kept on disk.

Floating-point sums depend on their order. Here each part is summed from its first window to its last by one process,
and the parts are added in their order; so the result has the same bits whichever process did which part, and whether or
not it was stopped in between.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.files import atomic_path

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.extract.reducers import Reducer
    from grover_probe.models.loading import LanguageModel

MOST_PARTS = 16
STEP_TOKENS = 1 << 17  # tokens between two moments at which a state can be saved


@dataclass(frozen=True)
class Parts:
    """The parts of one pass.

    Attributes
    ----------
    folder
        Where the states are.
    key
        Hash of the inputs and parameters; a state of another key is not ours.
    table
        Windows (`grover_probe.extract.run.window_table`).
    edges
        int64, shape (n_parts + 1,): first window of each part.
    step
        Windows between two moments at which a state can be saved.
    """

    folder: Path
    key: str
    table: np.ndarray
    edges: np.ndarray
    step: int

    __repr__ = brief

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.edges) - 1

    def windows(self, part: int) -> np.ndarray:
        """Rows of the table of one part."""
        return self.table[self.edges[part] : self.edges[part + 1]]

    def tokens_left(self, part: int) -> int:
        """Tokens of a part that are not yet in its saved state."""
        rows = self.windows(part)[self.done(part) :]
        return int((rows[:, 3] - rows[:, 2]).sum())

    def done(self, part: int) -> int:
        """Windows of a part that are in its saved state."""
        stored = self._open(part)
        if stored is None:
            return 0
        with stored:
            return int(stored["done"])

    def load(self, part: int, reducers: Sequence["Reducer"]) -> int:
        """Put the saved state of a part into reducers; the number of windows in it."""
        import torch

        stored = self._open(part)
        if stored is None:
            return 0
        with stored:
            for reducer in reducers:
                prefix = f"{reducer.name}/"
                names = [name for name in stored.files if name.startswith(prefix)]
                reducer.load_state_dict({name.removeprefix(prefix): torch.from_numpy(stored[name]) for name in names})
            return int(stored["done"])

    def save(self, part: int, reducers: Sequence["Reducer"], done: int) -> None:
        """Save the state of a part; the earlier one stays until this one is whole on the disk."""
        arrays: dict[str, Any] = {"done": np.int64(done), "key": np.array(self.key)}
        for reducer in reducers:
            arrays |= {f"{reducer.name}/{name}": tensor.numpy() for name, tensor in reducer.state_dict().items()}
        with atomic_path(self._path(part)) as temporary, temporary.open("wb") as handle:
            np.savez(handle, **arrays)
            handle.flush()
            os.fsync(handle.fileno())

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:02d}.npz"

    def _open(self, part: int) -> Any:
        try:
            stored = np.load(self._path(part))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise InputError(f"{self._path(part)}: damaged ({error}); use --no-resume to start anew") from error
        if str(stored["key"]) != self.key:
            stored.close()
            raise InputError(f"{self._path(part)}: state of another pass; use --no-resume to start anew")
        return stored


def cut_parts(folder: Path, key: str, table: np.ndarray, window_tokens: int, n_parts: int | None = None) -> Parts:
    """Cut windows into parts; the cut depends on the windows alone.

    Parameters
    ----------
    folder, key, table
        As in `Parts`.
    window_tokens
        Tokens of a full window.
    n_parts
        By default one for each 131,072 tokens, up to 16.
    """
    step = max(1, STEP_TOKENS // window_tokens)
    n_parts = min(MOST_PARTS, -(-len(table) // step)) if n_parts is None else min(n_parts, len(table))
    return Parts(folder, key, table, np.linspace(0, len(table), n_parts + 1).astype(np.int64), step)


def run_part(
    parts: Parts,
    part: int,
    model: "LanguageModel",
    corpus: "Corpus",
    reducers: Sequence["Reducer"],
    *,
    layers: Sequence[int],
    batch_size: int,
    save_every: float,
    done: Callable[[int], Any],
) -> None:
    """Bring one part from its saved state to its end.

    Raises
    ------
    InputError
        When the model gives numbers that are not finite.
    """
    from grover_probe.extract.run import run_windows

    rows = parts.windows(part)
    own = [reducer.fresh() for reducer in reducers]
    begin = parts.load(part, own)
    saved = time.monotonic()
    while begin < len(rows):
        stop = min(begin + parts.step, len(rows))
        run_windows(model, corpus, rows[begin:stop], own, layers=layers, batch_size=batch_size, done=done)
        begin = stop
        if begin < len(rows) and time.monotonic() - saved < save_every:
            continue
        if not all(reducer.is_finite() for reducer in own):
            raise InputError(f"{model.name}: hidden states are not finite; use --dtype fp32, or check the weights")
        parts.save(part, own, begin)
        saved = time.monotonic()


def merge_parts(parts: Parts, reducers: Sequence["Reducer"]) -> list["Reducer"]:
    """Add up the states of all parts, in their order."""
    total = [reducer.fresh() for reducer in reducers]
    one = [reducer.fresh() for reducer in reducers]
    for part in range(parts.n):
        parts.load(part, one)
        for whole, piece in zip(total, one, strict=True):
            whole.merge(piece)
    return total
