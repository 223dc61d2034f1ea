"""Sequences with labels in the file formats of others, as tables with ``sequence``, ``label`` and ``_where``."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

TABLE_ENDINGS = (".csv", ".tsv")
FASTA_ENDINGS = (".fa", ".fasta", ".fna")
_KNOWN = ("id", "chrom", "start", "end", "strand", "sequence", "label", "split", "group", "left", "right")
_OTHER_NAMES = {"seq": "sequence", "text": "sequence", "sequences": "sequence", "labels": "label", "class": "label"}
_NEGATIVE, _POSITIVE = ("negative", "negatives", "neg"), ("positive", "positives", "pos")


def ending(path: Path) -> str:
    """The ending of a file name, in lower case, without ``.gz``."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def read_table(path: Path) -> "pd.DataFrame":
    """Read a CSV or TSV whose first line names the columns ``sequence`` and ``label``.

    Raises
    ------
    InputError
        When a column is missing or a line has another number of fields.
    """
    import pandas as pd

    text = _read_text(path)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # a sequence may be longer than csv expects
    rows = csv.reader(io.StringIO(text), delimiter="\t" if ending(path) == ".tsv" else ",")
    header = [_OTHER_NAMES.get(name.strip().lower(), name.strip().lower()) for name in next(rows, [])]
    if "sequence" not in header or "label" not in header:
        raise InputError(f"{path}:1: columns {', '.join(header) or 'none'}; expected at least sequence and label")
    kept = [(name, header.index(name)) for name in _KNOWN if name in header]
    columns: dict[str, list] = {name: [] for name, _ in kept}
    where = []
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{path}:{rows.line_num}: {len(row)} fields; expected {len(header)} as in the first line")
        for name, index in kept:
            columns[name].append(row[index].strip())
        where.append(f"{path}:{rows.line_num}")
    if not where:
        raise InputError(f"{path}: no examples below the first line")
    for name in ("start", "end"):
        for number, value in enumerate(columns.get(name, [])):
            if not value.isdecimal():
                raise InputError(f"{where[number]}: {name} {value!r}; expected a whole number of bases")
            columns[name][number] = int(value)
    return pd.DataFrame({**columns, "_where": where})


def read_fasta(path: Path) -> Iterator[tuple[str, str, int]]:
    """Header without ``>``, sequence, and line number of the header, record by record.

    Raises
    ------
    InputError
        When the file does not begin with a header.
    """
    header: str | None = None
    parts: list[str] = []
    begin = 0
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if line.startswith(">"):
            if header is not None:
                yield header, "".join(parts), begin
            header, parts, begin = line[1:].strip(), [], number
        elif header is None and line.strip():
            raise InputError(f"{path}:{number}: not a FASTA file; expected a line that begins with >")
        else:
            parts.append(line.strip())
    if header is None:
        raise InputError(f"{path}: no sequences; expected a FASTA file")
    yield header, "".join(parts), begin


def read_fasta_labels(path: Path, labels: Path | None) -> "pd.DataFrame":
    """One FASTA and its labels: a file of their own, or ``label=...`` in each header.

    Raises
    ------
    InputError
        When a sequence has no label.
    """
    import pandas as pd

    records = list(read_fasta(path))
    names = [
        header.split()[0] if header.split() else f"record {n}" for n, (header, _, _) in enumerate(records, start=1)
    ]
    if labels is None:
        found = []
        for header, _, number in records:
            marked = [word.partition("=")[2] for word in header.split() if word.lower().startswith("label=")]
            if not marked:
                raise InputError(f"{path}:{number}: no label; give --labels FILE, or write label=... into each header")
            found.append(marked[0])
    else:
        found = _labels_of(names, labels)
    where = [f"{path}:{number}" for _, _, number in records]
    return pd.DataFrame({"id": names, "sequence": [text for _, text, _ in records], "label": found, "_where": where})


def read_fasta_classes(paths: Sequence[Path]) -> "pd.DataFrame":
    """One FASTA per class, named after it; ``negative`` and ``positive`` are 0 and 1."""
    import pandas as pd

    rows = []
    for path in paths:
        name = path.name.split(".")[0]
        for header, text, number in read_fasta(path):
            word = header.split()[0] if header.split() else str(number)
            rows.append((f"{name}:{word}", text, class_label(name), f"{path}:{number}"))
    return pd.DataFrame(rows, columns=["id", "sequence", "label", "_where"])


def read_class_folders(folder: Path) -> "pd.DataFrame":
    """A folder per class with one sequence in each ``.txt`` file, as genomic-benchmarks writes them."""
    import pandas as pd

    rows = []
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(group.glob("*.txt")):
            rows.append(
                (
                    f"{folder.name}:{group.name}:{path.stem}",
                    _read_text(path).strip(),
                    class_label(group.name),
                    f"{path}",
                )
            )
    if not rows:
        raise InputError(f"{folder}: no CLASS/*.txt in it")
    return pd.DataFrame(rows, columns=["id", "sequence", "label", "_where"])


def class_label(name: str) -> str:
    """The label of a class that a file or folder is named after."""
    if name.lower() in _NEGATIVE:
        return "0"
    return "1" if name.lower() in _POSITIVE else name


def _labels_of(names: list[str], path: Path) -> list[str]:
    lines = [line for line in _read_text(path).splitlines() if line.strip()]
    split = [line.split("\t") if "\t" in line else line.split(",") for line in lines]
    if all(len(fields) == 1 for fields in split):
        values = [fields[0].strip() for fields in split]
        if len(values) == len(names) + 1 and values[0].lower() == "label":
            values = values[1:]
        if len(values) != len(names):
            raise InputError(f"{path}: {len(values)} labels for {len(names)} sequences; expected one a line")
        return values
    label_of = {fields[0].strip(): fields[1].strip() for fields in split if len(fields) > 1}
    missing = [name for name in names if name not in label_of]
    if missing:
        raise InputError(
            f"{path}: no label for {missing[0]} ({len(missing)} of {len(names)} sequences); expected id, label"
        )
    return [label_of[name] for name in names]


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; expected a file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: binary data; expected text") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip stream is truncated or damaged") from error
