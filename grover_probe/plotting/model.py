"""A panel that draws the architecture of a masked language model from its numbers."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from matplotlib.patches import FancyBboxPatch

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED

if TYPE_CHECKING:
    import pandas as pd

_PALE = {BLUE: "#D3E6F2", ORANGE: "#FBEBC9", GREEN: "#D1EDE4", GREY: "#EEEEEE", "white": "white"}
_MOST_SHEETS = 4
_CENTRE, _WIDE = 5.0, 9.0


def plot_architecture(shape: Mapping[str, int], tokens: Sequence[str], ax: Any) -> None:
    """Tokens, embedding, a stack of layers and the head, bottom to top, labelled with the model's numbers.

    Parameters
    ----------
    shape
        ``layers``, ``heads``, ``width``, ``feed-forward``, ``positions``, ``vocabulary``.
    tokens
        Of an example; the middle one is drawn masked, and the head gives it back.
    ax
        Axes; 10 by 10 units.
    """
    middle = len(tokens) // 2
    shown = ["[CLS]", *tokens[:middle], "[MASK]", *tokens[middle + 1 :], "[SEP]"]
    width, layers = f"{shape['width']:,}", shape["layers"]
    _tokens(shown, ax)
    _box(1.9, 1.1, f"token + position embedding, {shape['positions']} x {width}", GREEN, ax)
    for sheet in range(min(layers, _MOST_SHEETS) - 1, 0, -1):
        _box(3.5 + 0.13 * sheet, 3.6, "", GREY, ax, shift=0.16 * sheet)
    _box(3.5, 3.6, "", GREY, ax)
    _box(3.85, 0.9, f"attention, {shape['heads']} heads of {shape['width'] // shape['heads']}", BLUE, ax, 1.2)
    _box(5.6, 0.9, f"feed-forward, {width} → {shape['feed-forward']:,} → {width}", ORANGE, ax, 1.2)
    for bottom, top in ((4.75, 5.6), (6.5, 7.1)):
        _arrow(bottom, top, ax)
    for height in (5.175, 6.8):
        ax.text(_CENTRE + 0.2, height, "add, normalise", va="center", fontsize=6.5, color=GREY)
    ax.text(10.15, 5.3, f"x {layers}", ha="left", va="center", fontsize=10, fontweight="bold")
    _box(8.0, 0.9, f"masked-token head, {width} → {shape['vocabulary']}", GREEN, ax)
    ax.text(_CENTRE, 9.75, tokens[middle], ha="center", va="center", fontsize=7.5, color=RED,
            family="DejaVu Sans Mono", fontweight="bold")  # fmt: skip
    for bottom, top in ((1.25, 1.9), (3.0, 3.85), (7.1, 8.0), (8.9, 9.45)):
        _arrow(bottom, top, ax)
    ax.set_xlim(-0.1, 11)
    ax.set_ylim(0, 10.1)
    ax.set_axis_off()


def plot_shape_table(table: "pd.DataFrame", ax: Any) -> None:
    """The numbers of the model beside the paper's, as text.

    Parameters
    ----------
    table
        ``number``, ``model``, ``paper``.
    ax
        Axes.
    """
    rows = [("", "here", "paper"), *((row.number, _short(row.model), _short(row.paper)) for row in table.itertuples())]
    for height, (name, *values) in enumerate(rows):
        ax.text(0, height, name, va="center", fontsize=7)
        for x, value, colour in zip((0.72, 1.0), values, ("black", RED), strict=True):
            ax.text(x, height, value, va="center", ha="right", fontsize=7, color=colour)
    ax.axhline(0.5, color=GREY, lw=0.6)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_axis_off()


def _short(number: Any) -> str:
    """A number of parameters in millions, others in full; a question mark for one that is missing."""
    if not isinstance(number, Integral):
        return "?"
    number = int(number)
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"


def _tokens(shown: Sequence[str], ax: Any) -> None:
    """Boxes as wide as their text, side by side over the whole width."""
    gap = 0.12
    letters = sum(len(token) + 1 for token in shown)
    unit = (10 - gap * (len(shown) - 1)) / letters
    left = 0.0
    for token in shown:
        wide = unit * (len(token) + 1)
        special = token.startswith("[")
        _patch(left, 0.3, wide, 0.95, GREY if special else "white", ax)
        ax.text(left + wide / 2, 0.78, token, ha="center", va="center_baseline", fontsize=6.5,
                family="DejaVu Sans Mono", color=RED if token == "[MASK]" else "black")  # fmt: skip
        left += wide + gap


def _box(bottom: float, height: float, text: str, colour: str, ax: Any, inset: float = 0.0, shift: float = 0.0) -> None:
    left, wide = _CENTRE - _WIDE / 2 + inset / 2, _WIDE - inset
    _patch(left + shift, bottom, wide, height, colour, ax)
    if text:
        ax.text(left + wide / 2, bottom + height / 2, text, ha="center", va="center_baseline", fontsize=7)


def _patch(left: float, bottom: float, wide: float, height: float, colour: str, ax: Any) -> None:
    style = "round,pad=0,rounding_size=0.12"
    ax.add_patch(
        FancyBboxPatch((left, bottom), wide, height, style, fc=_PALE[colour], ec=GREY if colour == "white" else colour,
                       lw=0.8)
    )  # fmt: skip


def _arrow(bottom: float, top: float, ax: Any) -> None:
    ax.annotate("", (_CENTRE, top), (_CENTRE, bottom), arrowprops={"arrowstyle": "-|>", "lw": 0.8, "color": GREY,
                                                                    "shrinkA": 0, "shrinkB": 0})  # fmt: skip
