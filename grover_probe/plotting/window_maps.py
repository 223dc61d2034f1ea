"""Figures and panels of window maps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grover_probe.plotting.style import BLUE, CLASS_COLOURS, GREY, ORANGE, STYLE, bare_axes
from grover_probe.plotting.token_maps import SHORT

if TYPE_CHECKING:
    import pandas as pd

_MOST_NAMED = 10  # classes in a legend
BACKGROUND = "#D5D5D5"  # windows without a class
_PLACES = {
    "embedding": (BLUE, "o", "embedding"),
    "embedding map": (BLUE, "s", "its map"),
    "composition": (ORANGE, "o", "GC and k-mers"),
    "composition map": (ORANGE, "s", "their map"),
}


def window_map_figure(
    windows: "pd.DataFrame", annotations: Sequence[str], separability: "pd.DataFrame", trust: float
) -> Figure:
    """One small panel per annotation: all windows at their place in the map, coloured by it.

    Parameters
    ----------
    windows, separability
        Tables of `grover_probe.maps.windows.WindowMap`.
    annotations
        Columns to draw; numbers get a colour scale, classes a legend.
    trust
        Trustworthiness of the map.
    """
    columns = min(3, len(annotations))
    rows = -(-len(annotations) // columns)
    with mpl.rc_context(STYLE):
        layout = ConstrainedLayoutEngine(h_pad=0.09)
        figure = Figure(figsize=(2.4 * columns + 0.2, 2.75 * rows + 0.25), layout=layout)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, name in zip(axes, annotations, strict=False):
            plot_windows(windows, name, ax)
            found = separability[separability["annotation"] == name].set_index("place")["balanced_accuracy"]
            chance = separability.loc[separability["annotation"] == name, "chance"]
            note = f": {found['embedding']:.2f} (chance {chance.iloc[0]:.2f})" if len(found) else ""
            ax.set_title(f"{SHORT.get(name, name)}{note}", fontsize=8, loc="left")
        for ax in axes[len(annotations) :]:
            ax.axis("off")
        figure.suptitle(
            f"UMAP of {len(windows):,} windows, trustworthiness {trust:.2f}; balanced accuracy on held-out blocks",
            fontsize=8,
        )
    return figure


def plot_windows(windows: "pd.DataFrame", name: str, ax: Any) -> None:
    """All windows at their place in the map, coloured by one annotation, with a legend or a scale below.

    Parameters
    ----------
    windows
        ``umap1``, ``umap2`` and the annotation: numbers, or names of classes and ``none``.
    name
        Column of the annotation.
    ax
        Where to draw.
    """
    size = float(np.clip(4_000 / len(windows), 0.3, 6))
    if windows[name].dtype.kind == "f":
        _colour_by_number(windows, name, size, ax)
    else:
        _colour_by_class(windows, name, size, ax)
    bare_axes(ax)


def _colour_by_class(windows: "pd.DataFrame", name: str, size: float, ax: Any) -> None:
    sizes = windows[name].value_counts()
    classes = [each for each in sizes.index if each != "none"]
    ordered = (["none"] if "none" in sizes else []) + classes  # frequent classes first, rare ones on top
    colours = dict(zip(classes, CLASS_COLOURS * (1 + len(classes) // len(CLASS_COLOURS)), strict=False))
    colours["none"] = BACKGROUND
    place = {each: number for number, each in enumerate(ordered)}
    drawn = windows.iloc[np.argsort(windows[name].map(place).to_numpy(), kind="stable")]
    # All classes at once make one small image in a vector file, where each would make its own.
    ax.scatter(drawn["umap1"], drawn["umap2"], s=size, lw=0, c=list(drawn[name].map(colours)), rasterized=True)
    for each in ordered[:_MOST_NAMED]:
        label = "inside" if each == name else plain_class(each)  # an annotation without classes is its only class
        ax.scatter([], [], s=14, lw=0, color=colours[each], label=f"{label}, {sizes[each]:,}")
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=1 if len(ordered) < 4 else 2, fontsize=6.5,
        handletextpad=0, columnspacing=0.5, labelspacing=0.25, borderpad=0,
    )  # fmt: skip


def _colour_by_number(windows: "pd.DataFrame", name: str, size: float, ax: Any) -> None:
    drawn = windows.sort_values(name, na_position="first")
    low, high = drawn[name].quantile([0.01, 0.99])
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(low, high), "viridis")
    colours = np.where(drawn[[name]].notna(), scale.to_rgba(drawn[name]), mpl.colors.to_rgba(BACKGROUND))
    ax.scatter(drawn["umap1"], drawn["umap2"], s=size, lw=0, c=colours, rasterized=True)
    ax.figure.colorbar(scale, cax=ax.inset_axes((0.15, -0.05, 0.7, 0.035)), orientation="horizontal")


def plain_class(name: str) -> str:
    """Name of a class to be read: ``9_Quies``, with the number that orders chromatin states, is ``Quies``."""
    number, _, rest = name.partition("_")
    return (rest if number.isdecimal() and rest else name).replace("_", " ")


def separability_figure(separability: "pd.DataFrame") -> Figure:
    """Balanced accuracy of each annotation in the embedding, its map and the composition, with intervals and nulls."""
    names = list(separability["annotation"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.42 * len(names) + 1.1), layout="constrained")
        ax = figure.subplots()
        plot_separability(separability, list(_PLACES), ax)
        ax.set_xlabel("balanced accuracy on held-out blocks (bars: 95 % interval over blocks)")
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)
    return figure


def plot_separability(separability: "pd.DataFrame", places: Sequence[str], ax: Any) -> None:
    """Balanced accuracy of each annotation with its interval, the same with labels turned (grey), and chance (dotted).

    Parameters
    ----------
    separability
        Of `grover_probe.maps.windows.WindowMap`.
    places
        Of ``embedding``, ``embedding map``, ``composition``, ``composition map``.
    ax
        Where to draw.
    """
    names = list(separability["annotation"].unique())
    for number, place in enumerate(places):
        colour, marker, label = _PLACES[place]
        part = separability[separability["place"] == place].set_index("annotation").loc[names]
        y = np.arange(len(names)) + (0.68 / len(places)) * (number - (len(places) - 1) / 2)
        ax.hlines(y, part["low"], part["high"], color=colour, lw=1)
        fill = colour if marker == "o" else "white"
        ax.plot(part["balanced_accuracy"], y, marker, ms=4.5, color=colour, mfc=fill, label=label)
        last = number == len(places) - 1
        ax.plot(part["null"], y, "|", ms=5, mew=1.2, color=GREY, label="labels turned" if last else None)
    for row, name in enumerate(names):
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", zorder=0, lw=0)
        chance = separability.loc[separability["annotation"] == name, "chance"].iloc[0]
        ax.vlines(chance, row - 0.42, row + 0.42, color="black", lw=0.8, ls=":", label="" if row else "chance")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, 1)
