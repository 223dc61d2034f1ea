"""The notebooks run from first to last cell without a network, and show what a reader should see."""

from pathlib import Path
from typing import Any

import pytest

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

FOLDER = Path(__file__).parents[2] / "analyses" / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LARGEST = 100_000


def _cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]]


def test_there_are_five() -> None:
    assert len(SCRIPTS) == 5
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_and_notebook_are_the_same(script: Path) -> None:
    """`make notebooks` brings them together again."""
    path = script.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert _cells(notebook) == _cells(jupytext.read(script))
    assert notebook.metadata.kernelspec.name == "python3"
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    assert path.stat().st_size < LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_runs_and_shows(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("GROVER_PROBE_OFFLINE", "1")
    monkeypatch.setenv("GROVER_PROBE_CACHE", str(tmp_path / "empty"))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = jupytext.read(script)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    kinds = {kind for output in outputs for kind in output.get("data", ())}
    assert kinds >= {"image/png", "application/vnd.jupyter.widget-view+json"}, "no figure, or no progress bar"
    assert "".join(output.text for output in outputs if output.get("name") == "stderr").count("Warning") == 0
    assert not list((tmp_path / "TMPDIR").glob("grover-probe-*")), "a notebook leaves its files behind"
