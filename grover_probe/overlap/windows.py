"""Windows of a genome against annotation: coverage, labels, strand and signal.

Windows are a table with the columns ``chrom``, ``start`` and ``end`` (0-based, half-open, bases); every function gives
a table with the same index.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from grover_probe.annotation import Intervals
from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.annotation import Annotation
    from grover_probe.overlap.signals import Signal

Rule = Literal["majority", "any", "centre"]
NO_LABEL = "none"


def window_coverage(
    windows: pd.DataFrame, intervals_by_class: Mapping[str, Intervals], *, as_bases: bool = False
) -> pd.DataFrame:
    """Share of each window that each class covers, exact to the base.

    Parameters
    ----------
    windows
        Columns ``chrom``, ``start``, ``end``.
    intervals_by_class
        For example ``read_annotation(...).classes``.
    as_bases
        Number of bases (int64) in place of the share of the window's bases (float64).

    Returns
    -------
    pandas.DataFrame
        One column per class. Classes may overlap, so that a row may sum to more than 1.

    Raises
    ------
    InputError
        When `windows` is not such a table.
    """
    chrom, start, end = _columns(windows)
    found = {}
    for name, intervals in intervals_by_class.items():
        bases = np.zeros(len(windows), dtype=np.int64)
        for each in np.unique(chrom):
            here = chrom == each
            bases[here] = intervals.bases_in(each, start[here], end[here])
        found[name] = bases if as_bases else bases / (end - start)
    return pd.DataFrame(found, index=windows.index, columns=list(intervals_by_class))


def window_labels(
    coverage: pd.DataFrame,
    rule: Rule = "majority",
    *,
    windows: pd.DataFrame | None = None,
    intervals_by_class: Mapping[str, Intervals] | None = None,
    none: str = NO_LABEL,
) -> pd.Series:
    """One class per window by a stated rule.

    Parameters
    ----------
    coverage
        Shares of `window_coverage`.
    rule
        ``majority``: the class that covers more than half of the window. ``any``: of the classes that touch the window,
        the one that covers most of it. ``centre``: the class at the window's central base (the right one of two).
        Where two classes are equal, the one whose column comes first.
    windows, intervals_by_class
        For the rule ``centre``: what `coverage` was made from.
    none
        Label where no class qualifies.

    Returns
    -------
    pandas.Series
        Called ``label``.

    Raises
    ------
    InputError
        For an unknown rule, or ``centre`` without windows and intervals.
    """
    if rule not in get_args(Rule):
        raise InputError(f"rule {rule!r}: expected one of {', '.join(get_args(Rule))}")
    if rule == "centre":
        if windows is None or intervals_by_class is None:
            raise InputError("rule 'centre' needs `windows` and `intervals_by_class`")
        middle = (windows["start"] + windows["end"]) // 2
        coverage = window_coverage(windows.assign(start=middle, end=middle + 1), intervals_by_class)
    shares = coverage.to_numpy(dtype=np.float64)
    if not shares.shape[1]:
        return pd.Series(none, index=coverage.index, name="label", dtype=object)
    best = shares.argmax(axis=1)
    names = np.array([*coverage.columns, none], dtype=object)
    enough = shares[np.arange(len(shares)), best] > (0.5 if rule == "majority" else 0.0)
    return pd.Series(names[np.where(enough, best, -1)], index=coverage.index, name="label", dtype=object)


def window_strand(windows: pd.DataFrame, annotation: "Annotation") -> pd.DataFrame:
    """On which strand each class lies in each window, relative to the direction of tokenisation.

    Tokens are read along the forward strand, so that a feature on ``+`` is read in its own direction.

    Returns
    -------
    pandas.DataFrame
        One column per class: (bases on + minus bases on -) / (their sum), from -1 to 1; NaN where the window has no
        base of a feature with a strand.
    """
    forward, reverse = (window_coverage(windows, annotation.by_class(strand), as_bases=True) for strand in (1, -1))
    with np.errstate(invalid="ignore"):
        return (forward - reverse) / (forward + reverse).astype(np.float64)


def window_signal(windows: pd.DataFrame, track: "Signal", *, min_covered: float = 0.5) -> pd.DataFrame:
    """Mean of a signal over the bases of each window that have a value.

    Parameters
    ----------
    windows
        Columns ``chrom``, ``start``, ``end``.
    track
        From `grover_probe.overlap.signals.read_signal`. Bases without a value, and those whose value is not finite, are
        missing: they are neither 0 nor part of the mean.
    min_covered
        Smallest share of a window's bases with a value for which a mean is given.

    Returns
    -------
    pandas.DataFrame
        ``mean``, NaN where too few bases have a value, and ``covered``, the share of bases that have one.
    """
    chrom, start, end = _columns(windows)
    total, bases = np.zeros(len(windows)), np.zeros(len(windows), dtype=np.int64)
    for each in np.unique(chrom):
        here = chrom == each
        total[here], bases[here] = track.sums(each, start[here], end[here])
    covered = bases / (end - start)
    with np.errstate(invalid="ignore"):
        mean = np.where((bases > 0) & (covered >= min_covered), total / bases, np.nan)
    return pd.DataFrame({"mean": mean, "covered": covered}, index=windows.index)


def _columns(windows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = {"chrom", "start", "end"} - set(windows.columns)
    if missing:
        raise InputError(f"windows without column {', '.join(sorted(missing))}; expected chrom, start, end")
    chrom = windows["chrom"].to_numpy(dtype=object).astype(str)
    start, end = (windows[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
    empty = np.flatnonzero((end <= start) | (start < 0))
    if len(empty):
        at = empty[0]
        raise InputError(f"window {at} ({chrom[at]}:{start[at]}-{end[at]}) has no base; expected 0 <= start < end")
    return chrom, start, end
