"""Figures and panels of what a token map is made of: principal components, their correlations, the tree."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE
from grover_probe.plotting.token_maps import FEATURES, SHORT

if TYPE_CHECKING:
    import pandas as pd

# Spaces beside the first: marker and colour.
CONTROL_MARKS = (("s", ORANGE), ("D", GREEN), ("^", GREY), ("v", "#CC79A7"), ("P", "#56B4E9"), ("<", "#882255"))


def components_figure(correlations: "pd.DataFrame", components: "pd.DataFrame", paper: "pd.DataFrame") -> Figure:
    """|Spearman's rho| of the first components with each feature, one block per space, the paper's six values first.

    Parameters
    ----------
    correlations, components, paper
        Tables of `grover_probe.maps.tokens.TokenMap`.
    """
    spaces = list(correlations["space"].unique())
    shown = int(correlations["component"].max())
    columns = min(4, len(spaces) + 1)
    rows = -(-(len(spaces) + 1) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.95 * columns + 0.6, 1.85 * rows + 0.2), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        image = plot_correlations(paper_correlations(paper), None, axes[0])
        axes[0].set_title("GROVER paper", fontsize=8)
        for ax, space in zip(axes[1:], spaces, strict=False):
            part = correlations[correlations["space"] == space]
            explained = components.loc[components["space"] == space, "explained"].iloc[:shown]
            image = plot_correlations(part, explained.to_numpy(), ax)
            ax.set_title(space, fontsize=8)
        for ax in axes[len(spaces) + 1 :]:
            ax.axis("off")
        figure.colorbar(image, ax=list(axes), label="|Spearman's ρ|; below: % of variance", fraction=0.03, pad=0.01)
    return figure


def paper_correlations(paper: "pd.DataFrame") -> "pd.DataFrame":
    """The paper's correlations in the form of `plot_correlations`."""
    first = paper[paper["space"] == paper["space"].iloc[0]]
    table = first.assign(abs_rho=first["paper_rho"].abs(), q=0.0)
    rows = {name: number for number, name in enumerate(("frequency", "gc", "ag", "ac", "length"))}
    return table.sort_values("feature", key=lambda names: names.map(rows), kind="stable")


