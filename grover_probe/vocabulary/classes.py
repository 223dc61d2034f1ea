"""Annotation for the vocabulary table: a BED file as one class, or split into classes by one of its columns."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from grover_probe.annotation import Intervals, read_annotation, read_intervals
from grover_probe.errors import InputError
from grover_probe.genome import Genome

MAX_CLASSES = 64


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
    """Intervals of each class of an annotation file, overlapping and touching ones merged.

    Returns
    -------
    list of Intervals
        One, named after the file; or with a column one per value of it, by name, called ``file.value``.

    Raises
    ------
    InputError
        When the file cannot be used, has no such column or more than 64 values there.
    """
    if annotation.column is None:
        return [read_intervals(annotation.path, genome)]
    found = read_annotation(annotation.path, genome, annotation.column)
    if len(found.class_names) > MAX_CLASSES:
        raise InputError(
            f"{annotation.path}: column {annotation.column} has more than {MAX_CLASSES} values; choose a column of "
            "classes"
        )
    return [replace(part, name=f"{found.name}.{name}") for name, part in found.classes.items()]
