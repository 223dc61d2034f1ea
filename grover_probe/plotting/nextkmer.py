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
_KMERS = ORANGE


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
    for row in table.itertuples():
        value = scale * getattr(row, metric)
        if row.kind == "kmer":
            ax.axhline(value, color=_KMERS, lw=0.8)
            ax.annotate(row.system, (1.0, value), xycoords=("axes fraction", "data"), color=_KMERS, fontsize=5.5,
                        va="center", annotation_clip=False)  # fmt: skip
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


def _log_cycles(ax: Any, numbers: list[int]) -> None:
    ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{number:,}" for number in numbers], rotation=60)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("cycles")
