"""Regions of a BED file as sequences: labelled examples, or input to predict on."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from grover_probe.errors import InputError
from grover_probe.genome import Genome, decode_bases
from grover_probe.tasks.sources import BedLine, Strands, read_lines

if TYPE_CHECKING:
    import pandas as pd


def read_labelled_bed(
    path: Path, genome: Genome | None, label_column: int, flank: int, truncated: Collection[str] = ()
) -> tuple["pd.DataFrame", dict[str, int]]:
    """Sequences of a BED file with a column of labels, on their strands (column 6, forward where it is missing).

    Returns
    -------
    table : pandas.DataFrame
        With coordinates and flanks.
    left_out : dict
        Number of regions left out, by reason.

    Raises
    ------
    InputError
        Without genome, or when a line has no such column.
    """
    if genome is None:
        raise InputError(f"{path}: the sequences of a BED file are in a genome; give --genome")
    if label_column < 4:
        raise InputError(f"label column {label_column}: the first three columns of a BED are its coordinates")
    lines, left_out = read_lines(path, genome, truncated)
    for line in lines:
        if not line.column(label_column - 1).strip():
            raise InputError(f"{path}:{line.number}: no label in column {label_column}; choose with --label-column")
    table, missing = region_sequences(lines, genome, flank)
    label_of = {line.number: line.column(label_column - 1) for line in lines}
    table["label"] = table["_line"].map(label_of)
    table["_where"] = [f"{path}:{number}" for number in table.pop("_line")]
    if missing:
        left_out["regions with an N, or whose flanks have one or leave the sequence"] = missing
    return table, left_out


def region_sequences(lines: list[BedLine], genome: Genome, flank: int) -> tuple["pd.DataFrame", int]:
    """Sequences and flanks of BED lines, and how many have none.

    Raises
    ------
    InputError
        When none is left.
    """
    import pandas as pd

    strands = Strands(genome)
    rows = []
    missing = 0
    for line in lines:
        forward = line.column(5) != "-"
        codes = strands.codes(line.chrom, line.start - flank, line.end + flank, forward)
        if codes is None:
            missing += 1
            continue
        text = decode_bases(codes)
        rows.append(
            {
                "id": f"{line.chrom}:{line.start}-{line.end}:{line.number}",
                "chrom": line.chrom,
                "start": line.start,
                "end": line.end,
                "strand": "+" if forward else "-",
                "sequence": text[flank : len(text) - flank],
                "left": text[:flank],
                "right": text[len(text) - flank :],
                "_line": line.number,
            }
        )
    if not rows:
        raise InputError(f"all {missing:,} regions hold an N, or their flanks do or leave the sequence; try --flank 0")
    return pd.DataFrame(rows), missing
