"""How results show themselves in a session: one line as text, and in Jupyter a small table below it."""

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_LONGEST = 60  # letters of one value
_MOST_ITEMS = 4
_MOST_ROWS = 12


def brief(found: Any) -> str:
    """One line for a dataclass: arrays and tables by their shape, long values by their kind.

    Used as ``__repr__ = brief``, where the one that a dataclass makes would print whole arrays.
    """
    shown = [f"{each.name}={_short(getattr(found, each.name))}" for each in fields(found) if each.repr]
    return f"{type(found).__name__}({', '.join(shown)})"


def _short(value: Any) -> str:
    kind = type(value).__name__
    if hasattr(value, "columns") and hasattr(value, "shape"):
        return f"table of {value.shape[0]:,} rows and {value.shape[1]} columns"
    if hasattr(value, "dtype") and getattr(value, "shape", None):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        items = [_short(each) for each in value]
        if isinstance(value, dict):
            items = [f"{key}: {_short(each)}" for key, each in zip(items, value.values(), strict=True)]
        text = ", ".join(items)
        return f"{kind} of {len(items):,}" if len(items) > _MOST_ITEMS or len(text) > _LONGEST else f"{kind}({text})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = repr(value)
    return kind if len(text) > _LONGEST or "\n" in text or " object at 0x" in text else text


class ShowsTable:
    """Mix-in of results: Jupyter shows the one line and, below it, the table `overview`."""

    def overview(self) -> "pd.DataFrame":
        """The few numbers that say most; the whole is in `to_frame`."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from html import escape

        table = self.overview()
        shown = table.to_html(
            index=False, border=0, max_rows=_MOST_ROWS, na_rep="", float_format=lambda value: f"{value:.4g}"
        )
        more = f"<div>{len(table):,} rows</div>" if len(table) > _MOST_ROWS else ""
        return f"<div><code>{escape(repr(self))}</code>{shown}{more}</div>"


def show_figures() -> None:
    """In Jupyter, let a figure be shown as the last value of a cell.

    Figures of this project are made without pyplot's global state, and IPython shows pictures of those that pyplot made
    only. Outside of IPython this does nothing.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", figure_png)


def figure_png(figure: Any, resolution: int = 2) -> tuple[bytes, dict[str, int]]:
    """A figure as PNG, and the size in pixels at which it is to be shown: so many times smaller than it is."""
    from io import BytesIO

    with BytesIO() as content:
        figure.savefig(content, format="png", dpi=resolution * 100)
        width, height = (round(100 * each) for each in figure.get_size_inches())
        return content.getvalue(), {"width": width, "height": height}
