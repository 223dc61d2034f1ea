"""Make the tables of this folder: tokens of hg19 chr20 against repeats, chromatin states, genes and more.

    python analyses/tables/overlap/make.py --derived DIR

The annotation is that of analyses/chr20_annotation.py; ``python -m grover_probe.overlap`` does the work.
"""

import json
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
from chr20_annotation import write_annotation

HERE = Path(__file__).parent
PER_CLASS = 5
COLUMNS = ["annotation", "class", "token", "count", "count_inside", "share", "enrichment", "ci_low", "ci_high", "p",
           "q", "p_empirical", "enrichment_matched", "ci_low_matched", "ci_high_matched", "q_matched"]  # fmt: skip

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def top_tokens(tokens: pd.DataFrame) -> pd.DataFrame:
    """Of each class the tokens that are surely most enriched and most depleted, by the near end of the interval."""
    sure = tokens[(tokens["q"] < 0.05) & tokens["ci_low"].notna()]
    parts = []
    for _, part in sure.groupby(["annotation", "class"], sort=False):
        parts.append(part[part["ci_low"] > 1].nlargest(PER_CLASS, "ci_low"))
        parts.append(part[part["ci_high"] < 1].nsmallest(PER_CLASS, "ci_high"))
    return pd.concat(parts)[COLUMNS]


@app.command()
def main(
    derived: Annotated[Path, typer.Option(help="Folder with the Dfam repeat classes and chromatin states.")],
    turns: Annotated[int, typer.Option(help="Random turns of the annotation.")] = 1000,
    offline: Annotated[bool, typer.Option(help="Use only what the cache holds.")] = False,
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = HERE,
) -> None:
    """Make classes.tsv, top_tokens.tsv, repeat_shares.tsv and the figure; the same inputs give the same bytes."""
    genome = fetch(["hg19.chr20"], offline=offline)["hg19.chr20"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_annotation(folder, derived, offline=offline)
        given = [
            f"repeats={files['repeats']}:4",
            f"chromatin={files['chromatin']}:4",
            *(str(files[name]) for name in ("genes", "exons", "cpg_islands")),
            f"ctcf={files['ctcf']}",
        ]
        subprocess.run(
            [sys.executable, "-m", "grover_probe.overlap", "--tokenizer", str(sample_path("checkpoint")), "--genome",
             str(genome), *(word for each in given for word in ("--annotation", each)),
             "--turns", str(turns), "--out", str(folder / "out")],
            check=True,
        )  # fmt: skip
        tokens = pd.read_parquet(folder / "out" / "tokens.parquet")
        shares = tokens[(tokens["annotation"] == "repeats") & (tokens["count"] > 0)]
        wide = shares.pivot(index=["token_id", "token", "count"], columns="class", values="share").reset_index()
        out.mkdir(parents=True, exist_ok=True)
        top_tokens(tokens).to_csv(out / "top_tokens.tsv", sep="\t", index=False, float_format="%.4g")
        wide.to_csv(out / "repeat_shares.tsv", sep="\t", index=False, float_format="%.4g")
        for file in ("classes.tsv", "tokens.png"):
            shutil.copyfile(folder / "out" / file, out / file)
        record = json.loads((folder / "out" / "overlap.run.json").read_text())
        kept = {key: record[key] for key in ("versions", "inputs", "parameters", "skipped")}
        (out / "overlap.run.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    run(app)
