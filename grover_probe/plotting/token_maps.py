"""Figures and panels of token maps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grover_probe.plotting.style import BLUE, GREY, ORANGE, STYLE, bare_axes

if TYPE_CHECKING:
    import pandas as pd

FEATURES = {
    "gc": "GC (share)",
    "log_frequency": "frequency (log10)",
    "length": "length (bases)",
    "ag": "AG (share)",
    "ac": "AC (share)",
}
SHORT = {name: name.removeprefix("log_") for name in ("log_frequency", "frequency", "length")}
SHORT |= {name: name.upper() for name in ("gc", "ag", "ac")}


def token_map_figure(tokens: "pd.DataFrame", quality: "pd.DataFrame", space: str) -> Figure:
    """The map of one space, coloured by each feature, with what neighbours share.

    Parameters
    ----------
    tokens, quality
        Tables of `grover_probe.maps.tokens.TokenMap`.
    space
        Which space to draw.
    """
    part = tokens[tokens["space"] == space]
    numbers = quality[quality["space"] == space]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.9), layout="constrained")
        axes = figure.subplots(2, 3).ravel()
        for ax, letter, (feature, label) in zip(axes, "abcde", FEATURES.items(), strict=False):
            plot_token_feature(part, feature, ax)
            ax.set_title(letter, loc="left", fontweight="bold", fontsize=10)
            ax.set_title(label, fontsize=8)
        plot_neighbour_r2(numbers, axes[5])
        axes[5].set_title("f", loc="left", fontweight="bold", fontsize=10)
        trust = numbers["trustworthiness"].iloc[0]
        figure.suptitle(f"{space}: UMAP of {len(part):,} tokens, trustworthiness {trust:.2f}", fontsize=9)
    return figure


def plot_token_feature(tokens: "pd.DataFrame", feature: str, ax: Any, location: str = "right") -> None:
    """Tokens at their place in the map, coloured by a feature; the scale lies on the side `location`."""
    points = ax.scatter(tokens["umap1"], tokens["umap2"], c=tokens[feature], s=7, lw=0, cmap="viridis")
    bare_axes(ax)
    ax.figure.colorbar(points, ax=ax, fraction=0.05, pad=0.01, location=location)


def plot_neighbour_r2(quality: "pd.DataFrame", ax: Any) -> None:
    """What neighbours share of each feature, in the embedding and in the map, and when values are permuted."""
    features = list(FEATURES)
    for place, offset, colour in (("embedding", 0.12, BLUE), ("map", -0.12, ORANGE)):
        part = quality[quality["place"] == place].set_index("feature").loc[features]
        ax.plot(part["r2"], np.arange(len(features)) + offset, "o", ms=5, color=colour, label=place)
    null = quality.groupby("feature")["null_r2"].mean().loc[features]
    ax.plot(null, np.arange(len(features)), "|", ms=9, mew=1.5, color=GREY, label="permuted")
    ax.set_yticks(np.arange(len(features)), [SHORT[name] for name in features])
    ax.invert_yaxis()
    ax.set_xlim(min(-0.15, quality["r2"].min() - 0.03), 1)
    ax.set_xlabel("R² of the mean of 15 neighbours")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=3, handletextpad=0, columnspacing=0.8)


def token_spaces_figure(tokens: "pd.DataFrame", quality: "pd.DataFrame", spaces: Sequence[str]) -> Figure:
    """One small map per space, coloured by GC, with its trustworthiness and how well neighbours share GC."""
    columns = min(4, len(spaces))
    rows = -(-len(spaces) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.8 * columns + 0.6, 2.05 * rows + 0.2), layout=ConstrainedLayoutEngine(h_pad=0.08))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, space in zip(axes, spaces, strict=False):
            part = tokens[tokens["space"] == space]
            points = ax.scatter(part["umap1"], part["umap2"], c=part["gc"], s=4, lw=0, cmap="viridis", vmin=0, vmax=1)
            bare_axes(ax)
            here = quality[(quality["space"] == space) & (quality["place"] == "map") & (quality["feature"] == "gc")]
            ax.set_title(space, fontsize=8)
            ax.set_xlabel(f"trust {here['trustworthiness'].iloc[0]:.2f}, GC R² {here['r2'].iloc[0]:.2f}", fontsize=7)
        for ax in axes[len(spaces) :]:
            ax.axis("off")
        figure.colorbar(points, ax=list(axes), label="GC (share)", fraction=0.03, pad=0.01)
    return figure
