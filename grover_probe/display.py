"""How results show themselves in a session: one line as text, and in Jupyter a small table below it."""

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
