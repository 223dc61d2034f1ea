"""Panels of what the layers of a model are like."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from grover_probe.plotting.style import BLUE, GREY, ORANGE, note_n

if TYPE_CHECKING:
    import pandas as pd


def plot_dimensions(table: "pd.DataFrame", ax: Any) -> None:
    """Share of each dimension in the mean cosine of two tokens, largest first, one line per layer.

    Parameters
    ----------
    table
        Of `grover_probe.extract.layer_tables.dimension_table`, from the first rank on.
    ax
        Where to draw.
    """
    layers = sorted(table["layer"].unique())
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    for colour, layer in zip(colours, layers, strict=True):
        part = table[table["layer"] == layer]
        ax.plot(part["rank"], 100 * part["share"], "o-", ms=2.5, lw=1, color=colour, label=f"{layer}")
    ax.set_xticks([1, *range(5, int(table["rank"].max()) + 1, 5)])
    ax.set_xlabel("dimension, by its share")
    ax.set_ylabel("share of the mean cosine (%)")
    ax.set_ylim(min(0, 105 * table["share"].min()), None)


def plot_top_dimensions(table: "pd.DataFrame", equal: float, ax: Any) -> None:
    """Share of the one and the three dimensions with most of the mean cosine, by layer.

    Parameters
    ----------
    table
        ``layer``, ``top_1`` and ``top_3``.
    equal
        Share that one dimension would have were all equal.
    ax
        Where to draw.
    """
    for column, colour, label in (("top_3", ORANGE, "three dimensions"), ("top_1", BLUE, "one dimension")):
        ax.plot(table["layer"], 100 * table[column], "o-", ms=3.5, lw=1.3, color=colour, label=label)
    ax.axhline(100 * equal, color=GREY, lw=0.8, ls=":", label="one, if all were equal")
    ax.set_ylim(0, 140 * table["top_3"].max())  # room for a legend
    ax.set_ylabel("share of the mean cosine (%)")
    layer_axis(table, ax)


def plot_similarities(table: "pd.DataFrame", ax: Any) -> None:
    """Mean self-similarity by layer, of states as they are and standardised."""
    for (states, part), colour in zip(table.groupby("states", sort=False), (BLUE, ORANGE), strict=False):
        ax.plot(part["layer"], part["self_similarity"], "o-", ms=3.5, lw=1.3, color=colour, label=states)
    ax.set_ylabel("mean self-similarity")
    ax.set_ylim(0, None)
    layer_axis(table, ax)
    note_n(ax, f"n = {table['n_tokens'].max():,} tokens")


def plot_cka(table: "pd.DataFrame", ax: Any) -> Any:
    """Linear CKA of every two layers; numbers where there are at most seven layers. Returns the image."""
    grid = table.pivot(index="layer", columns="other", values="cka")
    image = ax.imshow(grid.to_numpy(), cmap="cividis", vmin=0, vmax=1)
    ax.set_xticks(range(len(grid)), grid.columns)
    ax.set_yticks(range(len(grid)), grid.index)
    ax.tick_params(length=0)
    if len(grid) <= 7:
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            colour = "black" if value > 0.55 else "white"
            ax.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize=6.5)
    ax.set_xlabel("layer")
    ax.set_ylabel("layer")
    return image


def plot_explainable(table: "pd.DataFrame", ax: Any) -> None:
    """Share of the first direction in the occurrences of a token: middle half and median over tokens, by layer."""
    for column, colour, label in (("mev", BLUE, "as they are"), ("mev_centred", ORANGE, "less their mean")):
        found = table.groupby("layer")[column].quantile([0.25, 0.5, 0.75]).unstack()
        ax.fill_between(found.index, 100 * found[0.25], 100 * found[0.75], color=colour, alpha=0.2, lw=0)
        ax.plot(found.index, 100 * found[0.5], "o-", ms=3.5, lw=1.3, color=colour, label=label)
    ax.set_ylabel("variance in one direction (%)")
    ax.set_ylim(0, None)
    layer_axis(table, ax)
    note_n(ax, f"n = {table['token_id'].nunique():,} tokens")


def plot_lens(table: "pd.DataFrame", ax: Any) -> None:
    """How often the model's head recognises the token that stands there, by layer."""
    ax.plot(table["layer"], 100 * table["top1"], "o-", ms=3.5, lw=1.3, color=BLUE)
    ax.set_ylabel("tokens recognised (%)")
    ax.set_ylim(0, 103)
    layer_axis(table, ax)
    note_n(ax, f"n = {table['n_tokens'].max():,} occurrences")


def layer_axis(table: "pd.DataFrame", ax: Any) -> None:
    """Ticks at the layers of a table."""
    ax.set_xticks(sorted(table["layer"].unique()))
    ax.set_xlabel("layer")
