"""The table of a comparison, in memory, on disk and as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.display import ShowsTable
from grover_probe.files import make_folder, sha256_of, staged_files
from grover_probe.finetune.metrics import METRICS
from grover_probe.provenance import write_run

if TYPE_CHECKING:
    import pandas as pd

TABLE, DIFFERENCES, RECORD, PREDICTIONS = "systems.tsv", "differences.tsv", "compare.run.json", "predictions"
FIGURES = ("systems.png", "systems.svg")
DONE = "done"


@dataclass(frozen=True)
class Comparison(ShowsTable):
    """Every system on one task.

    Attributes
    ----------
    table
        One row per system, in the order of `grover_probe.compare.systems.SYSTEMS`: ``system``, ``title``, ``status``
        (``done``, ``not run: ...`` or ``failed: ...``), ``reads`` (tokens or sequence), ``n_test``, ``n_seeds``; the
        mean over seeds of ``mcc``, ``accuracy``, ``f1``, ``auroc``, ``auprc``, each with ``_low`` and ``_high``, the
        ends of a 95 % bootstrap interval; ``mcc_sd`` between seeds; ``mcc_cut`` with its interval, after each seed's
        probabilities are cut where validation MCC is best (two classes); ``top1_in_group``; ``paper_mcc``; ``seconds``
        over all seeds; ``chosen``, what was decided on validation, by seed.
    predictions
        By system, of the test split: as in `grover_probe.finetune.results.FineTuned`.
    differences
        Between all pairs of systems that were run: as `grover_probe.compare.differences.paired_differences`.
    inputs, parameters
        For the record.
    """

    table: "pd.DataFrame"
    predictions: Mapping[str, "pd.DataFrame"]
    differences: "pd.DataFrame"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        done = int((self.table["status"] == DONE).sum())
        return f"Comparison({done} of {len(self.table)} systems on {self.inputs.get('task', {}).get('name', 'a task')})"

    def to_frame(self) -> "pd.DataFrame":
        """The table of systems."""
        return self.table

    def overview(self) -> "pd.DataFrame":
        """Matthews correlation of each system with its interval, the paper's beside it, and the areas."""
        return self.table[["system", "status", "mcc", "mcc_low", "mcc_high", "paper_mcc", "auroc", "auprc"]]

    @property
    def failed(self) -> list[str]:
        """Systems that were started and did not end well."""
        return self.table.loc[self.table["status"].str.startswith("failed"), "system"].tolist()

    def save(self, folder: Path | str) -> None:
        """Write table, predictions, figure and record together; predictions of an earlier result there go."""
        from grover_probe.plotting.compare import compare_figure
        from grover_probe.plotting.style import save_figure

        folder = make_folder(folder)
        make_folder(folder / PREDICTIONS)
        earlier = _listed(folder)
        files = [f"{PREDICTIONS}/{name}.tsv" for name in self.predictions]
        names = [*files, *FIGURES, TABLE, DIFFERENCES]
        with staged_files(folder, [*names, RECORD]) as staging:
            make_folder(staging / PREDICTIONS)
            for name, table in zip(files, self.predictions.values(), strict=True):
                table.to_csv(staging / name, sep="\t", index=False, lineterminator="\n", float_format="%.6g")
            for name, table in ((TABLE, self.table), (DIFFERENCES, self.differences)):
                table.to_csv(staging / name, sep="\t", index=False, lineterminator="\n", float_format="%.6g")
            save_figure(compare_figure(self.table, str(self.inputs["task"]["name"])), staging / "systems", _ENDINGS)
            write_run(
                staging / RECORD, inputs=self.inputs, parameters=self.parameters,
                outputs={name: sha256_of(staging / name) for name in names},
            )  # fmt: skip
        for name in earlier - set(names):
            (folder / name).unlink(missing_ok=True)


_ENDINGS = tuple(Path(name).suffix[1:] for name in FIGURES)


def _listed(folder: Path) -> set[str]:
    """Predictions that the record of an earlier result names."""
    import json

    try:
        outputs = json.loads((folder / RECORD).read_text(encoding="utf-8"))["outputs"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in outputs if Path(name).parent == Path(PREDICTIONS)}


def summary_text(table: "pd.DataFrame") -> str:
    """The table for people: the metrics with intervals of what was run, then what was not, and why."""
    done = table[table["status"] == DONE]
    lines = []
    if len(done):
        widths = (max(len(name) for name in [*done["system"], "system"]), 24, 24, 5, 5, 5, 5, 5, 7)
        heads = ("system", "MCC (95 %)", "MCC after cut (95 %)", "paper", "acc", "F1", "AUROC", "AUPRC", "seconds")
        lines.append(_line(heads, widths))
        for row in done.to_dict("records"):
            cells = [row["system"], _interval(row, "mcc"), _interval(row, "mcc_cut"), _number(row["paper_mcc"], 2)]
            cells += [_number(row[name]) for name in METRICS[1:]]
            lines.append(_line([*cells, f"{row['seconds']:.1f}"], widths))
        first = done.iloc[0]
        lines.append(f"{int(first['n_test']):,} test examples, up to {int(done['n_seeds'].max())} seeds")
        tops = done.dropna(subset=["top1_in_group"])
        if len(tops):
            lines.append("highest score in its group:")
            lines += [f"  {row.system}: {row.top1_in_group:.3f}" for row in tops.itertuples()]
    lines += [f"{row.system}: {row.status}" for row in table[table["status"] != DONE].itertuples()]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([first, *others]).rstrip()


def _interval(row: Mapping[str, Any], name: str) -> str:
    if row[name] != row[name]:
        return "-"
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"


def _number(value: float, digits: int = 3) -> str:
    return "-" if value != value else f"{value:.{digits}f}"
