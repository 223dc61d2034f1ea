"""Rogue dimensions, likeness of layers, and what a pass says besides of each layer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.errors import InputError
from grover_probe.extract import layer_tables
from grover_probe.extract.results import open_pass
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.layers import (
    plot_cka,
    plot_dimensions,
    plot_explainable,
    plot_lens,
    plot_similarities,
    plot_top_dimensions,
)
from grover_probe.plotting.style import STYLE, note_n, title_panel

if TYPE_CHECKING:
    import pandas as pd

SHOWN_DIMENSIONS = 20
_TABLES = {
    "dimensions": layer_tables.dimension_table,
    "cka": layer_tables.cka_table,
    "standardised": layer_tables.similarity_table,
    "explainable": layer_tables.explainable_table,
    "lens": layer_tables.lens_table,
}


def draw(results: Results) -> Drawn:
    """One or two panels for each of the reducers that the pass had.

    Raises
    ------
    InputError
        When it had none of them.
    """
    found = open_pass(results.path("pass"))
    made = {name: make(found) for name, make in _TABLES.items() if name in found.record["reducers"]}
    if not made:
        raise InputError(
            f"{found.folder}: this pass had none of the reducers {', '.join(_TABLES)}; make it with "
            "python -m grover_probe.extract --reducers"
        )
    if "dimensions" in made:
        made["top_dimensions"] = top_dimensions(made["dimensions"])
        made["dimensions"] = made["dimensions"][made["dimensions"]["rank"] <= SHOWN_DIMENSIONS]
    n_tokens = int(found.record["n_tokens"])
    with mpl.rc_context(STYLE):
        figure, letters = _compose(made, found.width, n_tokens)
    return Drawn(figure, made, _caption(made, letters, found.width, n_tokens))


def top_dimensions(dimensions: "pd.DataFrame") -> "pd.DataFrame":
    """One row per layer: share of the mean cosine in the ``top_1`` and ``top_3`` dimensions, which is ``dimension``."""
    import pandas as pd

    parts = dimensions.groupby("layer")
    return pd.DataFrame(
        {
            "dimension": parts["dimension"].first(),
            "top_1": parts["share"].first(),
            "top_3": parts["share"].apply(lambda share: share.iloc[:3].sum()),
            "anisotropy": parts["anisotropy"].first(),
        }
    ).reset_index()


def _compose(made: "dict[str, pd.DataFrame]", width: int, n_tokens: int) -> tuple[Figure, dict[str, str]]:
    def dimensions(ax: Any) -> None:
        plot_dimensions(made["dimensions"], ax)
        ax.legend(title="layer", title_fontsize=7, ncols=2, columnspacing=1)
        note_n(ax, f"n = {n_tokens:,} occurrences")

    def tops(ax: Any) -> None:
        plot_top_dimensions(made["top_dimensions"], 1 / width, ax)
        ax.legend(loc="upper right", labelspacing=0.25)
        note_n(ax, f"n = {n_tokens:,} occurrences")

    def cka(ax: Any) -> None:
        ax.figure.colorbar(plot_cka(made["cka"], ax), ax=ax, label="linear CKA", fraction=0.046)
        note_n(ax, f"n = {made['cka']['n_tokens'].max():,} occurrences")

    def similarities(ax: Any) -> None:
        plot_similarities(made["standardised"], ax)
        ax.legend(loc="lower right")

    def explainable(ax: Any) -> None:
        plot_explainable(made["explainable"], ax)
        ax.legend(loc="best")

    panels: dict[str, Callable[[Any], None]] = {
        "dimensions": dimensions, "top_dimensions": tops, "standardised": similarities, "cka": cka,
        "explainable": explainable, "lens": lambda ax: plot_lens(made["lens"], ax),
    }  # fmt: skip
    shown = [name for name in panels if name in made]
    n_rows = -(-len(shown) // 3)
    figure = Figure(figsize=(7.2, 2.35 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, 3, squeeze=False).ravel()
    letters = dict(zip(shown, "abcdef", strict=False))
    for ax, (name, letter) in zip(axes, letters.items(), strict=False):
        panels[name](ax)
        title_panel(ax, letter)
    for ax in axes[len(shown) :]:
        ax.axis("off")
    return figure, letters


def _caption(made: "dict[str, pd.DataFrame]", letters: dict[str, str], width: int, n_tokens: int) -> str:
    text = [f"Layers of the model over {n_tokens:,} tokens; layer 0 is the embedding with its position."]
    if "dimensions" in made:
        top = made["top_dimensions"]
        most = top.loc[top["top_1"].idxmax()]
        text.append(
            f"({letters['dimensions']}) Share of the {SHOWN_DIMENSIONS} largest of {width} dimensions in the mean "
            f"cosine of two tokens. ({letters['top_dimensions']}) Share of the largest and of the three largest by "
            f"layer: at most {100 * most['top_1']:.1f} % in one dimension ({int(most['dimension'])}, layer "
            f"{int(most['layer'])}), {100 / width:.2f} % if all were equal; in large language models one to three "
            "rogue dimensions can have most of it (Timkey and van Schijndel 2021)."
        )
    if "standardised" in made:
        text.append(
            f"({letters['standardised']}) Mean self-similarity of tokens, of states as they are, and with each "
            "dimension less its mean over its standard deviation."
        )
    if "cka" in made:
        text.append(f"({letters['cka']}) Linear centred kernel alignment between layers.")
    if "explainable" in made:
        last = made["explainable"][made["explainable"]["layer"] == made["explainable"]["layer"].max()]
        text.append(
            f"({letters['explainable']}) How far one direction stands for all occurrences of a token (up to "
            f"{int(last['count'].max())} each), with and without their mean: median and middle half over tokens; in "
            f"the last layer {100 * last['mev'].median():.1f} % and {100 * last['mev_centred'].median():.1f} %."
        )
    if "lens" in made:
        text.append(
            f"({letters['lens']}) How often the model's own head, put on each layer, gives the token that stands there "
            "(not masked)."
        )
    return " ".join(text)
