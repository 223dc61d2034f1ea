"""A task whose label is its composition, as a file, and the command in this process."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grover_probe.command import run
from grover_probe.compare.command import app
from grover_probe.tasks.dataset import DataSet
from grover_probe.tasks.reading import read_task


@pytest.fixture(scope="session")
def task_path(tmp_path_factory) -> Path:
    """200 sequences of 30 to 60 bases in groups of 4; class 1 is rich in A and T."""
    rng = np.random.default_rng(5)
    lines = ["sequence,label,group"]
    for number in range(200):
        share = [0.4, 0.1, 0.1, 0.4] if number % 2 else [0.15, 0.35, 0.35, 0.15]
        text = "".join(rng.choice(list("ACGT"), int(rng.integers(30, 60)), p=share))
        lines.append(f"{text},{number % 2},g{number // 4}")
    path = tmp_path_factory.mktemp("task") / "at.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def task(task_path) -> DataSet:
    """The same with scores of a motif that say nothing."""
    found = read_task(task_path)
    return replace(found, table=found.table.assign(score=np.random.default_rng(6).normal(size=len(found))))


@pytest.fixture
def cli(monkeypatch, capfd):
    """A function that runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["compare", *map(str, arguments), "--device", "cpu", "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "compare")
        return leaving.value.code or 0, *capfd.readouterr()

    return call
