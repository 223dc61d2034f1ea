"""Targets of stretches of the genome, windows or single positions, from files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.errors import GroverProbeError, InputError
from grover_probe.probes.targets import Target, binary_target, class_target

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.annotation import Annotation
    from grover_probe.genome import Genome

RULES = ("any", "majority", "centre")
KINDS = ("annotation", "signal", "strand", "distance")


@dataclass(frozen=True)
class Source:
    """A file that gives a target for stretches of the genome.

    Attributes
    ----------
    kind
        ``annotation`` (inside or not, or a class), ``signal`` (mean value), ``strand`` (of what lies there),
        ``distance`` (log10 of bases to the nearest interval).
    name
        Of the target.
    path
        The file.
    column
        Class column of an annotation, empty for none.
    rule
        How a stretch gets a class: see `grover_probe.overlap.windows.window_labels`. Without classes ``any`` means one
        base is enough.
    """

    kind: str
    name: str
    path: Path
    column: str = ""
    rule: str = ""


def parse_source(kind: str, text: str) -> Source:
    """Read ``name=path``, for annotation ``name=path[:column][@rule]``.

    Raises
    ------
    InputError
        When the text is something else or the file is not there.
    """
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest:
        expected = "name=path[:column][@rule]" if kind == "annotation" else "name=path"
        raise InputError(f"--{kind} {text!r}: expected {expected}")
    column = rule = ""
    if kind == "annotation" and not Path(rest).is_file():
        before, _, last = rest.rpartition("@")
        if last in RULES:
            rest, rule = before, last
        path, _, after = rest.rpartition(":")
        if not Path(rest).is_file() and Path(path).is_file():
            rest, column = path, after
        if "@" in column:
            raise InputError(f"--{kind} {text!r}: rule {last!r} is none of {', '.join(RULES)}")
    if not Path(rest).is_file():
        raise InputError(f"{rest}: no such file for --{kind}")
    return Source(kind, name, Path(rest), column, rule or ("majority" if column else "any"))


def genomic_targets(
    table: "pd.DataFrame", genome: "Genome", sources: list[Source], level: str
) -> tuple[list[Target], list[str]]:
    """Targets from files; a file that cannot be used is noted, and the others go on.

    Parameters
    ----------
    table
        Columns ``chrom``, ``start``, ``end``: the stretches that are asked about.
    genome
        For names and lengths of chromosomes.
    sources
        The files.
    level
        ``windows`` or ``positions``.

    Returns
    -------
    targets : list of Target
        In the order of the sources.
    notes : list of str
        Sources that could not be used, and what was left out of them.
    """
    targets: list[Target] = []
    notes: list[str] = []
    for source in sources:
        try:
            target, more = _target(table, genome, source, level)
            targets.append(target)
            notes += more
        except GroverProbeError as reason:
            notes.append(f"{level} {source.name}: skipped, {reason}")
    return targets, notes


def _target(table: "pd.DataFrame", genome: "Genome", source: Source, level: str) -> tuple[Target, tuple[str, ...]]:
    if source.kind == "signal":
        from grover_probe.overlap.signals import read_signal
        from grover_probe.overlap.windows import window_signal

        signal = read_signal(source.path, genome)
        means = window_signal(table, signal)["mean"].to_numpy(dtype=np.float64)
        return Target(source.name, level, means), signal.notes
    from grover_probe.annotation import read_annotation
    from grover_probe.overlap.windows import window_coverage, window_labels, window_strand

    annotation = read_annotation(source.path, genome, source.column or None, name=source.name)
    if source.kind == "strand":
        share = window_strand(table, annotation).to_numpy(dtype=np.float64)[:, 0]
        labels = np.where(share > 0, "+", np.where(share < 0, "-", "")).astype(object)
        return class_target(source.name, level, labels), annotation.notes
    if source.kind == "distance":
        bases = distances(table, annotation)
        return Target(source.name, level, np.log10(1 + bases)), annotation.notes
    coverage = window_coverage(table, annotation.classes)
    by_class = window_labels(coverage, source.rule, windows=table, intervals_by_class=annotation.classes)  # type: ignore[arg-type]
    if source.column:
        return class_target(source.name, level, by_class.to_numpy(dtype=object)), annotation.notes
    return binary_target(source.name, level, (by_class == source.name).to_numpy()), annotation.notes


def distances(table: "pd.DataFrame", annotation: "Annotation") -> np.ndarray:
    """Bases from the middle of each stretch to the nearest interval: float64, 0 inside, NaN on a bare chromosome."""
    from grover_probe.annotation.intervals import merge

    found = np.full(len(table), np.nan)
    middles = ((table["start"] + table["end"]) // 2).to_numpy(dtype=np.int64)
    for code, chrom in enumerate(annotation.chroms):
        own = annotation.chrom == code
        rows = np.flatnonzero(table["chrom"].to_numpy() == chrom)
        if not own.any() or not len(rows):
            continue
        merged = merge(np.stack([annotation.start[own], annotation.end[own]], axis=1))
        middle = middles[rows]
        after = np.searchsorted(merged[:, 0], middle, side="right")  # the first interval that begins after it
        behind = np.where(after > 0, np.maximum(middle - merged[np.maximum(after - 1, 0), 1] + 1, 0), np.inf)
        last = len(merged) - 1
        ahead = np.where(after <= last, merged[np.minimum(after, last), 0] - middle, np.inf)
        found[rows] = np.minimum(behind, ahead)
    return found
