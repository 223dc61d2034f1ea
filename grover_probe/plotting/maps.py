"""Figures of token maps and window maps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE

if TYPE_CHECKING:
    import pandas as pd

# Okabe and Ito's palette, then Paul Tol's muted one, without near neighbours.
CLASS_COLOURS = (
    BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#882255", "#999933", "#332288", "#F0E442", "#117733", "#AA4499",
)  # fmt: skip
BACKGROUND = "#D5D5D5"  # windows without a class
_FEATURES = {
    "gc": "GC (share)",
    "log_frequency": "frequency (log10)",
    "length": "length (bases)",
    "ag": "AG (share)",
    "ac": "AC (share)",
}
_SHORT = {name: name.removeprefix("log_") for name in ("log_frequency", "frequency", "length")}
_SHORT |= {name: name.upper() for name in ("gc", "ag", "ac")}
_PLACES = {
    "embedding": (BLUE, "o", "embedding"),
    "embedding map": (BLUE, "s", "its map"),
    "composition": (ORANGE, "o", "GC and k-mers"),
    "composition map": (ORANGE, "s", "their map"),
}


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
        for ax, letter, (feature, label) in zip(axes, "abcde", _FEATURES.items(), strict=False):
            plot_token_feature(part, feature, ax)
            ax.set_title(letter, loc="left", fontweight="bold", fontsize=10)
            ax.set_title(label, fontsize=8)
        plot_neighbour_r2(numbers, axes[5])
        axes[5].set_title("f", loc="left", fontweight="bold", fontsize=10)
        trust = numbers["trustworthiness"].iloc[0]
        figure.suptitle(f"{space}: UMAP of {len(part):,} tokens, trustworthiness {trust:.2f}", fontsize=9)
    return figure


def plot_token_feature(tokens: "pd.DataFrame", feature: str, ax: Any) -> None:
    """Tokens at their place in the map, coloured by a feature."""
    points = ax.scatter(tokens["umap1"], tokens["umap2"], c=tokens[feature], s=7, lw=0, cmap="viridis")
    _bare(ax)
    ax.figure.colorbar(points, ax=ax, fraction=0.05, pad=0.01)


def plot_neighbour_r2(quality: "pd.DataFrame", ax: Any) -> None:
    """What neighbours share of each feature, in the embedding and in the map, and when values are permuted."""
    features = list(_FEATURES)
    for place, offset, colour in (("embedding", 0.12, BLUE), ("map", -0.12, ORANGE)):
        part = quality[quality["place"] == place].set_index("feature").loc[features]
        ax.plot(part["r2"], np.arange(len(features)) + offset, "o", ms=5, color=colour, label=place)
    null = quality.groupby("feature")["null_r2"].mean().loc[features]
    ax.plot(null, np.arange(len(features)), "|", ms=9, mew=1.5, color=GREY, label="permuted")
    ax.set_yticks(np.arange(len(features)), [_SHORT[name] for name in features])
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
            _bare(ax)
            here = quality[(quality["space"] == space) & (quality["place"] == "map") & (quality["feature"] == "gc")]
            ax.set_title(space, fontsize=8)
            ax.set_xlabel(f"trust {here['trustworthiness'].iloc[0]:.2f}, GC R² {here['r2'].iloc[0]:.2f}", fontsize=7)
        for ax in axes[len(spaces) :]:
            ax.axis("off")
        figure.colorbar(points, ax=list(axes), label="GC (share)", fraction=0.03, pad=0.01)
    return figure


def components_figure(correlations: "pd.DataFrame", components: "pd.DataFrame", paper: "pd.DataFrame") -> Figure:
    """|Spearman's rho| of the first components with each feature, one block per space, the paper's six values first.

    Parameters
    ----------
    correlations, components, paper
        Tables of `grover_probe.maps.tokens.TokenMap`.
    """
    spaces = list(correlations["space"].unique())
    features = list(correlations["feature"].unique())
    shown = int(correlations["component"].max())
    columns = min(4, len(spaces) + 1)
    rows = -(-(len(spaces) + 1) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.95 * columns + 0.6, 1.85 * rows + 0.2), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        of_paper = paper[paper["space"] == spaces[0]]
        table = of_paper.assign(abs_rho=of_paper["paper_rho"].abs(), q=0.0)
        image = _rho_panel(table, features, shown, "GROVER paper", None, axes[0])
        for ax, space in zip(axes[1:], spaces, strict=False):
            part = correlations[correlations["space"] == space]
            explained = components.loc[components["space"] == space, "explained"].iloc[:shown]
            image = _rho_panel(part, features, shown, space, explained.to_numpy(), ax)
        for ax in axes[len(spaces) + 1 :]:
            ax.axis("off")
        figure.colorbar(image, ax=list(axes), label="|Spearman's ρ|; below: % of variance", fraction=0.03, pad=0.01)
    return figure


def _rho_panel(
    table: "pd.DataFrame", features: list[str], shown: int, title: str, explained: np.ndarray | None, ax: Any
) -> Any:
    grid = np.full((len(features), shown), np.nan)
    for row in table.itertuples():
        grid[features.index(row.feature), row.component - 1] = row.abs_rho
    image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    significant = table[table["q"] < 0.05]
    for row in significant.itertuples():
        colour = "black" if row.abs_rho > 0.55 else "white"
        place = row.component - 1, features.index(row.feature)
        ax.text(*place, f"{row.abs_rho:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize=6)
    ax.set_yticks(range(len(features)), [_SHORT[name] for name in features])
    ticks = [f"PC{number + 1}" for number in range(shown)]
    if explained is not None:
        ticks = [f"{tick}\n{100 * share:.1f}" for tick, share in zip(ticks, explained, strict=True)]
    ax.set_xticks(range(shown), ticks, fontsize=6)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(title, fontsize=8)
    return image


def tree_figure(tokens: "pd.DataFrame", linkage: "pd.DataFrame", space: str) -> Figure:
    """The tree of a space's tokens, with a strip per feature in the order of its leaves.

    Parameters
    ----------
    tokens, linkage
        Tables of `grover_probe.maps.tokens.TokenMap`.
    space
        Which space to draw.
    """
    part = tokens[tokens["space"] == space].sort_values("leaf")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots(1 + len(_FEATURES), 1, height_ratios=[9] + [1] * len(_FEATURES), sharex=True)
        for x, y in _branches(linkage[linkage["space"] == space], tokens[tokens["space"] == space]["leaf"].to_numpy()):
            axes[0].plot(x, y, lw=0.4, color=GREY)
        axes[0].set_ylabel("cosine distance")
        axes[0].set_ylim(0, None)
        axes[0].set_title(f"{space}: {len(part):,} tokens, average linkage", fontsize=9)
        for ax, feature in zip(axes[1:], _FEATURES, strict=True):
            ax.imshow(part[[feature]].to_numpy().T, aspect="auto", cmap="viridis", interpolation="nearest")
            ax.set_yticks([0], [_SHORT[feature]])
        for ax in axes:
            ax.tick_params(bottom=False, labelbottom=False)
            ax.spines["bottom"].set_visible(False)
        axes[-1].set_xlabel("tokens in the order of the tree; each strip from its lowest (dark) to its highest value")
    return figure


def _branches(linkage: "pd.DataFrame", leaf: np.ndarray) -> list[tuple[list[float], list[float]]]:
    """One bracket per join of a tree: x and y of its four corners."""
    place, height = [*map(float, leaf)], [0.0] * len(leaf)
    found = []
    for row in linkage.itertuples():
        left, right = place[row.left], place[row.right]
        found.append(([left, left, right, right], [height[row.left], row.distance, row.distance, height[row.right]]))
        place.append((left + right) / 2)
        height.append(row.distance)
    return found


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
    size = float(np.clip(4_000 / len(windows), 0.3, 6))
    with mpl.rc_context(STYLE):
        layout = ConstrainedLayoutEngine(h_pad=0.09)
        figure = Figure(figsize=(2.4 * columns + 0.2, 2.75 * rows + 0.25), layout=layout)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, name in zip(axes, annotations, strict=False):
            if windows[name].dtype.kind == "f":
                _colour_by_number(windows, name, size, ax)
            else:
                _colour_by_class(windows, name, size, ax)
            _bare(ax)
            found = separability[separability["annotation"] == name].set_index("place")["balanced_accuracy"]
            chance = separability.loc[separability["annotation"] == name, "chance"]
            note = f": {found['embedding']:.2f} (chance {chance.iloc[0]:.2f})" if len(found) else ""
            ax.set_title(f"{_SHORT.get(name, name)}{note}", fontsize=8, loc="left")
        for ax in axes[len(annotations) :]:
            ax.axis("off")
        figure.suptitle(
            f"UMAP of {len(windows):,} windows, trustworthiness {trust:.2f}; balanced accuracy on held-out blocks",
            fontsize=8,
        )
    return figure


def _colour_by_class(windows: "pd.DataFrame", name: str, size: float, ax: Any) -> None:
    sizes = windows[name].value_counts()
    classes = [each for each in sizes.index if each != "none"]
    ordered = (["none"] if "none" in sizes else []) + classes  # frequent classes first, rare ones on top
    for number, each in enumerate(ordered):
        rank = number - ("none" in sizes)
        colour = BACKGROUND if each == "none" else CLASS_COLOURS[rank % len(CLASS_COLOURS)]
        part = windows[windows[name] == each]
        label = f"{each}, {len(part):,}" if number < 8 else None
        ax.scatter(part["umap1"], part["umap2"], s=size, lw=0, color=colour, label=label)
    handles = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "ncols": 2, "fontsize": 6, "markerscale": 1}
    legend = ax.legend(handletextpad=0, columnspacing=0.5, labelspacing=0.25, borderpad=0, **handles)
    for handle in legend.legend_handles:
        handle.set_sizes([14])


def _colour_by_number(windows: "pd.DataFrame", name: str, size: float, ax: Any) -> None:
    known = windows[windows[name].notna()].sort_values(name)
    low, high = known[name].quantile([0.01, 0.99])
    rest = windows[windows[name].isna()]
    ax.scatter(rest["umap1"], rest["umap2"], s=size, lw=0, color=BACKGROUND)
    scale = {"c": known[name], "cmap": "viridis", "vmin": low, "vmax": high}
    points = ax.scatter(known["umap1"], known["umap2"], s=size, lw=0, **scale)
    ax.figure.colorbar(points, cax=ax.inset_axes((0.15, -0.05, 0.7, 0.035)), orientation="horizontal")


def separability_figure(separability: "pd.DataFrame") -> Figure:
    """Balanced accuracy of each annotation in the embedding, its map and the composition, with intervals and nulls."""
    names = list(separability["annotation"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.42 * len(names) + 1.1), layout="constrained")
        ax = figure.subplots()
        for number, (place, (colour, marker, label)) in enumerate(_PLACES.items()):
            part = separability[separability["place"] == place].set_index("annotation").loc[names]
            y = np.arange(len(names)) + 0.17 * (number - 1.5)
            ax.hlines(y, part["low"], part["high"], color=colour, lw=1)
            fill = colour if marker == "o" else "white"
            ax.plot(part["balanced_accuracy"], y, marker, ms=4.5, color=colour, mfc=fill, label=label)
            ax.plot(part["null"], y, "|", ms=5, mew=1.2, color=GREY, label=None if number < 3 else "labels turned")
        for row, name in enumerate(names):
            if row % 2:
                ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", zorder=0, lw=0)
            chance = separability.loc[separability["annotation"] == name, "chance"].iloc[0]
            ax.vlines(chance, row - 0.42, row + 0.42, color="black", lw=0.8, ls=":", label="" if row else "chance")
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.set_xlabel("balanced accuracy on held-out blocks (bars: 95 % interval over blocks)")
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)
    return figure


def _bare(ax: Any) -> None:
    """A map has no axes: UMAP's units mean nothing."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_box_aspect(1)
