"""Figures of next-k-mer prediction: accuracy over the number of cycles, and the number that it chooses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE, new_figure

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {"accuracy": "accuracy (%)", "top5": "top-5 accuracy (%)", "bits": "bits per k-mer"}
_BASELINES = {"markov": (RED, ":"), "tfidf": (GREEN, "-."), "majority": (GREY, "--")}
_KMERS = (ORANGE, ("-", "--", ":", "-."))  # longer ones later


def nextkmer_figure(
    table: "pd.DataFrame", curves: "pd.DataFrame", choice: Mapping[str, Any], metric: str = "accuracy"
) -> Figure:
    """A panel for each k with loess and band, and a panel with the shares of bootstrap draws by number of cycles.

    Parameters
    ----------
    table, curves
        Of `grover_probe.nextkmer.sweep.Comparison` and its choice.
    choice
        ``cycles``, ``low``, ``high`` and ``shares``.
    metric
        Of the curves.
    """
    ks = list(dict.fromkeys(curves["k"]))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(1.9 * (len(ks) + 1), 2.5, len(ks) + 1)
        for ax, k in zip(axes, ks, strict=False):
            plot_cycles(table[table["k"] == k], curves[curves["k"] == k], ax, metric)
            ax.set_title(f"next {k} bases")
        axes[0].set_ylabel(_NAMES[metric])
        plot_choice(choice, axes[-1])
        handles = {
            label: handle for ax in axes[:-1] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    return figure


def plot_cycles(table: "pd.DataFrame", curve: "pd.DataFrame", ax: Any, metric: str = "accuracy") -> None:
    """Models of one k by their number of cycles, with the loess curve; other systems as lines across.

    Parameters
    ----------
    table, curve
        Rows of one k.
    ax
        Axes.
    metric
        A column of the table, with its ``_low`` and ``_high``.
    """
    scale = 1 if metric == "bits" else 100
    points = table[table["kind"] == "bpe"]
    ax.fill_between(curve["cycles"], scale * curve["low"], scale * curve["high"], color=BLUE, alpha=0.18, lw=0)
    ax.plot(curve["cycles"], scale * curve["fit"], color=BLUE, lw=1.4, label="loess, 95 % band")
    error = scale * (points[[f"{metric}_low", f"{metric}_high"]].sub(points[metric], axis=0).abs().to_numpy().T)
    ax.errorbar(points["cycles"].astype(float), scale * points[metric], error, fmt="o", ms=3, lw=0.7, color=BLUE,
                label="byte pairs")  # fmt: skip
    kmers = sorted(set(table.loc[table["kind"] == "kmer", "system"]))
    for row in table.itertuples():
        value = scale * getattr(row, metric)
        if row.kind == "kmer":
            style = _KMERS[1][kmers.index(row.system) % len(_KMERS[1])]
            ax.axhline(value, color=_KMERS[0], ls=style, lw=1, label=row.system)
        elif row.system in _BASELINES:
            colour, style = _BASELINES[row.system]
            ax.axhline(value, color=colour, ls=style, lw=0.9, label=row.system)
    _log_cycles(ax, sorted(set(points["cycles"].astype(int))))


def plot_choice(choice: Mapping[str, Any], ax: Any) -> None:
    """Shares of bootstrap draws by the number of cycles that they choose; chosen number and 95 % of the draws above."""
    shares = {int(number): share for number, share in choice["shares"].items()}
    ax.vlines(list(shares), 0, [100 * share for share in shares.values()], color=BLUE, lw=5)
    top = 108
    ax.plot([choice["low"], choice["high"]], [top, top], color=RED, lw=1)
    ax.plot([choice["cycles"]], [top], "D", color=RED, ms=3.5)
    ax.set_ylim(0, 116)
    ax.set_yticks([0, 50, 100])
    ax.set_ylabel("bootstrap draws (%)")
    ax.set_title(f"chosen: {choice['cycles']:,}")
    _log_cycles(ax, sorted(shares))


def plot_systems(table: "pd.DataFrame", chance: float, ax: Any) -> None:
    """Accuracy of all systems for one k with intervals, and the paper's numbers.

    Parameters
    ----------
    table
        ``system``, ``label``, ``kind``, ``accuracy`` with ``_low`` and ``_high`` (NaN where only the paper has one),
        ``paper`` and ``paper_at_most`` (an upper bound), as shares. One row per system and seed, in the order drawn.
    chance
        Accuracy of guessing.
    ax
        Axes.
    """
    place = {label: row for row, label in enumerate(dict.fromkeys(table["label"]))}
    colours = table["kind"].map({"bpe": BLUE, "model": BLUE, "kmer": ORANGE}).fillna(GREY)
    for row, colour in zip(table.itertuples(), colours, strict=True):
        y = place[row.label]
        ax.plot([100 * row.accuracy_low, 100 * row.accuracy_high], [y, y], color=colour, lw=1)
        ax.plot(100 * row.accuracy, y, "o", ms=3.5, color=colour)
    paper = table.dropna(subset=["paper"]).drop_duplicates("label")
    for bound, marker, label in ((False, "x", "the paper"), (True, "<", "the paper, at most")):
        some = paper[paper["paper_at_most"] == bound]
        ax.plot(100 * some["paper"], [place[label] for label in some["label"]], marker, ms=4, color=RED, mfc="none",
                label=label)  # fmt: skip
    ax.axvline(100 * chance, color=GREY, lw=0.8, ls=":", label=f"chance, {100 * chance:.3f} %")
    ax.set_yticks(list(place.values()), list(place))
    ax.set_ylim(len(place) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.legend(loc="best", handletextpad=0.4)


def _log_cycles(ax: Any, numbers: list[int]) -> None:
    ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{number:,}" for number in numbers], rotation=60)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("cycles")
