"""Annotation for the vocabulary table: a BED file as one class, or split into classes by one of its columns."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.annotation import Intervals, read_bed, read_intervals
from grover_probe.errors import InputError
from grover_probe.genome import Genome

MAX_CLASSES = 64
_HEADERS = ("track", "browser", "#")


@dataclass(frozen=True)
class AnnotationFile:
    """A BED file and, to split it into classes, the number of a column (from 1).

    >>> parse_annotation("repeats.bed.gz:7")
    AnnotationFile(path=PosixPath('repeats.bed.gz'), column=7)
    """

    path: Path
    column: int | None = None


def parse_annotation(text: str) -> AnnotationFile:
    """Read ``FILE`` or ``FILE:COLUMN``.

    Raises
    ------
    InputError
        When the column is one of the first three, which hold the position.
    """
    found = re.fullmatch(r"(.+):(\d+)", text)
    if found is None or Path(text).exists():
        return AnnotationFile(Path(text))
    column = int(found[2])
    if column < 4:
        raise InputError(f"--annotation {text}: column {column} holds the position; classes begin with column 4")
    return AnnotationFile(Path(found[1]), column)


def read_classes(annotation: AnnotationFile, genome: Genome) -> list[Intervals]:
    """Intervals of each class of a BED file, overlapping and touching ones merged.

    Returns
    -------
    list of Intervals
        One, named after the file; or with a column one per value of it, by name, called ``file.value``.

    Raises
    ------
    InputError
        When the file is not BED, has no such column or more than 64 values there.
    """
    if annotation.column is None:
        return [read_intervals(annotation.path, genome)]
    _, elsewhere = read_bed(annotation.path, genome)  # checks every line
    stem = annotation.path.name.split(".")[0]
    by_class = _split(annotation.path, annotation.column, genome)
    found = []
    for name in sorted(by_class):
        merged = {chrom: merge(np.array(pairs, dtype=np.int64)) for chrom, pairs in by_class[name].items()}
        n_read = sum(map(len, by_class[name].values()))
        found.append(Intervals(f"{stem}.{name}", merged, n_read, elsewhere))
    return found


def merge(intervals: np.ndarray) -> np.ndarray:
    """Merge intervals that overlap or touch.

    Parameters
    ----------
    intervals
        int64, shape (n, 2), in any order, n > 0.

    Returns
    -------
    np.ndarray
        int64, shape (n_merged, 2), sorted, apart from each other.
    """
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    opens = np.concatenate(([True], ordered[1:, 0] > reach[:-1]))
    closes = np.concatenate((opens[1:], [True]))
    return np.stack([ordered[opens, 0], reach[closes]], axis=1)


def _split(path: Path, column: int, genome: Genome) -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Intervals by class and chromosome, as they are in the (checked) file."""
    by_class: dict[str, dict[str, list[tuple[int, int]]]] = {}
    with path.open("rb") as probe:
        opener = gzip.open if probe.read(2) == b"\x1f\x8b" else open
    with opener(path, "rt", encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip() or line.startswith(_HEADERS):
                continue
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) < column:
                raise InputError(f"{path}:{number}: {len(fields)} columns; expected a class in column {column}")
            try:
                chrom = genome.resolve(fields[0])
            except InputError:
                continue
            if int(fields[2]) > int(fields[1]):
                pairs = by_class.setdefault(fields[column - 1], {}).setdefault(chrom, [])
                pairs.append((int(fields[1]), int(fields[2])))
            if len(by_class) > MAX_CLASSES:
                raise InputError(
                    f"{path}:{number}: column {column} has more than {MAX_CLASSES} values; choose a column of classes"
                )
    return by_class
