"""Figures of contextual self-similarity."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE, label_panels, new_figure, note_n

if TYPE_CHECKING:
    import pandas as pd

_MODELS = ((BLUE, "o"), (GREEN, "s"), (GREY, "^"))  # trained, untrained start, random weights


def selfsim_figure(tokens: "pd.DataFrame", layers: "pd.DataFrame") -> Figure:
    """Self-similarity by layer; repeat-rich tokens apart; against repeat share (or frequency) in the last layer.

    Parameters
    ----------
    tokens, layers
        The two tables of `grover_probe.selfsim.SelfSimilarity`.
    """
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(8.0, 2.9, 3)
        plot_by_layer(tokens, layers, axes[0])
        if "repeat_rich" in layers:
            plot_repeat_groups(tokens, layers, axes[1])
            plot_last_layer(tokens, "repeat_share", "occurrences in repeats (share)", axes[2])
        else:
            plot_adjusted(tokens, layers, axes[1])
            plot_last_layer(tokens, "frequency", "frequency (share of tokens)", axes[2], log=True)
        label_panels(axes)
    return figure


def plot_by_layer(tokens: "pd.DataFrame", layers: "pd.DataFrame", ax: Any) -> None:
    """Box of self-similarity over tokens in each layer, with the anisotropy of the layer."""
    _boxes(tokens, layers, "self_similarity", ax, BLUE)
    ax.plot(
        layers["layer"],
        layers["anisotropy"],
        "o--",
        ms=3.5,
        lw=1,
        color=RED,
        label="any two tokens (anisotropy)",
    )
    ax.set_ylabel("self-similarity (mean cosine)")
    ax.set_ylim(min(0.0, layers["anisotropy"].min(), tokens["self_similarity"].min()) - 0.02, 1.2)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.legend(loc="upper left", borderpad=0.1)  # above 1, where no cosine is
    note_n(ax, f"n = {layers['n_tokens'].max():,} tokens")


def plot_adjusted(tokens: "pd.DataFrame", layers: "pd.DataFrame", ax: Any) -> None:
    """Box of anisotropy-adjusted self-similarity over tokens in each layer."""
    _boxes(tokens, layers, "self_similarity_adjusted", ax, BLUE)
    ax.set_ylabel("adjusted self-similarity")
    note_n(ax, f"n = {layers['n_tokens'].max():,} tokens")


def plot_repeat_groups(tokens: "pd.DataFrame", layers: "pd.DataFrame", ax: Any) -> None:
    """Mean adjusted self-similarity of repeat-rich and of other tokens by layer, with the middle half of each."""
    tokens = tokens[tokens["self_similarity_adjusted"].notna()]  # a token that occurs once has none
    rich = tokens.loc[tokens["repeat_rich"], "token_id"].unique()
    for name, label, colour, keep in (
        ("repeat_rich", "most in repeats", ORANGE, True),
        ("other", "other tokens", GREY, False),
    ):
        part = tokens[tokens["token_id"].isin(rich) == keep].groupby("layer")["self_similarity_adjusted"]
        low, high = part.quantile(0.25), part.quantile(0.75)
        n = tokens.loc[tokens["token_id"].isin(rich) == keep, "token_id"].nunique()
        ax.fill_between(low.index, low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(layers["layer"], layers[name], "o-", ms=3.5, lw=1.3, color=colour, label=f"{label}, n = {n}")
    ax.set_xticks(layers["layer"])
    ax.set_xlabel("layer")
    ax.set_ylabel("adjusted self-similarity")
    ax.set_xlim(layers["layer"].min() - 0.25, layers["layer"].max() + 0.25)
    ax.legend(loc="lower right", bbox_to_anchor=(1.04, 0.97), handlelength=1.5, labelspacing=0.25)


def plot_last_layer(tokens: "pd.DataFrame", column: str, label: str, ax: Any, log: bool = False) -> None:
    """Each token of the last layer: adjusted self-similarity against a column, coloured by length."""
    last = tokens[tokens["layer"] == tokens["layer"].max()].dropna(subset=["self_similarity_adjusted", column])
    points = ax.scatter(
        last[column],
        last["self_similarity_adjusted"],
        c=last["length"],
        s=8,
        cmap="viridis",
        lw=0,
        alpha=0.85,
    )
    if log:
        ax.set_xscale("log")
    ax.set_xlabel(label)
    ax.set_ylabel(f"adjusted self-similarity, layer {last['layer'].max()}")
    ax.figure.colorbar(points, ax=ax, label="token length (bases)", fraction=0.06)
    note_n(ax, f"n = {len(last):,} tokens")


def _boxes(tokens: "pd.DataFrame", layers: "pd.DataFrame", column: str, ax: Any, colour: str) -> None:
    values = [tokens.loc[tokens["layer"] == layer, column].dropna() for layer in layers["layer"]]
    ax.boxplot(
        values,
        positions=list(layers["layer"]),
        widths=0.55,
        manage_ticks=False,
        flierprops={"marker": ".", "ms": 2, "mec": colour, "alpha": 0.4},
        medianprops={"color": colour, "lw": 1.4},
        boxprops={"color": colour, "lw": 0.9},
        whiskerprops={"color": colour, "lw": 0.9},
        capprops={"color": colour, "lw": 0.9},
    )
    ax.set_xticks(layers["layer"])
    ax.set_xlim(layers["layer"].min() - 0.6, layers["layer"].max() + 0.6)
    ax.set_xlabel("layer")


def plot_models(models: "pd.DataFrame", column: str, ax: Any) -> None:
    """A mean over tokens by layer, of a model and of what has learned nothing.

    Parameters
    ----------
    models
        One row per model and layer: ``model`` (the trained one first), ``layer`` and the column.
    column
        What to draw.
    ax
        Where to draw.
    """
    for (name, part), (colour, marker) in zip(models.groupby("model", sort=False), _MODELS, strict=False):
        ax.plot(part["layer"], part[column], marker=marker, ms=3.5, lw=1.3, color=colour, label=name)
    ax.set_xticks(sorted(models["layer"].unique()))
    ax.set_xlabel("layer")
