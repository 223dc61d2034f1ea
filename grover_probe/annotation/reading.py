"""Annotation of any format as named classes of merged intervals on a genome."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.annotation.formats import Format, detect, parse_line, read_content
from grover_probe.annotation.intervals import Intervals, merge
from grover_probe.errors import InputError
from grover_probe.genome import Genome, short_name

if TYPE_CHECKING:
    import pybedtools

    from grover_probe.annotation._scan import Scan

MAX_CLASSES = 200
UNNAMED = "(none)"  # the class of an empty field
_SOME = 5


class NothingHereError(InputError):
    """A file of which nothing lies on the genome."""


@dataclass(frozen=True)
class Annotation:
    """The intervals of one file on one genome, as they are there, with their classes.

    Attributes
    ----------
    name
        What tables call it.
    path
        The file.
    chroms, class_names
        What the codes stand for: names of the genome's sequences; names of classes, sorted.
    chrom, klass
        Codes, shape (n,).
    start, end
        0-based, half-open, in bases, int64, shape (n,).
    strand
        1, -1, or 0 for none, int8, shape (n,).
    notes
        What was left out, with file and line, for the user to see.
    elsewhere
        Intervals on sequences that the genome does not have.
    """

    name: str
    path: Path
    chroms: tuple[str, ...]
    class_names: tuple[str, ...]
    chrom: np.ndarray
    klass: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    notes: tuple[str, ...] = ()
    elsewhere: int = 0

    def __repr__(self) -> str:
        return f"Annotation({self.name}: {len(self):,} intervals, {len(self.class_names)} classes)"

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def classes(self) -> dict[str, Intervals]:
        """Merged intervals of each class, by name."""
        return self.by_class()

    def by_class(self, strand: int | None = None) -> dict[str, Intervals]:
        """Merged intervals of each class.

        Parameters
        ----------
        strand
            Only intervals on this strand (1 or -1); all when None.
        """
        keep = np.arange(len(self)) if strand is None else np.flatnonzero(self.strand == strand)
        order = keep[np.lexsort((self.chrom[keep], self.klass[keep]))]
        found: dict[str, Intervals] = {}
        for code, name in enumerate(self.class_names):
            low, high = np.searchsorted(self.klass[order], [code, code + 1])
            members = order[low:high]
            by_chrom = {}
            for number in np.unique(self.chrom[members]):
                chosen = members[self.chrom[members] == number]
                by_chrom[self.chroms[number]] = merge(np.stack([self.start[chosen], self.end[chosen]], axis=1))
            found[name] = Intervals(name, by_chrom, len(members), self.elsewhere)
        return found


def read_annotation(
    source: "Path | str | pybedtools.BedTool",
    genome: Genome,
    class_column: int | str | None = None,
    name: str | None = None,
    most_classes: int = MAX_CLASSES,
) -> Annotation:
    """Read annotation of a genome from a file of any format that `grover_probe.annotation.formats` knows.

    Parameters
    ----------
    source
        Plain or gzip file, in any order, with ``track``, ``browser`` and comment lines anywhere; or a BedTool.
    genome
        Chromosomes are named as here (``20`` = ``chr20``), and coordinates are checked against its lengths.
    class_column
        Column that holds the class: its number from 1, its name in the header or in the format, or for GTF and GFF an
        attribute such as ``gene_type``. One class, called as the annotation, when None.
    name
        File name without endings when None.
    most_classes
        A column with more values is refused: it is likely to hold names.

    Raises
    ------
    InputError
        For a line that is not of the format or an interval past the end of its chromosome (file and line are named;
        the assembly is likely another), or when the column is not there or has more values than `most_classes`.
    NothingHereError
        When nothing lies on the genome; the message shows the names on both sides.
    """
    path = Path(source) if isinstance(source, str | Path) else _file_of(source)
    name = name or path.name.split(".")[0]
    content = read_content(path)
    file_format = detect(path, content)
    column, attribute = _class_column(class_column, file_format, path)
    lines = _scan_or_explain(path, content, file_format, column)
    codes, others = _chromosomes(content, lines, genome)
    known = codes >= 0
    start, end = lines.start - file_format.one_based, lines.end
    lengths = np.array([genome.lengths[chrom] for chrom in genome.names], dtype=np.int64)
    beyond = known & (end > lengths[codes])
    if beyond.any():
        at = int(np.argmax(beyond))
        chrom = genome.names[codes[at]]
        raise InputError(
            f"{path}:{lines.line[at]}: {_text(content, lines.chrom_span[at])}:{start[at]}-{end[at]} runs past the end "
            f"of {chrom} ({genome.lengths[chrom]:,} bp) in {genome.path.name}; is the file from another assembly?"
        )
    keep = known & (end > start)
    if not keep.any():
        raise NothingHereError(_nothing_here(path, genome, others, int((~known).sum()), int(known.sum())))
    chosen = np.flatnonzero(keep)
    class_names, classes = _classes(content, lines, chosen, column, attribute, name, path, most_classes)
    return Annotation(
        name=name,
        path=path,
        chroms=genome.names,
        class_names=class_names,
        chrom=codes[keep],
        klass=classes,
        start=start[keep],
        end=end[keep],
        strand=lines.strand[keep],
        notes=_notes(path, genome, lines, known, keep, others),
        elsewhere=int((~known).sum()),
    )


def _file_of(bedtool: "pybedtools.BedTool") -> Path:
    """Where a BedTool's intervals are on the disk; a stream is written there first."""
    return Path(bedtool.fn if isinstance(bedtool.fn, str) else bedtool.saveas().fn)


