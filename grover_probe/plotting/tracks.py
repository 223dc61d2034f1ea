"""Panels of a genome browser: values, intervals, genes, states and tokens along a chromosome."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.collections import PolyCollection

from grover_probe.plotting.style import BLUE, CLASS_COLOURS, GREY, ORANGE

if TYPE_CHECKING:
    import pandas as pd

_MONO = "DejaVu Sans Mono"


def plot_values(bins: "pd.DataFrame", ax: Any) -> None:
    """Share of tokens that were predicted right along the region, by the model and by bigrams.

    Parameters
    ----------
    bins
        ``start``, ``end`` (bases), ``top1``, ``bigram_top1``.
    ax
        Where to draw, in kb.
    """
    edges = np.append(bins["start"], bins["end"].iloc[-1]) / 1_000
    ax.stairs(100 * bins["top1"], edges, fill=True, color=BLUE, alpha=0.35, lw=0)
    ax.stairs(100 * bins["top1"], edges, color=BLUE, lw=0.9, label="model")
    ax.stairs(100 * bins["bigram_top1"], edges, color=ORANGE, lw=0.9, label="bigrams")
    ax.set_ylim(0, 105)
    ax.set_ylabel("tokens right (%)")


def plot_intervals(intervals: "pd.DataFrame", rows: Sequence[str], ax: Any) -> None:
    """Intervals as boxes, one row per class.

    Parameters
    ----------
    intervals
        ``class``, ``start``, ``end`` (bases).
    rows
        Classes from top to bottom.
    ax
        Where to draw, in kb.
    """
    for number, name in enumerate(rows):
        part = intervals[intervals["class"] == name]
        boxes(part, number, 0.7, CLASS_COLOURS[number % len(CLASS_COLOURS)], ax)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


def boxes(part: "pd.DataFrame", row: float, height: float, colour: str, ax: Any) -> None:
    """Boxes of one colour in one row."""
    half = height / 2
    corners = [
        [(start, row - half), (end, row - half), (end, row + half), (start, row + half)]
        for start, end in zip(part["start"] / 1_000, part["end"] / 1_000, strict=True)
    ]
    ax.add_collection(PolyCollection(corners, facecolors=colour, edgecolors=colour, linewidths=0.3))


def plot_states(intervals: "pd.DataFrame", colours: Mapping[str, str], ax: Any) -> None:
    """Classes that cover the region as one coloured row, such as chromatin states."""
    for name, colour in colours.items():
        boxes(intervals[intervals["class"] == name], 0, 0.8, colour, ax)
    ax.set_yticks([])
    ax.set_ylim(-0.5, 0.5)


def plot_genes(genes: "pd.DataFrame", exons: "pd.DataFrame", ax: Any) -> None:
    """Genes as lines with arrows in their direction and exons as boxes, names below.

    Parameters
    ----------
    genes
        ``class`` (the name), ``start``, ``end`` (bases), ``strand``, ``lane`` (from 0).
    exons
        ``start``, ``end``, ``lane``.
    ax
        Where to draw, in kb; its limits are set.
    """
    low, high = ax.get_xlim()
    step = (high - low) / 60
    for row in genes.itertuples():
        start, end = row.start / 1_000, row.end / 1_000
        ax.plot([start, end], [row.lane, row.lane], color="black", lw=0.8)
        if row.strand in "+-" and end - start > step:
            marks = np.arange(start + step / 2, end, step)
            ax.plot(marks, np.full(len(marks), row.lane), ">" if row.strand == "+" else "<", ms=2.5, color="black")
        name = getattr(row, "name", "")
        middle = (max(start, low) + min(end, high)) / 2
        side = "left" if middle - low < 4 * step else "right" if high - middle < 4 * step else "center"
        place = {"left": max(start, low), "right": min(end, high), "center": middle}[side]
        ax.text(place, row.lane + 0.22, name, ha=side, va="top", fontsize=6.5, style="italic")
    for lane, part in exons.groupby("lane"):
        boxes(part, float(lane), 0.36, "black", ax)
    n_lanes = int(genes["lane"].max()) + 1 if len(genes) else 1
    ax.set_ylim(n_lanes - 0.1, -0.45)
    ax.set_yticks([])


def plot_tokens(tokens: "pd.DataFrame", per_line: int, ax: Any) -> Any:
    """Tokens as boxes with their letters in lines of text, coloured by the probability that the model gives them.

    Parameters
    ----------
    tokens
        Consecutive rows: ``start``, ``token``, ``probability``, ``top1``; a dot marks those predicted right.
    per_line
        Bases per line; a token goes on in the next line.
    ax
        Where to draw.

    Returns
    -------
    matplotlib.cm.ScalarMappable
        For a colour bar.
    """
    colours = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), "viridis")
    first = int(tokens["start"].iloc[0])
    n_lines = 1
    for row in tokens.itertuples():
        at = row.start - first
        colour = colours.to_rgba(row.probability)
        ink = "black" if row.probability > 0.55 else "white"
        for begin in range(at - at % per_line, at + len(row.token), per_line):
            part = slice(max(begin - at, 0), min(begin + per_line - at, len(row.token)))
            line, x = begin // per_line, at + part.start - begin
            width = part.stop - part.start
            ax.add_patch(mpl.patches.Rectangle((x, line - 0.36), width, 0.72, fc=colour, ec="white", lw=0.8))
            for place, letter in enumerate(row.token[part]):
                ax.text(x + place + 0.5, line, letter, ha="center", va="center_baseline", fontsize=6.5, color=ink,
                        family=_MONO)  # fmt: skip
            if row.top1 and part.start == 0:
                ax.plot(x + width / 2, line + 0.5, "o", ms=2, color=GREY, clip_on=False)
            n_lines = max(n_lines, line + 1)
    ax.set_xlim(0, per_line)
    ax.set_ylim(n_lines - 0.4, -0.5)
    ax.set_yticks(range(n_lines), [f"{first + line * per_line:,}" for line in range(n_lines)])
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return colours


def plot_classes(table: "pd.DataFrame", ax: Any) -> None:
    """Share of tokens predicted right in each class of annotation, by the model and by bigrams.

    Parameters
    ----------
    table
        ``label``, ``n``, ``top1``, ``bigram_top1``.
    ax
        Where to draw.
    """
    y = np.arange(len(table))
    ax.hlines(y, 100 * table["bigram_top1"], 100 * table["top1"], color="#CCCCCC", lw=1.2, zorder=0)
    ax.plot(100 * table["bigram_top1"], y, "o", ms=4, color=ORANGE, label="bigrams")
    ax.plot(100 * table["top1"], y, "o", ms=4, color=BLUE, label="model")
    ax.set_yticks(y, [f"{row.label}, n = {row.n:,}" for row in table.itertuples()])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0, None)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("tokens right (%)")
