"""Signal along a genome: bedGraph, wiggle and bigWig as intervals with values; bases without a value are missing."""

import math
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.annotation import NothingHereError
from grover_probe.annotation.formats import HEADERS, read_content
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.genome import Genome, short_name

_BIGWIG_STEP = 5_000_000  # bases that are read at a time


@dataclass(frozen=True)
class Signal:
    """Values along a genome.

    Attributes
    ----------
    name
        File name without endings.
    by_chrom
        For each sequence of the genome: starts, ends (int64) and values (float64) of stretches with a value, sorted,
        not overlapping; each shape (n,).
    notes
        What was left out, for the user to see.
    """

    name: str
    by_chrom: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return f"Signal({self.name}: {sum(len(part[0]) for part in self.by_chrom.values()):,} stretches)"

    def sums(self, chrom: str, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum of values over the bases of each [start, end) that have one (float64), and their number (int64)."""
        part = self.by_chrom.get(chrom)
        if part is None:
            part = {short_name(name): each for name, each in self.by_chrom.items()}.get(short_name(chrom))
        if part is None or not len(part[0]):
            return np.zeros(len(starts)), np.zeros(len(starts), dtype=np.int64)
        low, high, values = part
        sizes = high - low
        bases, total = (np.concatenate(([0], np.cumsum(each))) for each in (sizes, sizes * values))

        def below(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            begun = np.searchsorted(low, positions, side="left")
            last = np.maximum(begun - 1, 0)
            beyond = np.where(begun > 0, np.maximum(high[last] - positions, 0), 0)
            return total[begun] - beyond * values[last], bases[begun] - beyond

        (sum_end, n_end), (sum_start, n_start) = below(np.asarray(ends)), below(np.asarray(starts))
        return sum_end - sum_start, n_end - n_start


def read_signal(path: Path | str, genome: Genome, name: str | None = None) -> Signal:
    """Read a signal track.

    Parameters
    ----------
    path
        bedGraph or wiggle (plain or gzip), or bigWig. Values that are not finite count as missing.
    genome
        Chromosomes are named as here (``20`` = ``chr20``), and coordinates are checked against its lengths.
    name
        File name without endings when None.

    Raises
    ------
    InputError
        When the file is not such a track, two stretches overlap, or one runs past the end of its chromosome.
    NothingHereError
        When no base of this genome has a finite value.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            magic = handle.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected bedGraph, wiggle or bigWig") from error
    stretches = _Stretches(path, genome)
    if magic in (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26"):
        _read_bigwig(path, stretches)
    else:
        _read_text(path, stretches)
    return stretches.finish(name or path.name.split(".")[0])


class _Stretches:
    """Collects stretches with values in file order."""

    def __init__(self, path: Path, genome: Genome) -> None:
        self.path, self.genome = path, genome
        self.parts: dict[str, tuple[Any, Any, Any, Any]] = defaultdict(
            lambda: (array("q"), array("q"), array("d"), array("q"))
        )
        self.others: set[str] = set()
        self.not_finite = 0
        self.first_not_finite = ""
        self._known = {short_name(name): name for name in genome.names}

    def add(self, number: int, chrom: str, start: int, end: int, value: float) -> None:
        name = chrom if chrom in self.genome.lengths else self._known.get(short_name(chrom))
        place = f"{self.path}:{number}" if number else f"{self.path}"
        if name is None:
            self.others.add(chrom)
            return
        if not 0 <= start < end <= self.genome.lengths[name]:
            raise InputError(
                f"{place}: {chrom}:{start}-{end} does not lie within {name} (0-{self.genome.lengths[name]}) of "
                f"{self.genome.path.name}; is the file from another assembly?"
            )
        if not math.isfinite(value):
            self.not_finite += 1
            self.first_not_finite = self.first_not_finite or f"{place}: {chrom}:{start}-{end} is {value}"
            return
        for column, each in zip(self.parts[name], (start, end, value, number), strict=True):
            column.append(each)

    def finish(self, name: str) -> Signal:
        by_chrom = {}
        for chrom, columns in self.parts.items():
            start, end, number = (np.frombuffer(columns[i], dtype=np.int64) for i in (0, 1, 3))
            order = np.argsort(start, kind="stable")
            start, end, value = start[order], end[order], np.frombuffer(columns[2], dtype=np.float64)[order]
            clash = np.flatnonzero(start[1:] < end[:-1])
            if len(clash):
                first, second = sorted(number[order][[clash[0], clash[0] + 1]].tolist())
                raise InputError(f"{self.path}:{second}: overlaps the stretch of line {first}; a base has one value")
            by_chrom[chrom] = (start, end, value)
        if not by_chrom:
            found = f"it has values on {', '.join(sorted(self.others)[:5])}" if self.others else "it has no values"
            if self.not_finite:
                found = f"no value is finite ({self.first_not_finite})"
            names = ", ".join(self.genome.names[:5])
            raise NothingHereError(f"{self.path}: nothing on {self.genome.path.name} ({names}): {found}")
        notes = []
        if self.not_finite:
            notes.append(f"{self.first_not_finite}, not finite; {self.not_finite:,} such stretches count as missing")
        if self.others:
            notes.append(f"{self.path}: {len(self.others)} sequences that {self.genome.path.name} lacks are left out")
        return Signal(name, by_chrom, tuple(notes))


def _read_bigwig(path: Path, stretches: _Stretches) -> None:
    try:
        import pyBigWig
    except ImportError as error:
        raise MissingDependencyError("bigWig needs pyBigWig; pip install 'grover-probe[annotation]'") from error
    try:
        with pyBigWig.open(str(path)) as handle:
            if not handle.isBigWig():
                raise InputError(f"{path}: a bigBed; expected bigWig, bedGraph or wiggle")
            for chrom, length in handle.chroms().items():
                for begin in range(0, length, _BIGWIG_STEP):
                    stop = min(begin + _BIGWIG_STEP, length)
                    for start, end, value in handle.intervals(chrom, begin, stop) or ():
                        stretches.add(0, chrom, max(start, begin), min(end, stop), value)
    except RuntimeError as error:
        raise InputError(f"{path}: a damaged bigWig ({error})") from error


def _read_text(path: Path, stretches: _Stretches) -> None:
    declared: dict[str, str] = {}
    position, chrom, variable = 0, "", False
    for number, raw in enumerate(read_content(path).split(b"\n"), start=1):
        line = raw.decode("utf-8", "replace").strip()
        if not line or line.startswith(HEADERS):
            continue
        fields = line.split()
        try:
            if fields[0] in ("fixedStep", "variableStep"):
                declared = dict(part.split("=", 1) for part in fields[1:])
                chrom, position = declared["chrom"], int(declared.get("start", 1)) - 1
                variable = fields[0] == "variableStep"
            elif not declared or len(fields) == 4:
                name, start, end, value = fields
                stretches.add(number, name, int(start), int(end), float(value))
            else:
                span = int(declared.get("span", 1))
                if variable:
                    position = int(fields[0]) - 1
                stretches.add(number, chrom, position, position + span, float(fields[-1]))
                position += int(declared.get("step", span))
        except (ValueError, KeyError):
            raise InputError(
                f"{path}:{number}: not a line of a bedGraph (chrom, start, end, value) or wiggle: {line[:60]!r}"
            ) from None
