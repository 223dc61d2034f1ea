"""Panels of a vocabulary: lengths, frequencies, first bases, and frequency against expectation."""

from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED

if TYPE_CHECKING:
    import pandas as pd

BASE_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": RED}


def plot_lengths(lengths: "pd.DataFrame", ax: Any) -> None:
    """Share of the vocabulary and of all occurrences by length.

    Parameters
    ----------
    lengths
        ``length`` (bases), ``tokens`` and ``occurrences`` (counts).
    ax
        Axes.
    """
    for column, colour, shift, label in (
        ("tokens", BLUE, -0.2, "tokens, each once"), ("occurrences", ORANGE, 0.2, "their occurrences"),
    ):  # fmt: skip
        share = 100 * lengths[column] / lengths[column].sum()
        ax.bar(lengths["length"] + shift, share, width=0.4, color=colour, label=label)
    ax.set_xticks(range(1, int(lengths["length"].max()) + 1, 2))
    ax.set_xlabel("token length (bases)")
    ax.set_ylabel("share (%)")
    ax.legend(loc="upper right", handlelength=1, borderaxespad=0)


def plot_frequencies(frequencies: "pd.DataFrame", median: float, paper_median: float, ax: Any) -> None:
    """How many tokens have which frequency.

    Parameters
    ----------
    frequencies
        ``from``, ``to`` (occurrences per million tokens), ``tokens``.
    median, paper_median
        Per million.
    ax
        Axes.
    """
    ax.bar(frequencies["from"], frequencies["tokens"], width=frequencies["to"] - frequencies["from"], align="edge",
           color=BLUE, ec="white", lw=0.4)  # fmt: skip
    top = frequencies["tokens"].max()
    ax.axvline(median, color="black", lw=1, ymax=0.94, label=f"median {median:,.0f}")
    ax.plot([paper_median], [1.1 * top], "x", ms=5, color=RED, ls="none", label=f"the paper's {paper_median:,.0f}")
    ax.set_ylim(0, 1.17 * top)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("occurrences per million tokens")
    ax.set_ylabel("tokens")
    # Below the cross, which may lie under its left end.
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.9), handlelength=1, borderaxespad=0)


def plot_first_bases(shares: "pd.DataFrame", ax: Any) -> None:
    """Shares of first bases as stacked bars.

    Parameters
    ----------
    shares
        ``of`` (what is counted), ``base`` (A, T, G, C, or A or T and so on), ``share``; bars in order of appearance.
    ax
        Axes.
    """
    rows = list(dict.fromkeys(shares["of"]))
    for height, row in enumerate(rows):
        left = 0.0
        for part in shares[shares["of"] == row].itertuples():
            wide = 100 * part.share
            colour = BASE_COLOURS.get(part.base, "#BBBBBB")
            ax.barh(height, wide, left=left, height=0.62, color=colour, ec="white", lw=0.6)
            if wide > 14:
                ax.text(left + wide / 2, height, f"{part.base} {wide:.0f} %", ha="center", va="center_baseline",
                        fontsize=6.5, color="white" if colour in (GREEN, BLUE, RED) else "black")  # fmt: skip
            left += wide
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("first base (%)")


def plot_expected(tokens: "pd.DataFrame", ax: Any) -> None:
    """Frequency of each token against that expected of its bases, coloured by length.

    Parameters
    ----------
    tokens
        ``token``, ``per_million``, ``expected_per_million``, ``observed_expected``, ``length``; ``mark``, the number at
        those that are named, 0 for the others.
    ax
        Axes.
    """
    points = ax.scatter(tokens["expected_per_million"], tokens["per_million"], s=6, lw=0, alpha=0.85,
                        c=np.minimum(tokens["length"], 10), cmap="viridis", vmin=1, vmax=10)  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.margins(0.06)
    limits = ax.get_ylim()
    ax.plot(limits, limits, color=GREY, lw=0.8, ls=":", scalex=False, scaley=False)
    marked = tokens[tokens["mark"] > 0].sort_values("mark")
    high = marked["observed_expected"] > 1
    for row, above in zip(marked.itertuples(), high, strict=True):
        ax.annotate(f"{row.mark}", (row.expected_per_million, row.per_million), (0, 3) if above else (0, -3),
                    textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=6.5)  # fmt: skip
    for rows, y, side in ((marked[high], 0.99, "top"), (marked[~high], 0.01, "bottom")):
        names = "\n".join(f"{row.mark} {row.token}" for row in rows.itertuples())
        ax.text(0.03, y, names, transform=ax.transAxes, va=side, fontsize=6.5)
    ax.set_xlabel("expected (per million tokens)")
    ax.set_ylabel("observed (per million tokens)")
    bar = ax.figure.colorbar(points, ax=ax, orientation="horizontal", fraction=0.05, pad=0.02, aspect=30)
    bar.set_ticks([1, 4, 7, 10], labels=["1", "4", "7", "10+"])
    bar.set_label("length (bases)", labelpad=1)
