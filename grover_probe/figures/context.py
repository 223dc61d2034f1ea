"""Figure 5: how much context changes the embedding of a token, and the map of windows."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.selfsim import (
    plot_adjusted,
    plot_by_layer,
    plot_last_layer,
    plot_models,
    plot_repeat_groups,
)
from grover_probe.plotting.style import STYLE, note_n, title_panel
from grover_probe.plotting.window_maps import plot_separability, plot_windows

if TYPE_CHECKING:
    import pandas as pd

MODELS = {"selfsim": "trained", "selfsim-initial": "untrained start", "selfsim-random": "random weights"}
_COLUMNS = 4  # small maps side by side
_TITLES = {
    "gc": "GC (share)",
    "cpg_islands": "CpG islands",
    "ctcf": "CTCF sites",
    "chromatin": "chromatin state",
    "timing": "replication timing",
}
_FIXED = {
    "window", "chrom", "start", "end", "first_token", "n_tokens", "block", "fold", "umap1", "umap2",
    "composition_umap1", "composition_umap2", "gc",
}  # fmt: skip
_KEPT = [
    "token", "token_id", "layer", "count", "self_similarity", "self_similarity_adjusted", "anisotropy", "length",
    "frequency", "repeat_share", "repeat_rich",
]  # fmt: skip


def draw(results: Results) -> Drawn:
    """Self-similarity beside untrained models where they are there, and one map of windows per annotation."""
    tokens = results.table("selfsim/selfsim.parquet")
    models = layers_of_models(results)
    windows = results.table("maps-windows/windows.parquet")
    separability = results.table("maps-windows/separability.tsv")
    quality = results.table("maps-windows/quality.tsv").set_index("place")
    shown = ["gc", *annotations(windows)]
    tables = {
        "a_f_tokens": tokens[[name for name in _KEPT if name in tokens]],
        "a_f_layers": models,
        "g_windows": windows[["chrom", "start", "umap1", "umap2", *shown]],
        "h_separability": separability,
    }
    trust = float(quality.loc["embedding", "trustworthiness"])
    with mpl.rc_context({**STYLE, "axes.labelsize": 7}):
        figure = _compose(tables, shown, trust)
    return Drawn(figure, tables, _caption(tables, shown, trust))


def layers_of_models(results: Results) -> "pd.DataFrame":
    """One row per model and layer, from the records of self-similarity (`grover_probe.selfsim.summarise`).

    ``gap`` is the mean adjusted self-similarity of repeat-rich tokens less that of the others.
    """
    import pandas as pd

    parts = []
    for folder, name in MODELS.items():
        if folder == "selfsim" or results.has(f"{folder}/selfsim.run.json"):
            layers = pd.DataFrame(results.record(f"{folder}/selfsim.run.json")["layers"])
            parts.append(layers.assign(model=name))
    table = pd.concat(parts, ignore_index=True)
    if "repeat_rich" in table:
        table["gap"] = table["repeat_rich"] - table["other"]
    return table[["model", *(name for name in table if name != "model")]]


def annotations(windows: "pd.DataFrame") -> list[str]:
    """Columns of a table of windows that `grover_probe.maps windows` made of annotation."""
    import re

    known = [name for name in windows if name not in _FIXED and not re.fullmatch(r"pc\d", name)]
    return [name for name in known if not (name.endswith("_class") and name.removesuffix("_class") in known)]


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " "))


def _compose(tables: "dict[str, pd.DataFrame]", shown: list[str], trust: float) -> Figure:
    windows, tests = tables["g_windows"], tables["h_separability"]
    n_maps = len(shown) + (len(tests) > 0)
    n_rows = -(-n_maps // _COLUMNS)
    heights = [4.1, 2.6 * n_rows]
    figure = Figure(figsize=(7.2, sum(heights)), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=heights, hspace=0.02)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    _similarity(parts[0], tables, letters)
    axes = parts[1].subplots(n_rows, _COLUMNS, squeeze=False, gridspec_kw={"wspace": 0.28}).ravel()
    parts[1].suptitle(
        f"UMAP of {len(windows):,} windows, trustworthiness {trust:.2f}; below the names balanced accuracy on held-out "
        "blocks",
        fontsize=8,
    )
    for ax, name in zip(axes, shown, strict=False):
        plot_windows(windows, name, ax)
        title_panel(ax, next(letters), f"{_title(name)}\n{_accuracy(tests, name)}")
        _hang(ax)
    for ax in axes[len(shown) :]:
        ax.axis("off")
    if len(tests):
        _tests(tests, axes[len(shown)], next(letters))
    return figure


def _hang(ax: Any) -> None:
    """Let a map fill its cell from the top; legend and scale hang below, where there is room, and do not shrink it."""
    ax.set_anchor("N")
    for part in (ax.get_legend(), *ax.child_axes):
        if part is not None:
            part.set_in_layout(False)


def _tests(tests: "pd.DataFrame", cell: Any, letter: str) -> None:
    """Separability in the cell of a map; its long labels lie inside the cell and do not widen the column."""
    cell.set_box_aspect(1)
    cell.set_anchor("N")
    ax = cell.inset_axes((0.5, 0.0, 0.44, 1.0))
    ax.set_in_layout(False)
    plot_separability(tests.assign(annotation=tests["annotation"].map(_title)), ["embedding", "composition"], ax)
    ax.tick_params(labelsize=6.5)
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    legend = cell.legend(*ax.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.45, -0.12), ncols=2,
                fontsize=6.5, handlelength=0.8, handletextpad=0.4, columnspacing=0.8)  # fmt: skip
    legend.set_in_layout(False)
    title_panel(cell, letter, "balanced accuracy\non held-out blocks")


def _accuracy(tests: "pd.DataFrame", name: str) -> str:
    found = tests[(tests["annotation"] == name) & (tests["place"] == "embedding")]
    return f"{found['balanced_accuracy'].iloc[0]:.2f} (chance {found['chance'].iloc[0]:.2f})" if len(found) else ""


def _similarity(figure: Any, tables: "dict[str, pd.DataFrame]", letters: Any) -> None:
    tokens, models = tables["a_f_tokens"], tables["a_f_layers"]
    own = models[models["model"] == MODELS["selfsim"]]
    repeats = "gap" in models
    axes = figure.subplots(2, 3).ravel()
    plot_by_layer(tokens, own, axes[0])
    plot_adjusted(tokens, own, axes[1])
    panels = [axes[0], axes[1]]
    if repeats:
        plot_repeat_groups(tokens, own, axes[2])
        panels.append(axes[2])
    plot_models(models, "self_similarity_adjusted", axes[3])
    axes[3].set_ylabel("mean adjusted self-similarity")
    panels.append(axes[3])
    if repeats:
        plot_models(models, "gap", axes[4])
        axes[4].axhline(0, color="black", lw=0.6, ls=":")
        axes[4].set_ylabel("repeat-rich less other tokens")
        plot_last_layer(tokens, "repeat_share", "occurrences in repeats (share)", axes[5])
        panels += [axes[4], axes[5]]
    else:
        plot_last_layer(tokens, "frequency", "frequency (share of tokens)", axes[5], log=True)
        panels.append(axes[5])
        for ax in (axes[2], axes[4]):
            ax.axis("off")
    for ax in (axes[0], axes[3]):
        ax.legend(loc="best", fontsize=6.5)
    for ax in axes[3:5]:
        if ax in panels:
            note_n(ax, f"n = {own['n_tokens'].max():,} tokens")
    for ax in panels:
        title_panel(ax, next(letters))


def _caption(tables: "dict[str, pd.DataFrame]", shown: list[str], trust: float) -> str:
    models, tests = tables["a_f_layers"], tables["h_separability"]
    own = models[models["model"] == MODELS["selfsim"]]
    first, last = own.iloc[0], own.iloc[-1]
    repeats = "gap" in models
    text = f"""Contextual self-similarity of {own["n_tokens"].max():,} tokens over all of their occurrences, by layer
    (0: the embedding with its position). (a) Mean cosine of two occurrences of a token, and of any two tokens. (b) The
    first less the second: {first["self_similarity_adjusted"]:.2f} in layer 0, {last["self_similarity_adjusted"]:.2f}
    in layer {int(last["layer"])}."""
    if repeats:
        text += """ (c) The tenth of tokens that lie most in repeats, and the others; bands: middle halves. (d) Mean of
        (b) beside models that have learned nothing. (e) Repeat-rich less other tokens in (c), in the last layer: """
        ends = models.groupby("model", sort=False).last()
        text += ", ".join(f"{name} {row.gap:.3f}" for name, row in ends.iterrows())
        text += f""". (f) Each token of the last layer; Spearman's rho {last["rho_repeat"]:.2f}, with frequency, length
        and GC held constant {last["rho_repeat_partial"]:.2f}. The paper, of 5,000 occurrences per token, reports a
        fall with depth for most tokens, and that tokens of repeats stay self-similar; it gives no numbers."""
    else:
        text += """ (c) Mean of (b) beside models that have learned nothing. (d) Each token of the last layer."""
    letter = "ghijklmnopqrstuvwxyz" if repeats else "efghijklmnopqrstuvwxyz"
    n = len(tables["g_windows"])
    text += f""" ({letter[0]}-{letter[len(shown) - 1]}) UMAP of {n:,} windows, trustworthiness {trust:.2f}, coloured by
    {", ".join(_title(name) for name in shown)}; classes with their windows."""
    if len(tests):
        wide = tests.pivot(index="annotation", columns="place", values="balanced_accuracy")
        chance = tests.groupby("annotation")["chance"].first()
        found = "; ".join(
            f"{_title(name)} {row['embedding']:.2f}, {row['composition']:.2f}, {chance[name]:.2f}"
            for name, row in wide.loc[tests["annotation"].unique()].iterrows()
        )
        text += f""" ({letter[len(shown)]}) How well classes are told from the 15 nearest windows of other blocks:
        balanced accuracy with 95 % interval over blocks, beside GC and 4-mers of the window, the same with labels
        turned along the genome, and chance (dotted). Embedding, composition, chance: {found}. The paper shows such
        maps without a number."""
    return text
