"""A cloud of words: the largest in the middle, the same words always at the same places."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.plotting.style import GREY

if TYPE_CHECKING:
    import pandas as pd

FONT = "DejaVu Sans Mono"
SMALLEST, LARGEST = 6.5, 30.0  # points
_ADVANCE, _CAPITALS = 0.602, 0.73  # width of a letter and height of a capital of the font, in em
_GAP = 1.2, 0.4  # between words: points from above to below, em from left to right
_SHRINK = 0.96  # until all words that can be read have a place


def lay_words(words: "pd.DataFrame", width: float, height: float) -> "pd.DataFrame":
    """Sizes and places of words, so that none overlap; the area of a word's letters is proportional to its weight.

    Words go from the heaviest on to the free place that is nearest to the middle, and all are made smaller until each
    that is large enough to be read (`SMALLEST`) has one.

    Parameters
    ----------
    words
        ``word`` (capitals) and ``weight``.
    width, height
        Of the panel, points.

    Returns
    -------
    pandas.DataFrame
        The words that are large enough, heaviest first, with ``size`` (of the font) and ``x``, ``y`` of their middle,
        all in points.
    """
    ordered = words.sort_values(["weight", "word"], ascending=[False, True], ignore_index=True)
    relative = np.sqrt(ordered["weight"] / ordered["weight"].max()).to_numpy()
    letters = ordered["word"].str.len().to_numpy()
    largest = LARGEST
    while largest >= SMALLEST:
        size = largest * relative[largest * relative >= SMALLEST]
        wide = (_ADVANCE * letters[: len(size)] + _GAP[1]) * size
        sides = np.stack([_CAPITALS * size + _GAP[0], wide], axis=1)
        placed = _place(np.ceil(sides).astype(int), int(height), int(width))
        if placed is not None:
            return ordered.head(len(size)).assign(size=size, x=placed[:, 1], y=placed[:, 0])
        largest *= _SHRINK
    return ordered.head(0).assign(size=0.0, x=0.0, y=0.0)


def plot_words(words: "pd.DataFrame", width: float, height: float, colours: Mapping[str, str], ax: Any) -> None:
    """Draw the cloud.

    Parameters
    ----------
    words
        Of `lay_words`, with ``group``.
    width, height
        Of the axes, points.
    colours
        By group.
    ax
        Axes of this size.
    """
    for row in words.itertuples():
        ax.text(row.x, row.y - 0.5 * _CAPITALS * row.size, row.word, fontsize=row.size, family=FONT, ha="center",
                va="baseline", color=colours.get(row.group, GREY))  # fmt: skip
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    ax.set_axis_off()


def _place(sides: np.ndarray, height: int, width: int) -> np.ndarray | None:
    """Middles of boxes without overlap, shape (n, 2), each as near to the middle of the panel as there is room.

    Parameters
    ----------
    sides
        Height and width of each box, shape (n, 2).
    height, width
        Of the panel.

    Returns
    -------
    np.ndarray or None
        None when one has no place.
    """
    taken = np.zeros((height + 1, width + 1), dtype=np.int32)  # the first row and column stay empty
    middles = np.empty((len(sides), 2))
    for number, (high, wide) in enumerate(sides.tolist()):
        if high > height or wide > width:
            return None
        total = taken.cumsum(0).cumsum(1)
        inside = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
        y = np.arange(height - high + 1)[:, None] + high / 2
        x = np.arange(width - wide + 1)[None, :] + wide / 2
        far = np.where(inside == 0, (y / height - 0.5) ** 2 + (x / width - 0.5) ** 2, np.inf)
        row, column = np.unravel_index(far.argmin(), far.shape)
        if np.isinf(far[row, column]):
            return None
        taken[row + 1 : row + high + 1, column + 1 : column + wide + 1] = 1
        middles[number] = row + high / 2, column + wide / 2
    return middles
