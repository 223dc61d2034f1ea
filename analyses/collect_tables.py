"""The small tables of a folder of results that are committed: copied, or cut to the columns that a reader needs.

    python analyses/collect_tables.py --results runs/chr20 --out analyses/tables

Writes ``probes/{tokens,windows,positions,nonlinear}.tsv``, ``compare/TASK.tsv``, ``compare/TASK.differences.tsv`` and
``nextkmer/*``; what is not there is left as it was.
"""

import shutil
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from grover_probe.command import new_app, note, run
from grover_probe.files import atomic_path

# probes.tsv of each command: where its rows go, by level.
PROBES = {
    "probes": {"windows": "windows"},
    "probes-tokens": {"tokens": "tokens"},
    "probes-positions": {"positions": "positions"},
    "probes-nonlinear": {"windows": "nonlinear"},
}
PROBE_COLUMNS = [
    "target", "probe", "features", "layer", "pooling", "metric", "score", "ci_low", "ci_high", "best_control",
    "best_control_score", "gain", "gain_low", "gain_high", "flag", "selectivity", "spearman", "auprc", "mcc",
    "bits_saved", "n", "n_blocks",
]  # fmt: skip
NEXTKMER = ("nextkmer.tsv", "curves.tsv", "choice.json", "nextkmer.png")

app = new_app("Collect the tables that are committed.")


def write(table: pd.DataFrame, path: Path) -> None:
    """A TSV with four digits."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.4g")
    note(f"wrote {path}")


@app.command()
def main(
    results: Annotated[Path, typer.Option(help="Folder of results, as the workflow makes it.")],
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = Path("analyses/tables"),
) -> None:
    """Collect the tables of probes, comparisons and next-k-mer prediction."""
    for folder, levels in PROBES.items():
        path = results / folder / "probes.tsv"
        if path.is_file():
            table = pd.read_csv(path, sep="\t")
            for level, name in levels.items():
                write(table.loc[table["level"] == level, PROBE_COLUMNS], out / "probes" / f"{name}.tsv")
    for path in sorted(results.glob("compare/*/systems.tsv")):
        table = pd.read_csv(path, sep="\t")
        write(table.drop(columns="seconds"), out / "compare" / f"{path.parent.name}.tsv")
        differences = pd.read_csv(path.with_name("differences.tsv"), sep="\t")
        write(differences, out / "compare" / f"{path.parent.name}.differences.tsv")
    for name in NEXTKMER:
        if (results / "nextkmer" / name).is_file():
            (out / "nextkmer").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(results / "nextkmer" / name, out / "nextkmer" / name)
            note(f"wrote {out / 'nextkmer' / name}")


if __name__ == "__main__":
    run(app)
