"""All cells of a comparison as one table, and the curves over vocabularies."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.command import note
from grover_probe.display import ShowsTable
from grover_probe.files import sha256_of, staged_files
from grover_probe.nextkmer.cells import Runner
from grover_probe.nextkmer.curve import FEWEST, SPAN, Choice, choose_cycles
from grover_probe.nextkmer.scores import Outcome, resampled, summary
from grover_probe.nextkmer.systems import System
from grover_probe.probes.metrics import resample_blocks
from grover_probe.provenance import write_run

if TYPE_CHECKING:
    import pandas as pd

TABLE, CURVES, CHOICE, RECORD = "nextkmer.tsv", "curves.tsv", "choice.json", "nextkmer.run.json"
FIGURES = ("nextkmer.png", "nextkmer.svg")
RESAMPLES = 1_000


@dataclass(frozen=True)
class Comparison(ShowsTable):
    """Systems on the same sequences.

    Attributes
    ----------
    table
        One row per system and k: ``system``, ``kind``, ``cycles``, ``seed``, ``k``, ``chance``, ``n_train``,
        ``n_test``, ``n_blocks``, each metric with ``_low`` and ``_high``, ``facts`` (JSON).
    choice
        Curves over cycles, and the number that they choose; None with fewer than four numbers of cycles.
    metric
        What the curves are of.
    """

    table: "pd.DataFrame"
    choice: Choice | None
    metric: str

    def __repr__(self) -> str:
        ks = ", ".join(str(k) for k in sorted(self.table["k"].unique()))
        chosen = "" if self.choice is None else f"; {self.choice!r}"
        return f"Comparison({self.table['system'].nunique()} systems, k = {ks}{chosen})"

    def to_frame(self) -> "pd.DataFrame":
        """The table."""
        return self.table

    def overview(self) -> "pd.DataFrame":
        """Accuracy of each system and k with its interval, and bits."""
        return self.table[["system", "k", "accuracy", "accuracy_low", "accuracy_high", "chance", "bits"]]

    def save(self, folder: Path) -> list[str]:
        """Write the tables; returns the names of the files."""
        self.table.to_csv(folder / TABLE, sep="\t", index=False, float_format="%.6g")
        if self.choice is None:
            return [TABLE]
        self.choice.to_frame().to_csv(folder / CURVES, sep="\t", index=False, float_format="%.6g")
        content = {"metric": self.metric, **self.choice.summary()}
        (folder / CHOICE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return [TABLE, CURVES, CHOICE]


def compare(
    runner: Runner,
    systems: Sequence[System],
    ks: Sequence[int],
    *,
    metric: str = "accuracy",
    span: float = SPAN,
    n_resamples: int = RESAMPLES,
) -> Comparison:
    """Finish every cell that is not there, and compare.

    Parameters
    ----------
    runner
        Data, settings, folders.
    systems, ks
        What to ask for what.
    metric
        Of the curves: ``accuracy``, ``top5`` or ``bits``.
    span
        Of the loess.
    n_resamples
        Bootstrap resamples of the blocks of the test sequences, the same for all systems.
    """
    import pandas as pd

    study = runner.study
    outcomes: dict[tuple[System, int], Outcome] = {}
    facts: dict[tuple[System, int], dict[str, Any]] = {}
    for number, system in enumerate(systems, 1):
        for k, (outcome, known) in runner.finish(system, ks).items():
            outcomes[system, k], facts[system, k] = outcome, known
        if runner.progress:
            note(f"{number} of {len(systems)}: {system.label}")
    resamples = resample_blocks(study.test.block, n_resamples, study.sampling.seed)
    rows = [
        {
            "system": system.name,
            "kind": system.kind,
            "cycles": system.size if system.kind == "bpe" else None,
            "seed": system.seed if system.is_trained else None,
            "k": k,
            "chance": 4.0**-k,
            "n_train": len(study.train),
            "n_test": len(study.test),
            "n_blocks": resamples.n_blocks,
            **summary(outcome, resamples),
            # How long it took is in the record of the cell; here it would make equal tables differ.
            "facts": json.dumps({name: value for name, value in facts[system, k].items() if name != "seconds"}),
        }
        for (system, k), outcome in outcomes.items()
    ]
    table = pd.DataFrame(rows).astype({"cycles": "Int64", "seed": "Int64"})
    vocabularies = [system for system in systems if system.kind == "bpe"]
    choice = None
    if len({system.size for system in vocabularies}) >= FEWEST:
        values = np.stack(
            [
                np.stack([resampled(outcomes[system, k].values(metric), resamples) for system in vocabularies], axis=1)
                for k in ks
            ],
            axis=1,
        )
        choice = choose_cycles(
            [system.size for system in vocabularies], ks, values, larger_is_better=metric != "bits", span=span,
            seed=study.sampling.seed,
        )  # fmt: skip
    return Comparison(table, choice, metric)


def write_comparison(
    result: Comparison, runner: Runner, systems: Sequence[System], out: Path, parameters: dict[str, Any]
) -> list[Path]:
    """Write tables, figure (with curves) and record to a folder, all or nothing."""
    names = [TABLE, *((CURVES, CHOICE, *FIGURES) if result.choice is not None else ())]
    with staged_files(out, (*names, RECORD)) as staging:
        result.save(staging)
        if result.choice is not None:
            from grover_probe.plotting.nextkmer import nextkmer_figure
            from grover_probe.plotting.style import save_figure

            figure = nextkmer_figure(result.table, result.choice.to_frame(), result.choice.summary(), result.metric)
            save_figure(figure, staging / "nextkmer", formats=("png", "svg"))
        write_run(
            staging / RECORD,
            inputs=runner.study.inputs,
            parameters={
                **parameters,
                **asdict(runner.study.sampling),
                "learning": asdict(runner.learning),
                "recipe": runner.recipe.to_dict() if runner.recipe else None,
                "systems": [asdict(system) for system in systems],
            },
            models={each.label: runner.model_folder(each).name for each in systems if each.is_trained},
            outputs={name: sha256_of(staging / name) for name in names},
        )
    if result.choice is None:
        for name in (CURVES, CHOICE, *FIGURES):  # of an earlier sweep there, which this record does not describe
            (out / name).unlink(missing_ok=True)
    return [out / name for name in (*names, RECORD)]


def text_table(table: "pd.DataFrame") -> str:
    """Systems by k as text: accuracy in per cent with its interval, and bits per base."""
    shown = table[["system", "k"]].copy()
    if table["seed"].nunique() > 1:
        shown.insert(1, "seed", table["seed"])
    for metric, name in (("accuracy", "accuracy %"), ("top5", "top-5 %")):
        ends = [100 * table[f"{metric}{end}"] for end in ("", "_low", "_high")]
        shown[name] = [f"{value:.2f} ({low:.2f}-{high:.2f})" for value, low, high in zip(*ends, strict=True)]
    shown["chance %"] = (100 * table["chance"]).map("{:.3f}".format)
    shown["bits"] = table["bits"].map("{:.3f}".format)
    shown["bits/base"] = (table["bits"] / table["k"]).map("{:.4f}".format)
    return shown.sort_values("k", kind="stable").to_string(index=False)
