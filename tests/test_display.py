"""What objects look like in a session."""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import grover_probe
from grover_probe.display import ShowsTable, brief, figure_png, show_figures

PACKAGE = Path(grover_probe.__file__).parent


@dataclass(frozen=True)
class Things:
    """One of each kind."""

    numbers: np.ndarray
    scalar: Any
    table: pd.DataFrame
    few: tuple[Any, ...]
    many: dict[str, int]
    text: str
    how: Any
    hidden: int = field(default=0, repr=False)

    __repr__ = brief


def test_brief_is_one_line_however_large_the_content() -> None:
    things = Things(
        np.zeros((1000, 3), np.float32), np.float64(0.5), pd.DataFrame({"a": range(5000), "b": 0}),
        (np.arange(2), "x", 1), dict.fromkeys("abcdefgh", 1), "t" * 500, brief,
    )  # fmt: skip
    assert repr(things) == (
        "Things(numbers=float32 (1000, 3), scalar=np.float64(0.5), table=table of 5,000 rows and 2 columns, "
        "few=tuple(int64 (2,), 'x', 1), many=dict of 8, text=str, how=brief)"
    )


def test_brief_of_an_object_without_a_repr_names_its_class() -> None:
    things = Things(np.arange(3), object(), pd.DataFrame(), (), {"a": 1}, "text", None)
    assert "scalar=object," in repr(things)
    assert "many=dict('a': 1)" in repr(things)
    assert "text='text'" in repr(things)


class Shown(ShowsTable):
    """A result with a table of n rows."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __repr__(self) -> str:
        return f"Shown(<{self.n}>)"

    def overview(self) -> pd.DataFrame:
        return pd.DataFrame({"name": [f"row {i}" for i in range(self.n)], "value": np.linspace(0, 1, self.n)})


@pytest.mark.parametrize(("n", "says_rows"), [(3, False), (100, True)])
def test_html_has_the_line_and_a_short_table(n: int, says_rows: bool) -> None:
    shown = Shown(n)._repr_html_()
    assert f"Shown(&lt;{n}&gt;)" in shown
    assert "row 0" in shown
    assert ("100 rows" in shown) is says_rows
    assert shown.count("<tr") <= 15


def _array_dataclasses() -> list[tuple[Path, ast.ClassDef]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            if not any("dataclass" in ast.unparse(each) for each in node.decorator_list):
                continue
            kinds = [ast.unparse(each.annotation) for each in node.body if isinstance(each, ast.AnnAssign)]
            if any(word in kind for kind in kinds for word in ("ndarray", "DataFrame", "Tensor")):
                found.append((path, node))
    return found


def test_no_class_that_holds_arrays_or_tables_prints_them() -> None:
    """A dataclass makes a repr of all its fields, pages long for arrays; each must say something shorter."""
    classes = _array_dataclasses()
    assert len(classes) > 50
    silent = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path, node in classes
        if "__repr__" not in {getattr(each, "name", None) for each in node.body}
        and not any(isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__repr__" for each in node.body)
    ]
    assert not silent


def test_figures_made_without_pyplot_are_shown_in_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.formatters import DisplayFormatter
    from matplotlib.figure import Figure

    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    figure = Figure(figsize=(2, 1))
    assert "image/png" not in shell.display_formatter.format(figure)[0]
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    show_figures()
    data, metadata = shell.display_formatter.format(figure)
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"] == figure_png(figure)[1] == {"width": 200, "height": 100}
