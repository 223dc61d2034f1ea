"""Models of different tokens at equal architecture, data and steps, judged in bits per base.

    python analyses/compare_tokenizers.py --tokenizer bpe600=runs/bpe600 --tokenizer bpe600@random=runs/bpe600 \\
        --tokenizer 4-mer --tokenizer 5-mer --tokenizer 6-mer --genome CHR20 --genome CHRX \\
        --recipe configs/grover-short.yaml --heldout grover_probe/data/heldout.hg19.chr20.bed --out runs/compare

Each model is a run of ``python -m grover_probe.pretrain`` and one of ``python -m grover_probe.evaluate``; what is done
is not done again. NAME@random starts from random weights: what is the start from the corpus worth?
"""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
import yaml

from grover_probe.pretrain.recipe import Recipe


def main(
    tokenizer: Annotated[list[str], typer.Option(help="NAME=FOLDER, or 4-mer, ...; NAME@random starts at random.")],
    genome: Annotated[list[Path], typer.Option(help="Trained on.")],
    recipe: Annotated[Path, typer.Option()],
    heldout: Annotated[Path, typer.Option(help="BED, on the first genome.")],
    out: Annotated[Path, typer.Option()],
    table: Annotated[Path, typer.Option(help="TSV to write.")] = Path("analyses/tables/pretrain/tokenizers.tsv"),
    threads: Annotated[int, typer.Option()] = 1,
) -> None:
    """Train and evaluate one model per tokenizer."""
    settings = Recipe.from_yaml(recipe)
    rows = []
    for given in tokenizer:
        name, _, folder = given.partition("=")
        start = "random" if name.endswith("@random") else settings.start
        run = out / name.replace("@", "-")
        run.mkdir(parents=True, exist_ok=True)
        own = run / "recipe.yaml"
        own.write_text(yaml.safe_dump(dataclasses.replace(settings, start=start).to_dict()), encoding="utf-8")
        genomes = [word for path in genome for word in ("--genome", str(path))]
        if not (run / "checkpoint").is_dir():
            call("pretrain", *genomes, "--tokenizer", folder or name, "--recipe", own, "--out", run,
                 "--validate", heldout, "--save-minutes", 60, "--threads", threads)  # fmt: skip
        if not (run / "evaluation" / "metrics.json").is_file():
            training = [word for path in genome for word in ("--train-genome", str(path))]
            call("evaluate", "--model", run / "checkpoint", "--genome", genome[0], "--regions", heldout, *training,
                 "--out", run / "evaluation")  # fmt: skip
        metrics = json.loads((run / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
        rows.append({"model": name, "start": start, **summary(metrics)})
    found = pd.DataFrame(rows)
    table.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(table, sep="\t", index=False, float_format="%.4g")
    print(found.to_string(index=False))


def call(module: str, *arguments: object) -> None:
    """Run one command of the package."""
    subprocess.run([sys.executable, "-m", f"grover_probe.{module}", *map(str, arguments)], check=True)


def summary(metrics: dict) -> dict[str, float]:
    """The numbers of a model and of the product of bigrams."""
    names = ("vocabulary", "n_masked", "perplexity", "percent_of_vocabulary", "bits_per_base", "top1", "top60")
    both = metrics["baselines"].get("both bigrams", {})
    metrics["n_masked"] = int(metrics["n_masked"])
    return {name: metrics[name] for name in names} | {f"bigrams_{name}": both.get(name) for name in names[2::2]}


if __name__ == "__main__":
    typer.run(main)
