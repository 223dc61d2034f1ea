"""A task that a tiny model can learn, as a file; and the command in this process."""

import sys
from pathlib import Path

import numpy as np
import pytest

from grover_probe.command import run
from grover_probe.finetune.command import app
from grover_probe.tasks.dataset import DataSet
from grover_probe.tasks.reading import read_task


def write_task(path: Path, n: int = 260, seed: int = 0) -> Path:
    """Class 1 is rich in A and T, class 0 in C and G; lengths differ."""
    rng = np.random.default_rng(seed)
    lines = ["sequence,label,group"]
    for number in range(n):
        label = number % 2
        share = [0.4, 0.1, 0.1, 0.4] if label else [0.1, 0.4, 0.4, 0.1]
        text = "".join(rng.choice(list("ACGT"), int(rng.integers(30, 60)), p=share))
        lines.append(f"{text},{label},g{number // 4}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def task_path(tmp_path_factory) -> Path:
    return write_task(tmp_path_factory.mktemp("task") / "gc.csv")


@pytest.fixture(scope="session")
def task(task_path) -> DataSet:
    return read_task(task_path)


@pytest.fixture
def cli(monkeypatch, capfd, tiny_model_folder):
    """A function that runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        given = ["--model", tiny_model_folder, *arguments] if "--model" not in arguments else arguments
        monkeypatch.setattr(sys, "argv", ["finetune", *map(str, given), "--device", "cpu", "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "finetune")
        return leaving.value.code or 0, *capfd.readouterr()

    return call
