"""The tidy table of all cells, each result beside its best control."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.display import ShowsTable
from grover_probe.probes.cells import CellRow
from grover_probe.probes.features import CONTROL_TASK, MODEL, PRIOR
from grover_probe.probes.metrics import METRICS, interval

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "target", "level", "probe", "layer", "pooling", "features", "metric", "score", "ci_low", "ci_high",
    "best_control", "best_control_score", "gain", "gain_low", "gain_high", "flag", "selectivity",
    *(name + end for name in METRICS for end in ("", "_low", "_high")),
    "bits_per_row", "bits_saved", "n", "n_blocks", "n_folds", "classes", "inner_score", "chosen",
)  # fmt: skip
FLAG = "control within interval"
_OVERVIEW = (
    "target", "probe", "metric", "score", "ci_low", "ci_high", "best_control", "best_control_score", "gain", "flag",
)  # fmt: skip


@dataclass(frozen=True)
class ProbeResult(ShowsTable):
    """Probes of all targets and their controls.

    Attributes
    ----------
    table
        One row per target, probe, features, layer and pooling; columns in `probe_table`.
    notes
        What was left out, and why.
    """

    table: "pd.DataFrame"
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ProbeResult({self.table['target'].nunique()} targets, {len(self.table)} rows)"

    def to_frame(self) -> "pd.DataFrame":
        """The table."""
        return self.table

    def overview(self) -> "pd.DataFrame":
        """The chosen layer of each target and probe beside its best control."""
        return best_rows(self.table)[list(_OVERVIEW)]

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``probes.tsv``, numbers with six digits."""
        from grover_probe.files import atomic_path, make_folder

        path = make_folder(folder) / "probes.tsv"
        with atomic_path(path) as temporary:
            self.table.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        return [path]


def probe_table(cells: Sequence[CellRow]) -> "pd.DataFrame":
    """Put cells side by side and compare each result of the model with the best control.

    Parameters
    ----------
    cells
        Rows of all cells.

    Returns
    -------
    pandas.DataFrame
        ``target, level, probe``; ``layer`` and ``pooling`` (``best``: chosen by inner folds; ``-``: a control without
        layers); ``features``; the headline ``metric`` (AUROC or R2) as ``score`` with its interval over blocks
        ``ci_low, ci_high``. For rows of the model: ``best_control``, the control of the same target and probe with the
        highest score, ``best_control_score``, ``gain`` over it with the interval of the paired difference, ``flag``
        when the control's score is not below ``ci_low``, and ``selectivity``, the score less that of the control task.
        Then every metric with its interval; ``bits_per_row`` of the online code, ``bits_saved`` against majority or
        mean; rows, blocks and folds; ``classes``; the mean ``inner_score``; ``chosen``, the choice of each outer fold.

    Notes
    -----
    The control task is another question with other labels, so it enters selectivity and not the flag.
    """
    import pandas as pd

    # Of each set of features the row that counts: the last, where inner folds chose the layer.
    final: dict[tuple[str, str, str], dict[str, CellRow]] = defaultdict(dict)
    priors: dict[tuple[str, str], CellRow] = {}
    for cell in cells:
        final[_question(cell)][cell.row["features"]] = cell
        if cell.row["features"] in PRIOR:
            priors[_question(cell)[:2]] = cell
    rows = []
    for cell in cells:
        question, metric = _question(cell), cell.row["metric"]
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {name: value for name, value in cell.row.items() if name in row}
        row |= {"score": row[metric], "ci_low": row[f"{metric}_low"], "ci_high": row[f"{metric}_high"], "flag": ""}
        prior = priors.get(question[:2])
        if cell.row["features"] == MODEL:
            controls = [each for name, each in final[question].items() if name not in (MODEL, CONTROL_TASK)]
            row |= _against(cell, [*controls, *([prior] if prior else [])])
            if CONTROL_TASK in final[question]:
                row["selectivity"] = row["score"] - final[question][CONTROL_TASK].drawn[0]
        if prior:
            row["bits_saved"] = prior.row["bits_per_row"] - row["bits_per_row"]
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = [*(c for c in COLUMNS[7:10]), *COLUMNS[11:15], "selectivity", *COLUMNS[17:-6], "inner_score"]
    return table.astype(dict.fromkeys(numbers, np.float64))


def best_rows(table: "pd.DataFrame") -> "pd.DataFrame":
    """The rows of the model at the layer and pooling that inner folds chose: one per target and probe."""
    return table[(table["features"] == MODEL) & (table["layer"] == "best")]


def _question(cell: CellRow) -> tuple[str, str, str]:
    return cell.row["target"], cell.row["level"], cell.row["probe"]


def _against(cell: CellRow, controls: Sequence[CellRow]) -> dict[str, Any]:
    known = [each for each in controls if np.isfinite(each.drawn[0])]
    if not known:
        return {}
    best = max(known, key=lambda each: each.drawn[0])
    gain, low, high = interval(np.asarray(cell.drawn) - np.asarray(best.drawn))
    _, ci_low, _ = interval(np.asarray(cell.drawn))
    return {
        "best_control": best.row["features"],
        "best_control_score": best.drawn[0],
        "gain": gain,
        "gain_low": low,
        "gain_high": high,
        "flag": "" if best.drawn[0] < ci_low else FLAG,
    }