def _class_column(wanted: int | str | None, file_format: Format, path: Path) -> tuple[int, str]:
    """Column from 0 (-1 for none), and the attribute in it that is asked for (empty for none)."""
    if wanted is None:
        return -1, ""
    named = isinstance(wanted, str) and not wanted.isdecimal()
    if file_format.attributes and named and wanted not in file_format.columns:
        return len(file_format.columns) - 1, str(wanted)
    return file_format.column(wanted, path), ""


def _scan_or_explain(path: Path, content: bytes, file_format: Format, column: int) -> "Scan":
    from grover_probe.annotation._scan import scan

    f = file_format
    lines = scan(content, f.chrom, f.start, f.end, f.strand, column, f.header_line)
    if lines.bad_line:
        text = content[slice(*lines.bad_span)].decode("utf-8", "replace")
        parse_line(text, path, lines.bad_line, file_format)
        n_columns = text.count("\t") + 1
        raise InputError(
            f"{path}:{lines.bad_line}: {n_columns} columns; expected a class in column {column + 1}"
            if n_columns <= column
            else f"{path}:{lines.bad_line}: not a line of a {file_format.kind}: {text[:80]!r}"
        )
    if f.one_based and len(lines.start) and lines.start.min() < 1:
        at = int(np.argmin(lines.start))
        raise InputError(f"{path}:{lines.line[at]}: starts at 0; the first base of a {file_format.kind} is 1")
    return lines


def _text(content: bytes, span: np.ndarray) -> str:
    return content[span[0] : span[1]].decode("utf-8", "replace")


def _chromosomes(content: bytes, lines: "Scan", genome: Genome) -> tuple[np.ndarray, list[str]]:
    """Index of each line's sequence in the genome, -1 for others; the names of others."""
    place = {name: i for i, name in enumerate(genome.names)}
    by_short_name = {short_name(name): i for i, name in enumerate(genome.names)}
    _, first, inverse = np.unique(lines.chrom_hash, return_index=True, return_inverse=True)
    names = [_text(content, lines.chrom_span[at]) for at in first]
    table = np.array([place.get(name, by_short_name.get(short_name(name), -1)) for name in names], dtype=np.int64)
    others = [name for name, code in sorted(zip(names, table.tolist(), strict=True)) if code < 0]
    return table[inverse] if len(table) else np.empty(0, np.int64), others


def _classes(
    content: bytes,
    lines: "Scan",
    chosen: np.ndarray,
    column: int,
    attribute: str,
    name: str,
    path: Path,
    most: int,
) -> tuple[tuple[str, ...], np.ndarray]:
    """Sorted class names, and the code of each chosen line."""
    if column < 0:
        return (name,), np.zeros(len(chosen), dtype=np.int64)
    _, first, inverse = np.unique(lines.class_hash[chosen], return_index=True, return_inverse=True)
    texts = [_text(content, lines.class_span[chosen[at]]).strip() for at in first]
    if attribute:
        pattern = re.compile(rf'(?:^|;)\s*{re.escape(attribute)}[ =]"?([^";]*)"?')
        found = [pattern.search(text) for text in texts]
        if not any(found):
            raise InputError(f"{path}: no line has an attribute {attribute!r}; see its last column for those it has")
        texts = [match[1].strip() if match else "" for match in found]
    texts = [text or UNNAMED for text in texts]
    names = tuple(sorted(set(texts)))
    if len(names) > most:
        raise InputError(
            f"{path}: the class column has {len(names):,} values ({', '.join(names[:_SOME])}, ...); choose a column "
            f"with up to {most}"
        )
    place = {text: code for code, text in enumerate(names)}
    return names, np.array([place[text] for text in texts], dtype=np.int64)[inverse]


def _notes(
    path: Path, genome: Genome, lines: "Scan", known: np.ndarray, keep: np.ndarray, others: list[str]
) -> tuple[str, ...]:
    notes = []
    empty = np.flatnonzero(known & ~keep)
    if len(empty):
        notes.append(
            f"{path}:{lines.line[empty[0]]}: an interval without a base; {len(empty):,} such intervals are left out"
        )
    if others:
        notes.append(
            f"{path}: {int((~known).sum()):,} intervals lie on sequences that {genome.path.name} does not have "
            f"({_some(others)}); left out"
        )
    return tuple(notes)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SOME]) + (", ..." if len(names) > _SOME else "")


def _nothing_here(path: Path, genome: Genome, others: list[str], elsewhere: int, empty: int) -> str:
    where = f"{path}: nothing on {genome.path.name} ({_some(genome.names)}): "
    if not elsewhere:
        return where + (f"none of its {empty:,} intervals has a base" if empty else "it has no intervals")
    return where + (
        f"its {elsewhere:,} intervals are on {_some(others)}; the two name their sequences differently, or one is a "
        "part of the genome that the other does not have"
    )