def plot_correlations(table: "pd.DataFrame", explained: np.ndarray | None, ax: Any, size: float = 6) -> Any:
    """|Spearman's rho| of each component (columns) with each feature (rows); numbers where q is below 0.05.

    Parameters
    ----------
    table
        Correlations of one space: ``component``, ``feature``, ``abs_rho``, ``q``.
    explained
        Share of the variance of each component shown, for the labels below.
    ax
        Where to draw.
    size
        Of the numbers, in points.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar.
    """
    features, shown = list(table["feature"].unique()), int(table["component"].max())
    grid = np.full((len(features), shown), np.nan)
    for row in table.itertuples():
        grid[features.index(row.feature), row.component - 1] = row.abs_rho
    image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for row in table[table["q"] < 0.05].itertuples():
        colour = "black" if row.abs_rho > 0.55 else "white"
        place = row.component - 1, features.index(row.feature)
        ax.text(*place, f"{row.abs_rho:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize=size)
    ax.set_yticks(range(len(features)), [SHORT[name] for name in features])
    ticks = [f"PC{number + 1}" for number in range(shown)]
    if explained is not None:
        shares = [f"{100 * share:.{0 if share > 0.0995 else 1}f}" for share in explained]
        ticks = [f"{tick}\n{share}" for tick, share in zip(ticks, shares, strict=True)]
    ax.set_xticks(range(shown), ticks, fontsize=size)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return image


def plot_beside_paper(paper: "pd.DataFrame", ax: Any) -> None:
    """The paper's correlations beside those of each space, without their signs, which mean nothing.

    Parameters
    ----------
    paper
        Of `grover_probe.maps.tokens.TokenMap`: ``space``, ``component``, ``feature``, ``paper_rho``, ``rho``,
        ``best_component``, ``best_rho``. The first space leads: its best component is shown as well.
    ax
        Where to draw.
    """
    spaces = list(paper["space"].unique())
    first = paper[paper["space"] == spaces[0]]
    y = np.arange(len(first))
    ax.hlines(y, 0, 1, color="#EEEEEE", lw=5, zorder=0)
    for number, space in enumerate(spaces[1:]):
        part = paper[paper["space"] == space]
        marker, colour = CONTROL_MARKS[number % len(CONTROL_MARKS)]
        ax.plot(part["rho"].abs(), y, marker, ms=3.5, mfc="white", mec=colour, mew=0.9, label=space)
    ax.plot(first["rho"].abs(), y, "o", ms=5, color=BLUE, label=f"{spaces[0]}, same component")
    ax.plot(first["best_rho"].abs(), y, "|", ms=9, mew=1.8, color=BLUE, label=f"{spaces[0]}, its best component")
    ax.plot(first["paper_rho"].abs(), y, "x", ms=5.5, mew=1.6, color=RED, label="the paper")
    ax.set_yticks(y, [f"PC{row.component} {SHORT[row.feature]}" for row in first.itertuples()])
    ax.set_ylim(len(first) - 0.5, -0.5)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("|Spearman's ρ|")
    ax.tick_params(axis="y", length=0)


def plot_explained(components: "pd.DataFrame", paper: "pd.DataFrame", ax: Any, most: int = 20) -> None:
    """Share of the variance of the first components of each space.

    Parameters
    ----------
    components
        Of `grover_probe.maps.tokens.TokenMap`.
    paper
        What the paper states: ``label``, ``component``, ``explained``.
    ax
        Where to draw.
    most
        Components to draw.
    """
    part = components[components["component"] <= most]
    for number, (space, rows) in enumerate(part.groupby("space", sort=False)):
        marker, colour = ("o", BLUE) if number == 0 else CONTROL_MARKS[(number - 1) % len(CONTROL_MARKS)]
        style = {"lw": 1.6, "ms": 3.5} if number == 0 else {"lw": 0.9, "ms": 2.5, "mfc": "white"}
        ax.plot(rows["component"], 100 * rows["explained"], marker=marker, color=colour, label=space, **style)
    for row in paper.itertuples():
        ax.plot(row.component, 100 * row.explained, "x", ms=5.5, mew=1.6, color=RED)
        ax.axhline(100 * row.explained, color=RED, lw=0.7, ls=":")
        ax.annotate(
            f"{row.label}: {100 * row.explained:g} %", (most, 100 * row.explained), (0, 2),
            textcoords="offset points", ha="right", fontsize=6.5, color=RED,
        )  # fmt: skip
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.set_xlabel("principal component")
    ax.set_ylabel("explained variance (%)")
    ax.set_xticks([1, *range(5, most + 1, 5)])


def tree_figure(tokens: "pd.DataFrame", linkage: "pd.DataFrame", space: str) -> Figure:
    """The tree of a space's tokens, with a strip per feature in the order of its leaves.

    Parameters
    ----------
    tokens, linkage
        Tables of `grover_probe.maps.tokens.TokenMap`.
    space
        Which space to draw.
    """
    part = tokens[tokens["space"] == space]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots(1 + len(FEATURES), 1, height_ratios=[9] + [1] * len(FEATURES), sharex=True)
        plot_tree(part, linkage[linkage["space"] == space], axes)
        axes[0].set_title(f"{space}: {len(part):,} tokens, average linkage", fontsize=9)
        axes[-1].set_xlabel("tokens in the order of the tree; each strip from its lowest (dark) to its highest value")
    return figure


def plot_tree(tokens: "pd.DataFrame", linkage: "pd.DataFrame", axes: Sequence[Any]) -> None:
    """A tree in the first of some axes that share x, and in the others a strip for each of `FEATURES`.

    Parameters
    ----------
    tokens, linkage
        Rows of one space of the tables of `grover_probe.maps.tokens.TokenMap`.
    axes
        One more than features.
    """
    ordered = tokens.sort_values("leaf")
    axes[0].plot(*_branches(linkage, tokens["leaf"].to_numpy()), lw=0.3, color=GREY)
    axes[0].set_xlim(-0.5, len(tokens) - 0.5)
    axes[0].set_ylim(0, 1.02 * linkage["distance"].max())
    axes[0].set_ylabel("cosine distance")
    for ax, feature in zip(axes[1:], FEATURES, strict=True):
        ax.imshow(ordered[[feature]].to_numpy().T, aspect="auto", cmap="viridis", interpolation="nearest")
        ax.set_yticks([0], [SHORT[feature]])
    for ax in axes:
        ax.tick_params(bottom=False, labelbottom=False)
        ax.spines["bottom"].set_visible(False)


def _branches(linkage: "pd.DataFrame", leaf: np.ndarray) -> np.ndarray:
    """One bracket per join of a tree: x and y of its four corners, then a gap. Shape (2, 5 n_joins)."""
    place, height = [*map(float, leaf)], [0.0] * len(leaf)
    found = []
    for row in linkage.itertuples():
        left, right, top = place[row.left], place[row.right], row.distance
        x, y = [left, left, right, right, np.nan], [height[row.left], top, top, height[row.right], np.nan]
        found.append([x, y])
        place.append((left + right) / 2)
        height.append(top)
    return np.concatenate(found, axis=1)
