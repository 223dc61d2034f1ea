"""A classification data set: one table, its classes and its card, in memory and as a folder."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.files import staged_files

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
TABLE, CARD, README, RECORD = "data.tsv", "card.json", "README.md", "data.run.json"
#: Columns that every table has, then those that some have, in the order in which they are written.
REQUIRED = ("id", "sequence", "label", "split")
COLUMNS = ("id", "chrom", "start", "end", "strand", "sequence", "label", "split", "group", "left", "right", "tokens")
_LETTERS = frozenset("ACGT")
_IUPAC = frozenset("ACGTNRYSWKMBDHVacgtnryswkmbdhv")


@dataclass(frozen=True)
class DataSet(ShowsTable):
    """Sequences with labels, divided into train, validation and test.

    Attributes
    ----------
    name
        For messages and cards.
    table
        One row per example: ``id``, ``sequence`` (upper case), ``label`` (0, 1, ...), ``split``; where known
        ``chrom``, ``start``, ``end`` (0-based, half-open, forward strand), ``strand``, ``group`` (examples that belong
        together), ``left`` and ``right`` (flanking sequence on the same strand as the example), ``tokens`` (ids to
        feed as they are).
    classes
        Name of each label.
    card
        What is known about it; written beside the table.
    notes
        Counted warnings for the user.
    """

    name: str
    table: "pd.DataFrame"
    classes: tuple[str, ...]
    card: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{(self.table['split'] == split).sum():,} {split}" for split in SPLITS)
        return f"DataSet({self.name}: {sizes}; classes {', '.join(self.classes)})"

    def __len__(self) -> int:
        return len(self.table)

    def part(self, split: str) -> "pd.DataFrame":
        """The rows of one split, in order, numbered anew."""
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def to_frame(self) -> "pd.DataFrame":
        """The table."""
        return self.table

    @property
    def hash(self) -> str:
        """SHA-256 of what a model learns from: ids, sequences, labels, splits, flanks and tokens."""
        digest = hashlib.sha256()
        for name in ("id", "sequence", "label", "split", "left", "right", "tokens"):
            if name in self.table:
                digest.update(name.encode() + b"\t" + "\n".join(self.table[name].astype(str)).encode() + b"\0")
        return digest.hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Examples of each class in each split."""
        found = {}
        for split in SPLITS:
            labels = self.part(split)["label"]
            found[split] = {name: int((labels == number).sum()) for number, name in enumerate(self.classes)}
        return found

    def overview(self) -> "pd.DataFrame":
        """Examples of each class (rows) in each split."""
        import pandas as pd

        return pd.DataFrame(self.counts()).rename_axis("class").reset_index()

    def save(self, folder: Path | str, inputs: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Write ``data.tsv``, ``card.json``, ``README.md`` and ``data.run.json``."""
        from grover_probe.provenance import write_run
        from grover_probe.tasks.card import card_text

        card = {**self.card, "name": self.name, "classes": list(self.classes), "sha256": self.hash}
        ordered = [name for name in COLUMNS if name in self.table]
        ordered += [name for name in self.table.columns if name not in ordered]
        with staged_files(folder, (TABLE, CARD, README, RECORD)) as staging:
            self.table[ordered].to_csv(staging / TABLE, sep="\t", index=False, lineterminator="\n")
            (staging / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
            (staging / README).write_text(card_text(card), encoding="utf-8")
            write_run(staging / RECORD, inputs=inputs, parameters=parameters, output=card["sha256"])


def load_dataset(folder: Path | str) -> DataSet:
    """Read a folder that `DataSet.save` wrote.

    Raises
    ------
    InputError
        When it is none, or its table is not the one that its card describes.
    """
    import pandas as pd

    folder = Path(folder)
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        classes, name, expected = tuple(map(str, card["classes"])), str(card["name"]), card["sha256"]
        table = pd.read_csv(folder / TABLE, sep="\t", dtype=str, keep_default_na=False)
        table["label"] = table["label"].astype(int)
        for column in ("start", "end"):
            if column in table:
                table[column] = table[column].astype(int)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a data set of `grover-probe tasks` ({error})") from error
    found = DataSet(name, table, classes, card)
    if any(column not in table for column in REQUIRED) or found.hash != expected:
        raise InputError(
            f"{folder / TABLE}: has changed since {CARD} was written; build it again, or give the table itself as a "
            "file of your own"
        )
    return check_classes(found)


def check_classes(dataset: DataSet) -> DataSet:
    """Refuse a data set that nothing can be learned from or measured on.

    Raises
    ------
    InputError
        When a split is empty or has one class only.
    """
    for split, sizes in dataset.counts().items():
        there = [name for name, size in sizes.items() if size]
        if not there:
            raise InputError(f"{dataset.name}: the {split} split is empty; expected examples of at least two classes")
        if len(there) < 2:
            raise InputError(
                f"{dataset.name}: the {split} split has one class only ({there[0]}, {sum(sizes.values())} examples); "
                "expected at least two"
            )
    return dataset


def check_sequences(sequences: Sequence[str], where: Sequence[str]) -> int:
    """Check letters and return how many sequences hold other letters than A, C, G and T.

    Parameters
    ----------
    sequences
        Texts.
    where
        File and line, or name, of each, for the message.

    Raises
    ------
    InputError
        For an empty sequence or a letter that stands for no nucleotide.
    """
    odd = 0
    for text, place in zip(sequences, where, strict=True):
        if not text:
            raise InputError(f"{place}: an empty sequence; expected letters A, C, G, T")
        letters = set(text)
        if letters <= _LETTERS:
            continue
        wrong = sorted(letters - _IUPAC)
        if wrong:
            hint = "; RNA must be written with T" if wrong in (["U"], ["u"]) else ""
            raise InputError(f"{place}: {wrong[0]!r} is no nucleotide letter; expected A, C, G, T (or N){hint}")
        odd += bool({letter.upper() for letter in letters} - _LETTERS)
    return odd


def conflicting(table: "pd.DataFrame") -> int:
    """Number of sequences that occur with more than one label."""
    return int((table.groupby("sequence")["label"].nunique() > 1).sum())
