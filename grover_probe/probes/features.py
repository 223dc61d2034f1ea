"""Sets of features that a target is read from: the model's layers, and the controls."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grover_probe.probes.engine import Key

NO_LAYER: Key = ("-", "-")
MODEL = "model"
PRIOR = ("majority", "mean")  # for classes and for values
SHUFFLED, CONTROL_TASK = "shuffled_labels", "control_task"


@dataclass(frozen=True)
class Features:
    """One way of describing the rows.

    Attributes
    ----------
    name
        ``model``, or the name of a control.
    parts
        For each layer and pooling (`NO_LAYER` for controls without) a function that gives the features, shape
        (n_rows, n_features).
    columns
        Names of the features, where a target may be among them: it is left out when it is what is asked for.
    """

    name: str
    parts: Mapping[Key, Callable[[], np.ndarray]]
    columns: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Features({self.name}: {len(self.parts)} layers and poolings)"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        found = hashlib.sha256(repr((self.name, self.columns)).encode())
        for key, load in self.parts.items():
            found.update(repr(key).encode())
            found.update(hash_array(load()).encode())
        return found.hexdigest()

    def only(self, key: Key) -> "Features":
        """One layer and pooling of it."""
        return Features(self.name, {key: self.parts[key]}, self.columns)


def hash_array(array: np.ndarray) -> str:
    """SHA-256 of the type, shape and numbers of an array."""
    array = np.ascontiguousarray(array)
    found = hashlib.sha256(repr((array.dtype.str, array.shape)).encode())
    found.update(array.view(np.uint8).reshape(-1).data if array.size else b"")
    return found.hexdigest()


def constant(array: np.ndarray) -> Callable[[], np.ndarray]:
    """A function that gives this array."""
    return lambda: array


def single(name: str, array: np.ndarray, columns: tuple[str, ...] = ()) -> Features:
    """A control without layers."""
    return Features(name, {NO_LAYER: constant(array)}, columns)
