"""One row per window: coverage, label and strand of every annotation, and the mean of every signal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pandas as pd

from grover_probe.annotation import Annotation, NothingHereError, read_bed
from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.overlap.inputs import open_inputs, parse_option, token_windows
from grover_probe.overlap.signals import Signal, read_signal
from grover_probe.overlap.windows import Rule, window_coverage, window_labels, window_signal, window_strand
from grover_probe.provenance import describe_file


def window_table(
    windows: pd.DataFrame, annotations: Sequence[Annotation], signals: Sequence[Signal], rule: Rule = "majority"
) -> pd.DataFrame:
    """Describe windows by annotation and signals.

    Parameters
    ----------
    windows
        Columns ``chrom``, ``start``, ``end``; others are kept.
    annotations, signals
        From `read_annotation` and `read_signal`.
    rule
        Of `window_labels`.

    Returns
    -------
    pandas.DataFrame
        The windows with, for an annotation A and its classes C, ``A.C``, the share of the window's bases in C, ``A``,
        the label, and where features have a strand ``A.C.strand`` (`window_strand`); for a signal S, ``S``, its mean,
        and ``S.covered``, the share of bases that have a value.
    """
    parts = [windows.reset_index(drop=True)]
    plain = parts[0]
    for annotation in annotations:
        classes = annotation.classes
        coverage = window_coverage(plain, classes)
        labels = window_labels(coverage, rule, windows=plain, intervals_by_class=classes)
        parts += [labels.rename(annotation.name), coverage.add_prefix(f"{annotation.name}.")]
        if annotation.strand.any():
            strand = window_strand(plain, annotation)
            parts.append(strand.add_prefix(f"{annotation.name}.").add_suffix(".strand"))
    for signal in signals:
        mean = window_signal(plain, signal)
        parts.append(mean.rename(columns={"mean": signal.name, "covered": f"{signal.name}.covered"}))
    table = pd.concat(parts, axis=1)
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise InputError(f"two inputs give a column called {repeated[0]}; name annotations with NAME=FILE")
    return table


def describe_windows(
    tokenizer: str | None,
    genome: Path | None,
    annotation: Sequence[str] | None,
    class_column: str | None,
    signal: Sequence[str] | None,
    regions: Path | None,
    windows: Path | None,
    length: int,
    rule: str,
    *,
    progress: bool,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table of `window_table` for the options of the command, and what its record says."""
    if rule not in get_args(Rule):
        raise InputError(f"--rule {rule!r}: expected one of {', '.join(get_args(Rule))}")
    given = open_inputs(tokenizer, genome, annotation, class_column, regions, progress=progress)
    signals, skipped, files = [], list(given.skipped), dict(given.files)
    wanted = [parse_option(text, None) for text in signal or ()]
    for option in wanted:
        try:
            found = read_signal(option.path, given.genome, option.name)
        except NothingHereError as error:
            note(f"skipped: {error}")
            skipped.append(str(error))
            continue
        for message in found.notes:
            note(message)
        signals.append(found)
    if not (given.annotations or signals):
        raise InputError(skipped[0] if skipped else "nothing to describe windows with; give --annotation or --signal")
    if windows is None:
        places = token_windows(given.corpus, given.runs, length)
    else:
        chosen, elsewhere = read_bed(windows, given.genome)
        places = pd.DataFrame([(r.chrom, r.start, r.end) for r in chosen], columns=["chrom", "start", "end"])
        files["windows"] = describe_file(windows)
        if elsewhere:
            note(f"{windows}: {elsewhere:,} windows lie on sequences that {given.genome.path.name} does not have")
    files["signal"] = [describe_file(option.path) for option in wanted]
    table = window_table(places, given.annotations, signals, cast(Rule, rule))
    for each in signals:
        n_missing = int(np.isnan(table[each.name]).sum())
        if n_missing:
            note(f"{each.name}: no mean for {n_missing:,} of {len(table):,} windows; most of their bases have no value")
    return table, {"inputs": files, "parameters": {"length": length, "rule": rule}, "skipped": skipped}
