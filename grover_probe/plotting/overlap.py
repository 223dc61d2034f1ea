"""Figures of tokens against annotation."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from grover_probe.plotting.style import BLUE, CLASS_COLOURS, GREY, ORANGE, STYLE, label_panels, new_figure

if TYPE_CHECKING:
    import pandas as pd

_LEVEL = 0.05
_MOST_CLASSES = 24
_PER_CLASS = 2


def overlap_figure(tokens: "pd.DataFrame", classes: "pd.DataFrame") -> Figure:
    """Enrichment of all tokens by class; turned annotation against matched tokens; the most enriched tokens.

    Parameters
    ----------
    tokens, classes
        The two tables of `grover_probe.overlap.tokens.TokenOverlap`.
    """
    shown = classes.sort_values("bases", ascending=False).head(_MOST_CLASSES)
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(10.5, max(3.2, 0.17 * len(shown) + 1.6), 3)
        plot_by_class(tokens, shown, axes[0])
        plot_matched(tokens, axes[1])
        plot_top_tokens(tokens, shown, axes[2])
        label_panels(axes)
    return figure


def plot_by_class(tokens: "pd.DataFrame", classes: "pd.DataFrame", ax: Any) -> None:
    """Enrichment of each tested token over turned annotation, one line per class, q below 0.05 coloured."""
    rng = np.random.default_rng(0)
    for row, (_, each) in enumerate(classes.iterrows()):
        part = tokens[(tokens["annotation"] == each["annotation"]) & (tokens["class"] == each["class"])]
        part = part[part["p"].notna()]
        height = row + rng.uniform(-0.3, 0.3, len(part))
        sure = (part["q"] < _LEVEL).to_numpy()
        colours = np.where(~sure, "#BBBBBB", np.where(part["log2_enrichment"] > 0, ORANGE, BLUE))
        ax.scatter(part["log2_enrichment"], height, s=3, c=colours, lw=0, alpha=0.7, rasterized=True)
    ax.set_yticks(range(len(classes)), [_label(each) for _, each in classes.iterrows()], fontsize=6)
    ax.invert_yaxis()
    ax.axvline(0, color=GREY, lw=0.7)
    ax.set_xlabel("log2 enrichment over turned annotation")
    for colour, label in ((ORANGE, "enriched, q < 0.05"), (BLUE, "depleted, q < 0.05"), ("#BBBBBB", "not sure")):
        ax.scatter([], [], s=10, c=colour, lw=0, label=label)
    _legend_below(ax, 3)


def plot_matched(tokens: "pd.DataFrame", ax: Any) -> None:
    """Enrichment over turned annotation against enrichment over tokens of the same length and GC."""
    part = tokens[
        tokens["enrichment_matched"].notna() & (tokens["enrichment_matched"] > 0) & (tokens["enrichment"] > 0)
    ]
    sure = (part["q_matched"] < _LEVEL).to_numpy()
    for keep, colour, label in ((~sure, "#BBBBBB", "not sure"), (sure, ORANGE, "q < 0.05 against matched tokens")):
        some = part[keep]
        x, y = (np.log2(some[name]) for name in ("enrichment", "enrichment_matched"))
        ax.scatter(x, y, s=4, c=colour, lw=0, alpha=0.5, rasterized=True, label=label)
    ax.axline((0, 0), slope=1, color=GREY, lw=0.7, ls=":")
    ax.axhline(0, color=GREY, lw=0.7)
    ax.axvline(0, color=GREY, lw=0.7)
    ax.set_xlabel("log2 enrichment over turned annotation")
    ax.set_ylabel("log2 enrichment over matched tokens")
    _legend_below(ax, 2)
    ax.text(0.02, 0.98, f"n = {len(part):,} tokens x classes", transform=ax.transAxes, va="top", fontsize=7, color=GREY)


def plot_top_tokens(tokens: "pd.DataFrame", classes: "pd.DataFrame", ax: Any) -> None:
    """The most enriched tokens of each class (by the lower end of the interval), with their intervals."""
    rows = []
    for _, each in classes.iterrows():
        part = tokens[(tokens["annotation"] == each["annotation"]) & (tokens["class"] == each["class"])]
        part = part[(part["q"] < _LEVEL) & (part["ci_low"] > 1)].nlargest(_PER_CLASS, "ci_low")
        rows += [(f"{row['token']}, {each['class']}", row) for _, row in part.iterrows()]
    rows = rows[:_MOST_CLASSES]
    for height, (_, row) in enumerate(rows):
        ax.plot([row["ci_low"], row["ci_high"]], [height, height], color=BLUE, lw=1)
        ax.plot(row["enrichment"], height, "o", ms=3, color=BLUE)
    ax.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=5.5)
    if rows:
        ax.invert_yaxis()
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
    ax.axvline(1, color=GREY, lw=0.7)
    ax.set_xlabel("enrichment over turned annotation, 95 %")


def _legend_below(ax: Any, columns: int) -> None:
    """A legend under the label of the axis, however low the panel is."""
    below = ScaledTranslation(0, -0.38, ax.figure.dpi_scale_trans)  # inches: ticks and label
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=ax.transAxes + below, ncols=columns,
        handletextpad=0.1, columnspacing=0.6,
    )  # fmt: skip


def _label(row: Any) -> str:
    return str(row["class"]) if row["annotation"] == row["class"] else f"{row['class']} ({row['annotation']})"


def plot_token_shares(shares: "pd.DataFrame", ax: Any) -> None:
    """Share of each token's bases in each class, stacked, tokens in order of their share in all classes together.

    Parameters
    ----------
    shares
        One row per token and class: ``rank`` (place from 0), ``class``, ``share``, and ``share_of_all``, that of all
        tokens together. Classes are stacked in the order of their first rows.
    ax
        Where to draw.
    """
    bottom = np.zeros(shares["rank"].nunique())
    edges = np.arange(len(bottom) + 1) - 0.5
    level = 0.0
    for colour, (name, part) in zip(CLASS_COLOURS, shares.groupby("class", sort=False), strict=False):
        top = bottom + part.sort_values("rank")["share"].to_numpy()
        label = f"{name} ({100 * part['share_of_all'].iloc[0]:.1f} %)"
        ax.stairs(top, edges, baseline=bottom, fill=True, color=colour, lw=0, label=label, rasterized=True)
        bottom, level = top, level + part["share_of_all"].iloc[0]
    ax.axhline(level, color="black", lw=0.8, ls="--", label=f"all tokens together ({100 * level:.1f} %)")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1)
    ax.set_xlabel("tokens in order of their share in repeats")
    ax.set_ylabel("share of the token's bases")
