"""The embedded slice with its start sites and peaks, and the CTCF matrix."""

import sys
from pathlib import Path

import pytest

from grover_probe.command import run
from grover_probe.data.sample import sample_path
from grover_probe.genome import Genome, open_genome
from grover_probe.tasks.command import app

# MA0139.1 of JASPAR 2022 (CC-BY 4.0).
MATRIX = """>MA0139.1 CTCF
A [ 87 167 281 56 8 744 40 107 851 5 333 54 12 56 104 372 82 117 402 ]
C [ 291 145 49 800 903 13 528 433 11 0 3 12 0 8 733 13 482 322 181 ]
G [ 76 414 449 21 0 65 334 48 32 903 566 504 890 775 5 507 307 73 266 ]
T [ 459 187 134 36 2 91 11 324 18 3 9 341 8 71 67 17 37 396 59 ]
"""


@pytest.fixture(scope="session")
def slice_path() -> Path:
    return sample_path("chr20_slice.2bit")


@pytest.fixture(scope="session")
def slice_genome(slice_path) -> Genome:
    return open_genome(slice_path)


@pytest.fixture(scope="session")
def matrix_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "ctcf.jaspar"
    path.write_text(MATRIX)
    return path


@pytest.fixture
def cli(monkeypatch, capfd):
    """A function that runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["tasks", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            run(app, "tasks")
        return leaving.value.code or 0, *capfd.readouterr()

    return call
