"""Panels of masked-token prediction: accuracy among the first n, perplexity, and accuracy of each token."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullFormatter

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED

if TYPE_CHECKING:
    import pandas as pd

_LINES = {"bpe": (BLUE, ("-", "--", ":")), "kmer": (ORANGE, ("-", "--", ":", "-.")), "ngram": (GREEN, ("-", "--", ":"))}


def plot_top_n(table: "pd.DataFrame", paper: "pd.DataFrame", ax: Any) -> None:
    """Share of masked tokens among the first n predictions, one line per system.

    Parameters
    ----------
    table
        ``label``, ``kind`` (bpe, kmer, ngram or other), ``n``, ``share``.
    paper
        ``n``, ``share``.
    ax
        Axes.
    """
    used = dict.fromkeys(_LINES, 0)
    for (label, kind), line in table.groupby(["label", "kind"], sort=False):
        colour, styles = _LINES.get(kind, (GREY, ("-",)))
        style = styles[used.get(kind, 0) % len(styles)]
        used[kind] = used.get(kind, 0) + 1
        ax.plot(line["n"], 100 * line["share"], color=colour, ls=style, lw=1.2, label=label)
    ax.plot(paper["n"], 100 * paper["share"], "x", ms=5, color=RED, label="the paper")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlim(0.9, 1.1 * table["n"].max())
    ax.set_ylim(0, 102)
    ax.set_xlabel("first n predictions")
    ax.set_ylabel("masked tokens among them (%)")


def plot_measure(table: "pd.DataFrame", column: str, ax: Any, label: str, log: bool = False) -> None:
    """One number of each system with its interval, the n-grams of the same tokens, and the paper's.

    Parameters
    ----------
    table
        ``label``, ``kind``, the column with ``_low`` and ``_high``, ``ngrams_COLUMN`` and ``paper_COLUMN`` (NaN where
        there is none).
    column
        Which number.
    ax
        Axes.
    label
        Of the axis.
    log
        Logarithmic axis.
    """
    y = np.arange(len(table))
    colours = table["kind"].map({"bpe": BLUE, "kmer": ORANGE}).fillna(GREY)
    ax.hlines(y, table[f"{column}_low"], table[f"{column}_high"], color=colours, lw=1.2)
    ax.scatter(table[column], y, s=16, c=colours, lw=0, zorder=3, label="model")
    ax.plot(table[f"ngrams_{column}"], y, "o", ms=4, color=GREY, mfc="none", mew=0.8, label="best n-gram of its tokens")
    ax.plot(table[f"paper_{column}"], y, "x", ms=5, color=RED, label="the paper")
    ax.set_yticks(y, table["label"])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlabel(label)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.xaxis.set_minor_formatter(NullFormatter())


def plot_by_class(tokens: "pd.DataFrame", classes: "pd.DataFrame", column: str, ax: Any, label: str) -> None:
    """A score of each token as dots over its class, and the score of the whole class.

    Parameters
    ----------
    tokens
        ``place`` (of its class on the axis, with some spread), the column, ``masked`` (times).
    classes
        ``place``, ``name``, the column with ``_low`` and ``_high``.
    column
        ``accuracy`` or ``auc``, shares.
    ax
        Axes.
    label
        Of the axis of scores.
    """
    ax.scatter(tokens["place"], tokens[column], s=3, c=BLUE, lw=0, alpha=0.35)
    ax.vlines(classes["place"], classes[f"{column}_low"], classes[f"{column}_high"], color="black", lw=1)
    ax.plot(classes["place"], classes[column], "_", ms=9, mew=1.6, color="black")
    ax.set_xticks(classes["place"], classes["name"])
    ax.set_xlim(classes["place"].min() - 0.6, classes["place"].max() + 0.6)
    ax.margins(y=0.03)
    ax.set_ylabel(label)


def plot_by_frequency(tokens: "pd.DataFrame", classes: "pd.DataFrame", column: str, ax: Any, label: str) -> None:
    """A score of each token against its frequency, and that of groups of tokens of like frequency.

    Parameters
    ----------
    tokens
        ``per_million`` (occurrences), the column.
    classes
        ``per_million`` (middle of the group), the column with ``_low`` and ``_high``.
    column, ax, label
        As in `plot_by_class`.
    """
    ax.scatter(tokens["per_million"], tokens[column], s=3, c=BLUE, lw=0, alpha=0.35)
    ax.vlines(classes["per_million"], classes[f"{column}_low"], classes[f"{column}_high"], color="black", lw=1)
    ax.plot(classes["per_million"], classes[column], "_-", ms=6, mew=1.6, lw=0.8, color="black")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("occurrences per million tokens")
    ax.set_ylabel(label)
