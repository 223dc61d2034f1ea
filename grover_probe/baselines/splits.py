"""What every baseline learns from and gives back: three splits in, probabilities of two of them out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from grover_probe.display import brief

X = TypeVar("X")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Splits(Generic[X]):
    """Inputs of the three splits of a task, in any form, with the labels that may be seen.

    Attributes
    ----------
    train, validation, test
        Sequences, or an array of shape (n_examples, n_features).
    train_labels, validation_labels
        Classes 0, 1, ..., int64, shape (n_examples,).
    n_classes
        Classes of the task.
    """

    train: X
    validation: X
    test: X
    train_labels: np.ndarray
    validation_labels: np.ndarray
    n_classes: int

    __repr__ = brief

    def map(self, function: Callable[[X], Y]) -> "Splits[Y]":
        """The same splits with other inputs."""
        return Splits(
            function(self.train), function(self.validation), function(self.test), self.train_labels,
            self.validation_labels, self.n_classes,
        )  # fmt: skip


@dataclass(frozen=True)
class Predicted:
    """What a system says about the examples that it did not learn from.

    Attributes
    ----------
    validation, test
        Probability of each class: float64, shape (n_examples, n_classes).
    chosen
        What was decided on the validation split, for the record.
    """

    validation: np.ndarray
    test: np.ndarray
    chosen: dict[str, Any]

    __repr__ = brief


def all_classes(probabilities: np.ndarray, known: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities with a column for each class of the task; 0 for one that training did not see.

    Parameters
    ----------
    probabilities
        Shape (n_examples, n_known).
    known
        The class of each column, shape (n_known,).
    n_classes
        Columns of the result.
    """
    full = np.zeros((len(probabilities), n_classes))
    full[:, known.astype(np.int64)] = probabilities
    return full
