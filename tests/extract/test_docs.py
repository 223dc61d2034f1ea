"""The reducer of docs/reducers.md, as a reader would copy it."""

import re
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from extract.conftest import read_all
from grover_probe.extract.central import central_windows
from grover_probe.extract.command import app
from grover_probe.extract.reducers import REDUCERS
from grover_probe.extract.results import open_pass

DOCS = Path(__file__).parents[2] / "docs" / "reducers.md"


def test_own_reducer(tiny_model_folder, tiny_fasta, tiny_network, tiny_corpus, tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 20
    (tmp_path / "my_reducers.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ["--model", tiny_model_folder, "--genome", tiny_fasta, "--out", tmp_path / "pass", "--parts", 3]
    named = re.search(r"--reducers (\S*my_reducers\S*)", DOCS.read_text(encoding="utf-8"))[1]
    done = CliRunner().invoke(app, [*map(str, arguments), "--no-progress", "--reducers", named])
    assert done.exit_code == 0, done.output
    found = open_pass(tmp_path / "pass")
    truth = read_all(tiny_network, tiny_corpus, *central_windows(tiny_corpus.runs(), 64))
    norms = np.linalg.norm(truth.states, axis=2)
    for number in np.unique(truth.ids):
        expected = norms[truth.ids == number].mean(0)
        np.testing.assert_allclose(found.arrays("norms")["norm"][:, number], expected, rtol=1e-5)
    assert list(found.record["parameters"]["own_reducers"]) == ["my_reducers:Norms"]


def test_every_reducer_is_described():
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in REDUCERS)
