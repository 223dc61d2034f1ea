"""What a probe is asked to read: one value or one class per row."""

from dataclasses import dataclass, replace

import numpy as np

from grover_probe.errors import GroverProbeError
from grover_probe.probes.folds import Folds

FEWEST_MEMBERS = 10  # rows of a class
FEWEST_ROWS = 30
FEWEST_TO_LEARN_FROM = 2  # members of a class that each training set must keep


class TargetSkippedError(GroverProbeError):
    """A target that cannot be probed; the others go on."""


@dataclass(frozen=True)
class Target:
    """One question.

    Attributes
    ----------
    name
        Its name in the table.
    level
        ``tokens`` or ``windows``.
    y
        float64, shape (n_rows,): the value, or the number of the class; NaN for rows that do not take part.
    classes
        Names of the classes, empty for a value. Of two classes the second is the positive one.
    """

    name: str
    level: str
    y: np.ndarray
    classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        kind = f"classes {', '.join(self.classes)}" if self.classes else "values"
        return f"Target({self.level} {self.name}: {kind}, {int(self.used.sum())} rows)"

    @property
    def used(self) -> np.ndarray:
        """Rows that take part: bool, shape (n_rows,)."""
        return ~np.isnan(self.y)

    @property
    def n_columns(self) -> int:
        """Columns that a probe predicts: one, or one per class when there are more than two."""
        return len(self.classes) if len(self.classes) > 2 else 1

    def columns(self) -> np.ndarray:
        """What a probe predicts, for the rows that take part: float64, shape (n_used, n_columns)."""
        y = self.y[self.used]
        if len(self.classes) > 2:
            return (y[:, None] == np.arange(len(self.classes))).astype(np.float64)
        return y[:, None]


def class_target(name: str, level: str, labels: np.ndarray) -> Target:
    """A target from class names; None or an empty name leaves a row out. Classes are in alphabetical order."""
    known = np.array([label is not None and label == label and label != "" for label in labels], dtype=bool)
    names = sorted({str(label) for label in np.asarray(labels, dtype=object)[known]})
    number = {label: float(at) for at, label in enumerate(names)}
    y = np.array([number[str(label)] if known[row] else np.nan for row, label in enumerate(labels)])
    return Target(name, level, y, tuple(names))


def binary_target(name: str, level: str, inside: np.ndarray) -> Target:
    """A target from booleans."""
    return Target(name, level, np.asarray(inside, dtype=np.float64), (f"no {name}", name))


def check_target(target: Target, folds: Folds) -> tuple[Target, list[str]]:
    """Leave out what no probe can learn.

    Parameters
    ----------
    target, folds
        The question, and what will be held out.

    Returns
    -------
    target : Target
        With classes removed that have too few members, at all or outside any two folds.
    notes : list of str
        What was left out, for the user.

    Raises
    ------
    TargetSkippedError
        When nothing is left to learn: infinite values, a constant, too few rows or classes, an empty fold.
    """
    infinite = int(np.isinf(target.y).sum())
    if infinite:
        raise TargetSkippedError(f"{infinite} of {len(target.y)} values are infinite")
    notes: list[str] = []
    if target.classes:
        target, notes = _without_rare_classes(target, folds)
    used = target.used
    if used.sum() < FEWEST_ROWS:
        raise TargetSkippedError(f"{int(used.sum())} rows with a value; at least {FEWEST_ROWS} are needed")
    if np.ptp(target.y[used]) == 0:
        raise TargetSkippedError(f"constant: every row is {target.y[used][0]:g}")
    filled = np.bincount(folds.fold[used], minlength=folds.n_folds)
    if (filled == 0).any():
        raise TargetSkippedError(f"{int((filled == 0).sum())} of {folds.n_folds} folds have no row with a value")
    return target, notes


def _without_rare_classes(target: Target, folds: Folds) -> tuple[Target, list[str]]:
    keep, notes = [], []
    for number, name in enumerate(target.classes):
        members = target.y == number
        n = int(members.sum())
        # What is left when the two folds with most of the class are held out.
        left = int(np.sort(np.bincount(folds.fold[members], minlength=folds.n_folds))[:-2].sum())
        if n < FEWEST_MEMBERS:
            notes.append(f"class {name!r} has {n} members, fewer than {FEWEST_MEMBERS}: left out")
        elif left < FEWEST_TO_LEARN_FROM:
            notes.append(f"class {name!r} is concentrated in two folds (of {n} members {left} lie elsewhere): left out")
        else:
            keep.append(number)
    if len(keep) < 2:
        found = "; ".join(notes) or f"only {', '.join(target.classes) or 'no class'}"
        raise TargetSkippedError(f"fewer than two classes can be learned: {found}")
    y = np.full(len(target.y), np.nan)
    for new, number in enumerate(keep):
        y[target.y == number] = new
    return replace(target, y=y, classes=tuple(target.classes[number] for number in keep)), notes
