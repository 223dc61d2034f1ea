"""Texts of a figure as they are drawn, to see whether one is cut, hidden by another, or too small."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from grover_probe.plotting.style import STYLE


@dataclass(frozen=True)
class Letters:
    """A drawn text with the pixels of its letters, from the foot to the head of capitals."""

    text: str
    size: float
    rotation: float
    left: float
    right: float
    low: float
    high: float

    def covers(self, other: "Letters", slack: float = 1.0) -> bool:
        """Whether two texts share more than a pixel both ways."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.high, other.high) - max(self.low, other.low)
        return wide > slack and tall > slack


@pytest.fixture
def drawn_texts(monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], list[Letters]]:
    """A function that draws a figure at 100 dots an inch and returns the texts that came out."""

    def draw(figure: Figure) -> list[Letters]:
        found: list[Letters] = []
        plain = Text.draw

        def record(self: Text, renderer: object) -> None:
            if self.get_visible() and self.get_text().strip():
                box = self.get_window_extent(renderer)
                lines = 1 + self.get_text().count("\n")
                # A text's box has room for accents and for the tails of small letters.
                foot, head = (share * box.height / lines for share in (0.2, 0.15))
                found.append(Letters(self.get_text(), self.get_fontsize(), self.get_rotation(), box.x0, box.x1,
                                     box.y0 + foot, box.y1 - head))  # fmt: skip
            plain(self, renderer)

        with mpl.rc_context(STYLE):
            FigureCanvasAgg(figure)
            figure.draw_without_rendering()  # the layout settles
            with monkeypatch.context() as patch:
                patch.setattr(Text, "draw", record)
                figure.canvas.draw()
        return found

    return draw


@pytest.fixture
def text_problems(drawn_texts: Callable[[Figure], list[Letters]]) -> Callable[[Figure], list[str]]:
    """A function that says which texts of a figure are cut, overlap, or are smaller than 6.5 points."""

    def problems(figure: Figure) -> list[str]:
        texts = drawn_texts(figure)
        width, height = figure.bbox.width, figure.bbox.height
        found = [f"{one.text!r} is cut" for one in texts
                 if one.left < -1 or one.right > width + 1 or one.low < -1 or one.high > height + 1]  # fmt: skip
        found += [f"{one.text!r} has {one.size:g} points" for one in texts if one.size < 6.5]
        level = [one for one in texts if one.rotation % 90 == 0]  # the box of a slanting text says little
        found += [f"{one.text!r} lies over {other.text!r}" for number, one in enumerate(level)
                  for other in level[:number] if one.covers(other)]  # fmt: skip
        return found

    return problems
