"""Panels of tokenizer diagnostics: one row per tokenizer, marks for what was measured and for its control."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullLocator

from grover_probe.plotting.style import BLUE, GREY, ORANGE, RED

if TYPE_CHECKING:
    import pandas as pd

MARKS = ((BLUE, "o", "full"), (ORANGE, "s", "full"), (RED, "^", "full"), (GREY, "o", "none"))


def plot_marks(
    table: "pd.DataFrame", series: Sequence[tuple[str, str, int]], ax: Any, label: str, log: bool = False
) -> None:
    """Numbers of each tokenizer as marks; infinite ones stand at the right end, over "never".

    Parameters
    ----------
    table
        One row per tokenizer (the index), one column per number; NaN is left out.
    series
        Column, name in the legend and number of the mark in `MARKS`.
    ax
        Axes.
    label
        Of the axis.
    log
        Logarithmic axis; the numbers must be above 0.
    """
    columns = [column for column, _, _ in series]
    values = table[columns].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    never = _never(finite, log)
    shifts = np.linspace(-0.16, 0.16, len(columns)) if len(columns) > 1 else [0.0]
    for (column, name, mark), shift in zip(series, shifts, strict=True):
        colour, marker, fill = MARKS[mark]
        x = table[column].to_numpy(dtype=float)
        ax.plot(np.where(np.isinf(x), never, x), np.arange(len(table)) + shift, marker, ms=4, color=colour,
                fillstyle=fill, mew=0.9, label=name, clip_on=False, zorder=3)  # fmt: skip
    ax.set_yticks(range(len(table)), list(table.index))
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(axis="y", color="#E6E6E6", lw=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(label)
    _scale(ax, finite, never if np.isinf(values).any() else None, log)
    if len(columns) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.04, 0.99), ncols=len(columns), handletextpad=0.1,
                  columnspacing=0.8, borderaxespad=0)  # fmt: skip


def title_above_legend(ax: Any, letter: str, title: str) -> None:
    """Letter and title above the line in which `plot_marks` puts its legend."""
    for text, right, options in ((letter, 0, {"fontweight": "bold", "fontsize": 10}), (title, 14, {"fontsize": 7})):
        ax.annotate(text, (0, 1), (right, 15), xycoords="axes fraction", textcoords="offset points", va="baseline",
                    **options)  # fmt: skip


def _never(finite: np.ndarray, log: bool) -> float:
    """Where infinite numbers stand: well to the right of all others."""
    top = float(finite.max()) if len(finite) else 1.0
    return 4 * top if log else 1.3 * top


def _scale(ax: Any, finite: np.ndarray, never: float | None, log: bool) -> None:
    top = float(finite.max()) if len(finite) else 1.0
    if not log:
        ax.set_xlim(0, 1.08 * (never or top))
        return
    low = 0.7 * float(finite.min()) if len(finite) else 0.5
    round_numbers = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    labels: dict[float, str] = {at: f"{at:,}" for at in round_numbers if low <= at <= 1.3 * top}
    if never is not None:
        ax.axvline(never, color=GREY, lw=0.6, ls=":")
        labels[never] = "never"
    ax.set_xscale("log")
    ax.set_xlim(low, 1.5 * (never or top))
    ax.set_xticks(list(labels), list(labels.values()))
    ax.xaxis.set_minor_locator(NullLocator())
