"""One class per window from annotation files, by a stated rule."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from grover_probe.annotation import read_annotation
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import Genome
from grover_probe.overlap.signals import read_signal
from grover_probe.overlap.windows import NO_LABEL, window_coverage, window_labels, window_signal

Rule = Literal["any", "majority", "centre", "mean"]
_RULES = get_args(Rule)
_THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class AnnotationOption:
    """What ``--annotation NAME=FILE[:COLUMN][:RULE]`` says.

    Attributes
    ----------
    name
        For columns and panels.
    path
        The file.
    column
        Number (from 1) or name of the column whose values are the classes; one class, called NAME, when None.
    rule
        ``any``, ``majority`` and ``centre`` as in `grover_probe.overlap.windows.window_labels`; ``mean``: the mean of a
        signal (bedGraph, wiggle, bigWig), whose thirds are the classes.
    """

    name: str
    path: Path
    column: int | str | None
    rule: Rule


@dataclass(frozen=True)
class WindowLabels:
    """One annotation of windows.

    Attributes
    ----------
    name, rule
        As in `AnnotationOption`.
    labels
        str, shape (n_windows,): the class of each window, ``none`` where no class qualifies.
    values
        float64, shape (n_windows,), NaN where too little is covered: for the rule ``mean`` alone.
    notes
        What was left out of the file, for the user to see.
    """

    name: str
    rule: Rule
    labels: np.ndarray
    values: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    __repr__ = brief


def parse(text: str) -> AnnotationOption:
    """Read ``NAME=FILE[:COLUMN][:RULE]``; without a rule it is ``any``.

    >>> parse("repeats=repeats.bed.gz:7:majority")
    AnnotationOption(name='repeats', path=PosixPath('repeats.bed.gz'), column=7, rule='majority')

    Raises
    ------
    InputError
        For anything else.
    """
    name, equals, rest = text.partition("=")
    if not equals or not re.fullmatch(r"\w[\w .+-]*", name) or not rest:
        raise InputError(f"--annotation {text}: expected NAME=FILE[:COLUMN][:RULE], a rule of {', '.join(_RULES)}")
    rule: Rule = "any"
    column: int | str | None = None
    if not Path(rest).exists():
        rest, rule = _last_part(rest, _RULES, "any")
    if not Path(rest).exists():
        rest, _, last = rest.rpartition(":") if re.search(r":[\w.]+$", rest) else (rest, "", "")
        column = int(last) if last.isdecimal() else last or None
    if rule == "mean" and column is not None:
        raise InputError(f"--annotation {text}: the rule mean reads a signal, which has no column to choose")
    return AnnotationOption(name, Path(rest), column, rule)


def _last_part(text: str, choices: tuple[str, ...], default: str) -> tuple[str, Rule]:
    head, _, last = text.rpartition(":")
    found = (head, last) if head and last in choices else (text, default)
    return found  # type: ignore[return-value]


def label_windows(option: AnnotationOption, windows: pd.DataFrame, genome: Genome) -> WindowLabels:
    """Give each window a class.

    Parameters
    ----------
    option
        From `parse`.
    windows
        Columns ``chrom``, ``start``, ``end`` (bases).
    genome
        Whose chromosome names and lengths count.

    Raises
    ------
    InputError
        When the file cannot be read, no window overlaps it, or all windows have one class.
    """
    if option.rule == "mean":
        return _label_by_signal(option, windows, genome)
    annotation = read_annotation(option.path, genome, option.column, option.name)
    coverage = window_coverage(windows, annotation.classes)
    if not coverage.to_numpy().any():
        raise InputError(f"{option.path}: no window overlaps an interval of it")
    labels = window_labels(coverage, option.rule, windows=windows, intervals_by_class=annotation.classes)
    return WindowLabels(option.name, option.rule, _varied(option, labels.to_numpy(dtype=str)), None, annotation.notes)


def _label_by_signal(option: AnnotationOption, windows: pd.DataFrame, genome: Genome) -> WindowLabels:
    signal = read_signal(option.path, genome)
    values = window_signal(windows, signal)["mean"].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    if not known.any():
        raise InputError(f"{option.path}: no window has values for half of its bases")
    cuts = np.quantile(values[known], (1 / 3, 2 / 3))
    labels = np.full(len(values), NO_LABEL, dtype="U8")
    labels[known] = np.array(_THIRDS)[(values[known, None] > cuts).sum(axis=1)]
    return WindowLabels(option.name, option.rule, _varied(option, labels), values, signal.notes)


def _varied(option: AnnotationOption, labels: np.ndarray) -> np.ndarray:
    found = np.unique(labels)
    if len(found) < 2:
        raise InputError(
            f"--annotation {option.name}: all {len(labels):,} windows are {str(found[0])!r} by the rule {option.rule}; "
            f"try another rule of {', '.join(_RULES)} or another column"
        )
    return labels
