"""Data sets of others: tables, FASTA, folders of splits or of classes, BED with a label column."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError
from grover_probe.tasks.dataset import CARD, DataSet, check_classes, check_sequences, conflicting, load_dataset
from grover_probe.tasks.formats import (
    FASTA_ENDINGS,
    TABLE_ENDINGS,
    ending,
    read_class_folders,
    read_fasta_classes,
    read_fasta_labels,
    read_table,
)
from grover_probe.tasks.splits import SplitRule, split_by_place, split_by_sequence

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.genome import Genome

_SPLIT_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "eval": "validation", "test": "test", "testing": "test",
}  # fmt: skip


def read_task(
    path: Path | str,
    *,
    labels: Path | None = None,
    genome: "Genome | None" = None,
    label_column: int = 4,
    flank: int = 100,
    truncated: Collection[str] = (),
    rule: SplitRule | None = None,
    seed: int = 0,
) -> DataSet:
    """Read a classification data set.

    Parameters
    ----------
    path
        A folder of `grover-probe tasks`; a folder with ``train``, ``dev`` (``validation``) and ``test`` tables (GUE) or
        with ``train/CLASS/*.txt`` (genomic-benchmarks), or with one FASTA per class; a CSV or TSV with ``sequence``,
        ``label`` and perhaps ``split``, ``id``, ``group``, ``chrom``, ``start``, ``end``; a FASTA; a BED.
    labels
        For one FASTA: a table with ``id`` and ``label``, or one label a line in the order of the sequences.
    genome
        For a BED: where the sequences are.
    label_column
        For a BED: which column is the label, counted from 1.
    flank
        For a BED: bases on each side to tokenise with.
    truncated
        For a BED: as in `grover_probe.tasks.sources.read_lines`.
    rule
        How examples with coordinates are divided when the file does not say; seeded blocks by default.
    seed
        Decides a split that the file does not give: 80 % train, 10 % validation, 10 % test, by class, identical
        sequences together; whole groups or blocks where the file has them.

    Returns
    -------
    DataSet
        With a counted warning in `DataSet.notes` for each thing that is odd but can be used.

    Raises
    ------
    InputError
        When the file is none of these, a sequence is empty or has letters that are no nucleotides, or a split has one
        class only; the message names the line.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; expected prom300, promscan, ctcf, or a data set")
    if (path / CARD).is_file():
        return load_dataset(path)
    left_out: dict[str, int] = {}
    if path.is_dir():
        table = _read_folder(path)
    elif ending(path) in TABLE_ENDINGS:
        table = read_table(path)
    elif ending(path) in FASTA_ENDINGS:
        table = read_fasta_labels(path, labels)
    elif ending(path) in (".bed", ".narrowpeak"):
        from grover_probe.tasks.regions import read_labelled_bed

        table, left_out = read_labelled_bed(path, genome, label_column, flank, truncated)
    else:
        raise InputError(
            f"{path}: expected {', '.join((*TABLE_ENDINGS, *FASTA_ENDINGS, '.bed'))} (or .gz), or a folder"
        )
    return _finish(path, table, left_out, rule or SplitRule.tenths(seed=seed), seed)


def _finish(path: Path, table: "pd.DataFrame", left_out: dict[str, int], rule: SplitRule, seed: int) -> DataSet:
    odd = check_sequences(table["sequence"].tolist(), table.pop("_where").tolist())
    table["sequence"] = table["sequence"].str.upper()
    classes, table["label"] = _classes(table["label"].tolist(), path)
    if "id" not in table:
        table["id"] = [f"{path.name.split('.')[0]}:{number}" for number in range(1, len(table) + 1)]
    notes = [f"left out: {count:,} {reason}" for reason, count in left_out.items()]
    if odd:
        notes.append(f"{odd:,} sequences have letters other than A, C, G, T; these belong to no token")
    several = conflicting(table)
    if several:
        notes.append(f"{several:,} sequences occur with more than one label; they are kept")
    table, rule_text = _divide(table, path, rule, seed, notes)
    found = check_classes(DataSet(path.name.split(".")[0], table, classes))
    return replace(found, notes=tuple(notes), card={"split_rule": rule_text, "left_out": left_out})


def _divide(
    table: "pd.DataFrame", path: Path, rule: SplitRule, seed: int, notes: list[str]
) -> tuple["pd.DataFrame", str]:
    """Give every example a split: the file's own, or a seeded one."""
    if "split" in table:
        names = table["split"].str.strip().str.lower().map(_SPLIT_NAMES)
        if names.isna().any():
            wrong = table["split"][names.isna()].iloc[0]
            raise InputError(f"{path}: split {wrong!r}; expected train, validation (dev) or test")
        table["split"] = names
        if not (names == "test").any():
            raise InputError(f"{path}: has a split column but no test examples; expected train, validation and test")
        if (names == "validation").any():
            return table.reset_index(drop=True), "given by the files"
        if (names == "train").any():  # some benchmarks have only train and test
            train = (names == "train").to_numpy()
            table.loc[train, "split"] = split_by_sequence(table[train], (0.1, 0.0), seed)
            notes.append(f"no validation split: {(table['split'] == 'validation').sum():,} train examples became one")
        return table.reset_index(drop=True), f"given by the files; validation: a tenth of train, seed {seed}"
    if {"chrom", "start", "end"} <= set(table.columns):
        grouped = table if "group" in table else table.assign(group=table["id"])
        split, dropped = split_by_place(grouped, rule)
        notes += [f"left out: {count:,} {reason}" for reason, count in dropped.items()]
        table = table.assign(split=split)[split != ""]
        return table.reset_index(drop=True), rule.describe()
    if "group" in table:
        table["split"] = _split_by_group(table, seed)
        return table.reset_index(
            drop=True
        ), f"whole groups drawn with seed {seed}: 80 % train, 10 % validation, 10 % test"
    table["split"] = split_by_sequence(table, (0.1, 0.1), seed)
    return (
        table,
        f"drawn by class with seed {seed}: 80 % train, 10 % validation, 10 % test; identical sequences together",
    )


def _split_by_group(table: "pd.DataFrame", seed: int) -> "pd.Series":
    import numpy as np

    names = np.sort(table["group"].astype(str).unique())
    names = names[np.random.default_rng(seed).permutation(len(names))]
    n = max(1, round(len(names) / 10))
    split_of = {
        name: "validation" if place < n else "test" if place < 2 * n else "train" for place, name in enumerate(names)
    }
    return table["group"].astype(str).map(split_of)


def _classes(labels: Sequence[Any], path: Path) -> tuple[tuple[str, ...], list[int]]:
    """Names of the classes and the number of each label: numbers 0, 1, ... as they are, names in alphabetical order."""
    words = [str(label).strip() for label in labels]
    if any(not word for word in words):
        raise InputError(f"{path}: example {words.index('') + 1} has no label")
    names = sorted(set(words))
    if all(word.isdecimal() for word in names):
        numbers = sorted(int(word) for word in names)
        if numbers[-1] > 999:
            raise InputError(f"{path}: label {numbers[-1]}; expected the numbers of classes 0, 1, ... or their names")
        return tuple(str(number) for number in range(numbers[-1] + 1)), [int(word) for word in words]
    number_of = {name: number for number, name in enumerate(names)}
    return tuple(names), [number_of[word] for word in words]


def _read_folder(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    tables = {}
    for path in sorted(folder.iterdir()):
        split = _SPLIT_NAMES.get(path.name.split(".")[0].lower())
        if split and path.is_file() and ending(path) in TABLE_ENDINGS:
            if split in tables:
                raise InputError(f"{folder}: two tables for the {split} split; expected one of each")
            tables[split] = read_table(path).assign(split=split)
    if tables:
        if "train" not in tables or "test" not in tables:
            raise InputError(f"{folder}: has tables for {', '.join(tables)} only; expected train, dev and test")
        return pd.concat(tables.values(), ignore_index=True)
    splits = {
        path: _SPLIT_NAMES[path.name.lower()] for path in sorted(folder.iterdir()) if path.name.lower() in _SPLIT_NAMES
    }
    if splits and all(path.is_dir() for path in splits):
        parts = [read_class_folders(path).assign(split=split) for path, split in splits.items()]
        return pd.concat(parts, ignore_index=True)
    fastas = [path for path in sorted(folder.iterdir()) if path.is_file() and ending(path) in FASTA_ENDINGS]
    if len(fastas) > 1:
        return read_fasta_classes(fastas)
    raise InputError(
        f"{folder}: expected a data set of `grover-probe tasks`, train.csv with dev.csv and test.csv, "
        "train/CLASS/*.txt, or one FASTA per class"
    )
