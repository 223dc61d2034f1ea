"""What a reducer is given, and what it must do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch

from grover_probe.display import brief

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.models.loading import LanguageModel


@dataclass(frozen=True)
class TokenBatch:
    """Hidden states of the tokens taken from some windows; special tokens and padding are left out.

    Attributes
    ----------
    ids
        int64, shape (n_tokens,): token ids.
    positions
        int64, shape (n_tokens,): index of each token in the corpus.
    window
        int64, shape (n_tokens,): which window of the batch a token is in, 0 to n_windows - 1, in rising order.
    n_windows
        Windows in the batch.
    hidden
        One tensor per layer asked for, each of shape (n_tokens, width).
    first
        Hidden states of [CLS], one tensor per layer, each of shape (n_windows, width); none for a model without it.
    numbers
        int64, shape (n_windows,), on the CPU: number of each window in the pass.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    window: torch.Tensor
    n_windows: int
    hidden: tuple[torch.Tensor, ...]
    first: tuple[torch.Tensor, ...] = ()
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    __repr__ = brief

    @cached_property
    def window_sizes(self) -> torch.Tensor:
        """Tokens of each window: int64, shape (n_windows,)."""
        return torch.bincount(self.window, minlength=self.n_windows)

    @cached_property
    def _even_size(self) -> int:
        """Tokens per window when all have as many, else 0."""
        size = len(self.ids) // max(self.n_windows, 1)
        return size if bool((self.window_sizes == size).all()) else 0

    def window_means(self, layer: int) -> torch.Tensor:
        """Mean state of each window in single precision, shape (n_windows, width); `layer` counts in `hidden`."""
        states = self.hidden[layer].float()
        if self._even_size:
            return states.view(self.n_windows, self._even_size, -1).mean(1)
        total = torch.zeros(self.n_windows, states.shape[1], device=states.device)
        return total.index_add_(0, self.window, states).div_(self.window_sizes[:, None])


@dataclass(frozen=True)
class Setup:
    """What is known of a pass before it starts: a reducer takes what it needs (`Reducer.for_pass`).

    Attributes
    ----------
    model
        The model; its width, rows of the embedding table and device are also here as properties.
    corpus
        The tokens.
    windows, taken
        int64, shape (n_windows, 2) each: token ranges that the model reads, and those taken from them.
    layers
        Layers of the batches, in this order.
    window_layers
        Of these, the layers kept for windows and regions.
    poolings
        Of ``cls``, ``mean``, ``max``.
    intervals
        ``regions`` are stretches of the genome: token ranges and bases (`grover_probe.extract.intervals`), or None.
    options
        Everything else: ``sample_every``, ``sample_per_token``, ``head``, ``centre``, ``scale``.
    folder
        Where large arrays may be memory-mapped; in memory when None.
    """

    model: "LanguageModel"
    corpus: "Corpus"
    windows: np.ndarray
    taken: np.ndarray
    layers: tuple[int, ...]
    window_layers: tuple[int, ...] = ()
    poolings: tuple[str, ...] = ("mean",)
    intervals: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    __repr__ = brief

    @property
    def n_ids(self) -> int:
        """Rows of the embedding table."""
        return self.model.n_ids

    @property
    def width(self) -> int:
        """Size of a hidden state."""
        return self.model.width

    @property
    def device(self) -> torch.device:
        """Where the model is, and the sums should be."""
        return self.model.device

    def kept(self) -> tuple[int, ...]:
        """Where `window_layers` stand among `layers`."""
        return tuple(self.layers.index(layer) for layer in self.window_layers)


class Reducer(ABC):
    """A sum over all tokens of a pass: a dictionary of float64 tensors that add up.

    Parameters
    ----------
    device
        Where the sums are kept: the model's device.
    shapes
        Name and shape of each sum.
    """

    name: ClassVar[str] = ""

    def __init__(self, device: str | torch.device = "cpu", **shapes: tuple[int, ...]) -> None:
        self.sums = {name: torch.zeros(shape, dtype=torch.float64, device=device) for name, shape in shapes.items()}

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.sums.items())
        return f"{type(self).__name__}({shapes})"

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """A reducer with empty sums for a pass."""
        raise NotImplementedError(f"{cls.__name__}.for_pass")

    def fresh(self) -> Self:
        """The same reducer with empty sums."""
        new = copy(self)
        new.sums = {name: torch.zeros_like(tensor) for name, tensor in self.sums.items()}
        return new

    @abstractmethod
    def update(self, batch: TokenBatch) -> None:
        """Add the tokens of a batch."""

    def merge(self, other: Self) -> None:
        """Add the sums of another reducer of the same kind and shape."""
        for name, tensor in self.sums.items():
            tensor += other.sums[name].to(tensor.device)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Copies of the sums, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.sums.items()}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace the sums by saved ones."""
        for name, tensor in self.sums.items():
            tensor.copy_(state[name])

    def is_finite(self) -> bool:
        """Whether every sum is a number."""
        return all(bool(torch.isfinite(tensor).all()) for tensor in self.sums.values())

    def finalize(self) -> dict[str, np.ndarray]:
        """What the sums say, by name; the sums themselves unless a reducer knows better."""
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""
        return (f"{self.name}.npz",)

    def save(self, folder: Path) -> None:
        """Write what `finalize` gives as ``<name>.npz``."""
        np.savez(folder / self.files[0], **self.finalize())  # type: ignore[arg-type]


class RowWriter(Reducer):
    """A reducer of another kind: an array in which each row is written once, by whichever process has its window.

    Parameters
    ----------
    shape
        Rows first.
    path
        A ``.npy`` file that is memory-mapped and may be shared by processes; in memory when None.
    """

    def __init__(self, shape: tuple[int, ...], path: Path | None = None) -> None:
        super().__init__()
        self.path = path
        if path is None:
            self.rows = np.zeros(shape, dtype=np.float32)
        else:
            mode: Literal["r+", "w+"] = "r+" if path.is_file() else "w+"
            self.rows = np.lib.format.open_memmap(path, mode=mode, dtype=np.float32, shape=shape)
            if self.rows.shape != shape:
                raise ValueError(f"{path}: shape {self.rows.shape}, expected {shape}")

    def fresh(self) -> Self:
        """The same with rows of zeros, or writing the same file."""
        new = super().fresh()
        if self.path is None:
            new.rows = np.zeros_like(self.rows)
        return new

    def merge(self, other: Self) -> None:
        """Add the rows of another; nothing is left to do where both write one file."""
        if self.path is None:
            self.rows += other.rows

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The rows, or nothing when they are in a file already, which is written out."""
        if self.path is None:
            return {"rows": torch.from_numpy(self.rows.copy())}
        self.rows.flush()  # type: ignore[attr-defined]
        return {}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace the rows by saved ones."""
        if self.path is None:
            self.rows[:] = state["rows"].numpy()


def hash_positions(positions: torch.Tensor) -> torch.Tensor:
    """Pseudorandom numbers, 0 to 2^62, that depend on nothing but the position: the same in every batch and process.

    splitmix64 (Steele, Lea and Flood 2014) without its two highest bits; torch has no unsigned 64-bit integers.
    """
    value = positions.to(torch.int64) - 0x61C8864680B583EB
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        value = (value ^ ((value >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return (value ^ ((value >> 31) & ((1 << 33) - 1))) & ((1 << 62) - 1)
