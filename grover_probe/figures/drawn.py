"""What a figure is made of: the drawing, the numbers in it, and what a reader has to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("png", "svg", "pdf")
PNG_COLOURS = 256
MOST_PLAIN_ROWS = 10_000  # longer tables are packed


@dataclass(frozen=True)
class Drawn:
    """A figure with its tables and its caption.

    Attributes
    ----------
    figure
        The drawing.
    tables
        The plotted numbers, one tidy table per panel or group of panels, by a short name (``a_lengths``).
    caption
        What the panels show, with n and, where the paper has a number, the paper's beside ours. One paragraph of
        plain text without markup.
    """

    figure: Figure
    tables: Mapping[str, "pd.DataFrame"] = field(default_factory=dict)
    caption: str = ""

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        return f"Drawn({width:.1f} x {height:.1f} inches; tables {', '.join(self.tables) or 'none'})"

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        from grover_probe.display import figure_png

        return figure_png(self.figure)

    def files(self, name: str) -> list[str]:
        """Names of the files that `save` writes."""
        return [
            *(f"{name}.{ending}" for ending in FORMATS),
            *(self._table_file(name, key) for key in self.tables),
            f"{name}.rst",
        ]

    def save(self, folder: Path, name: str) -> list[str]:
        """Write drawing, tables and caption to a folder; returns the names of the files."""
        import textwrap

        from grover_probe.plotting.style import save_figure

        save_figure(self.figure, folder / f"{name}.png", FORMATS, png_colours=PNG_COLOURS)
        for key, table in self.tables.items():
            path = folder / self._table_file(name, key)
            packing = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
            table.to_csv(path, sep="\t", index=False, float_format="%.5g", compression=packing)
        caption = textwrap.fill(" ".join(self.caption.split()), 110, break_long_words=False)
        (folder / f"{name}.rst").write_text(f"{caption}\n", encoding="utf-8")
        return self.files(name)

    def _table_file(self, name: str, key: str) -> str:
        packed = ".gz" if len(self.tables[key]) > MOST_PLAIN_ROWS else ""
        return f"{name}.{key}.tsv{packed}"
