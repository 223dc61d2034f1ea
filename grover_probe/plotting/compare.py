"""Figure of a comparison of systems."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.plotting.style import BLUE, GREY, ORANGE, RED, STYLE, new_figure

if TYPE_CHECKING:
    import pandas as pd


def compare_figure(table: "pd.DataFrame", title: str = "") -> Figure:
    """Matthews correlation of each system with its interval, beside the paper's.

    Parameters
    ----------
    table
        Of `grover_probe.compare.result.Comparison`.
    title
        Name of the task.
    """
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(6.0, 1.1 + 0.24 * len(table), 1)
        plot_systems(table, axes[0])
        axes[0].set_title(title, fontsize=9, loc="left")
        axes[0].legend(loc="lower left", bbox_to_anchor=(0.25, 1.0), ncols=3, handletextpad=0.3, columnspacing=1.2)
    return figure


def plot_systems(table: "pd.DataFrame", ax: Any, reasons: bool = True) -> None:
    """One line per system: most probable class (filled), after the cut (open), the paper's number (cross).

    Parameters
    ----------
    table
        As in `compare_figure`.
    ax
        Where to draw.
    reasons
        Say why a system was not run, where a word or two can.
    """
    place = {name: number for number, name in enumerate(table["system"])}
    done = table[table["status"] == "done"]
    for column, colour, fill, shift, label in (
        ("mcc", BLUE, BLUE, -0.13, "most probable class"),
        ("mcc_cut", ORANGE, "white", 0.13, "cut chosen on validation"),
    ):
        known = done.dropna(subset=[column])
        y = [place[name] + shift for name in known["system"]]
        ax.hlines(y, known[f"{column}_low"], known[f"{column}_high"], color=colour, lw=1)
        ax.plot(known[column], y, "o", ms=4, color=colour, mfc=fill, label=label)
    paper = table.dropna(subset=["paper_mcc"])
    if len(paper):
        ax.plot(paper["paper_mcc"], [place[name] for name in paper["system"]], "x", ms=5, color=RED, label="the paper")
    for row in table[table["status"] != "done"].itertuples():
        text = short_status(row.status) if reasons else short_status(row.status).partition(":")[0]
        ax.text(0.02, place[row.system], text, va="center", fontsize=6.5, color=GREY)
    ax.axvline(0, color=GREY, lw=0.6, ls=":")
    ax.set_yticks(list(place.values()), list(place))
    ax.set_ylim(len(place) - 0.5, -0.5)
    low = done[["mcc_low", "mcc_cut_low"]].min().min()
    ax.set_xlim(min(-0.05, low - 0.02 if low == low else 0), 1.03)
    ax.set_xlabel("Matthews correlation, test split (95 % bootstrap intervals)")


def short_status(status: str) -> str:
    """What became of a system, in a few words: ``not run: weights absent; ...`` is ``not run: weights absent``."""
    first = status.partition(";")[0]
    return first if first == "not run: weights absent" else first.partition(":")[0]
