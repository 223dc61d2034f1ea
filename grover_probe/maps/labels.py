"""Labels of windows from BED files, by a stated rule."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from grover_probe.annotation import Intervals, read_bed
from grover_probe.errors import InputError
from grover_probe.genome import Genome
from grover_probe.vocabulary.classes import AnnotationFile, parse_annotation, read_classes

Rule = Literal["any", "majority", "mean"]
NONE, INSIDE, OUTSIDE = "none", "inside", "outside"
_THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class Annotation:
    """What ``--annotation NAME=FILE[:COLUMN][:RULE]`` says.

    Attributes
    ----------
    name
        For columns and panels.
    file
        BED file, and the column whose values are the classes.
    rule
        ``any``: inside when one base is covered; with classes, the one that covers most bases, however few.
        ``majority``: inside when at least half of the bases are covered; with classes, the one that covers most bases,
        where uncovered bases count for ``none``. ``mean``: the number in column 4, averaged over the covered bases;
        thirds of it are the classes.
    """

    name: str
    file: AnnotationFile
    rule: Rule


@dataclass(frozen=True)
class WindowLabels:
    """One annotation of windows.

    Attributes
    ----------
    name, rule
        As in `Annotation`.
    labels
        str, shape (n_windows,): the class of each window.
    values
        float64, shape (n_windows,), NaN where nothing is covered: for the rule ``mean`` alone.
    """

    name: str
    rule: Rule
    labels: np.ndarray
    values: np.ndarray | None = None


def parse(text: str) -> Annotation:
    """Read ``NAME=FILE[:COLUMN][:RULE]``; the rule is ``majority`` with a column and ``any`` without one.

    >>> parse("repeats=repeats.bed.gz:7").rule
    'majority'

    Raises
    ------
    InputError
        For anything else.
    """
    name, equals, rest = text.partition("=")
    if not equals or not re.fullmatch(r"\w[\w .+-]*", name) or not rest:
        raise InputError(f"--annotation {text}: expected NAME=FILE.bed, optionally with :COLUMN and :any or :majority")
    found = re.fullmatch(r"(.+):(any|majority|mean)", rest)
    given = found[2] if found and not Path(rest).exists() else None
    file = parse_annotation(found[1] if found and given else rest)
    rule: Rule = given or ("any" if file.column is None else "majority")  # type: ignore[assignment]
    if rule == "mean" and file.column not in (None, 4):
        raise InputError(f"--annotation {text}: the rule mean reads numbers from column 4, not {file.column}")
    return Annotation(name, file, rule)


def label_windows(annotation: Annotation, windows: pd.DataFrame, genome: Genome) -> WindowLabels:
    """Give each window a class.

    Parameters
    ----------
    annotation
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
    if annotation.rule == "mean":
        return _label_by_value(annotation, windows, genome)
    classes = read_classes(annotation.file, genome)
    covered = np.stack([covered_bases(each, windows) for each in classes], axis=1)
    sizes = (windows["end"] - windows["start"]).to_numpy(dtype=np.int64)
    if not covered.any():
        raise InputError(f"{annotation.file.path}: no window overlaps an interval of it")
    if annotation.file.column is None:
        enough = covered[:, 0] * 2 >= sizes if annotation.rule == "majority" else covered[:, 0] > 0
        labels = np.where(enough, INSIDE, OUTSIDE)
    else:
        stem = len(annotation.file.path.name.split(".")[0]) + 1  # classes are called FILE.CLASS
        names = np.array([each.name[stem:] for each in classes])
        most = covered.max(axis=1)
        bare = sizes - most if len(classes) == 1 else sizes - np.minimum(covered.sum(axis=1), sizes)
        none = most == 0 if annotation.rule == "any" else bare > most
        labels = np.where(none, NONE, names[covered.argmax(axis=1)])
    return WindowLabels(annotation.name, annotation.rule, _varied(annotation, labels))


def covered_bases(intervals: Intervals, windows: pd.DataFrame) -> np.ndarray:
    """Bases of each window that lie inside intervals: int64, shape (n_windows,)."""
    found = np.zeros(len(windows), dtype=np.int64)
    for chrom, rows in windows.groupby("chrom", sort=False).indices.items():
        pairs = intervals.by_chrom.get(str(chrom))
        if pairs is not None and len(pairs):
            weights = np.ones(len(pairs))
            part = windows.iloc[rows]
            found[rows] = _integral(pairs, weights, part["end"]) - _integral(pairs, weights, part["start"])
    return found


def _integral(pairs: np.ndarray, weights: np.ndarray, at: pd.Series) -> np.ndarray:
    """Sum of weights of all covered bases before each position; pairs are sorted and apart."""
    places = at.to_numpy(dtype=np.int64)
    before = np.concatenate(([0.0], np.cumsum((pairs[:, 1] - pairs[:, 0]) * weights)))
    last = np.searchsorted(pairs[:, 0], places, side="right") - 1
    inside = np.maximum(last, 0)
    partial = np.clip(places - pairs[inside, 0], 0, pairs[inside, 1] - pairs[inside, 0]) * weights[inside]
    return np.where(last >= 0, before[inside] + partial, 0.0)


def _label_by_value(annotation: Annotation, windows: pd.DataFrame, genome: Genome) -> WindowLabels:
    regions, _ = read_bed(annotation.file.path, genome)
    try:
        numbers = np.array([float(region.name) for region in regions])
    except ValueError as error:
        raise InputError(
            f"{annotation.file.path}: column 4 is not a number ({error}); the rule mean needs one"
        ) from None
    table = pd.DataFrame({"chrom": [r.chrom for r in regions], "start": [r.start for r in regions],
                          "end": [r.end for r in regions], "value": numbers})  # fmt: skip
    total, bases = np.zeros(len(windows)), np.zeros(len(windows))
    for chrom, rows in windows.groupby("chrom", sort=False).indices.items():
        part = table[table["chrom"] == chrom].sort_values("start")
        if not len(part):
            continue
        pairs = part[["start", "end"]].to_numpy(dtype=np.int64)
        if (pairs[1:, 0] < pairs[:-1, 1]).any():
            raise InputError(f"{annotation.file.path}: intervals overlap on {chrom}; the rule mean needs them apart")
        here = windows.iloc[rows]
        for sums, weights in ((total, part["value"].to_numpy()), (bases, np.ones(len(pairs)))):
            sums[rows] = _integral(pairs, weights, here["end"]) - _integral(pairs, weights, here["start"])
    if not bases.any():
        raise InputError(f"{annotation.file.path}: no window overlaps an interval of it")
    values = np.where(bases > 0, total / np.maximum(bases, 1), np.nan)
    cuts = np.nanquantile(values, (1 / 3, 2 / 3))
    thirds = np.array(_THIRDS)[(values[:, None] > cuts).sum(axis=1)]
    labels = np.where(np.isnan(values), NONE, thirds)
    return WindowLabels(annotation.name, annotation.rule, _varied(annotation, labels), values)


def _varied(annotation: Annotation, labels: np.ndarray) -> np.ndarray:
    found = np.unique(labels)
    if len(found) < 2:
        raise InputError(
            f"--annotation {annotation.name}: all {len(labels):,} windows are {found[0]!r} by the rule "
            f"{annotation.rule}; try another rule or column"
        )
    return labels
