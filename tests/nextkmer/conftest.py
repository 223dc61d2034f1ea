"""Two genomes with held-out regions: one where the next bases are certain, one where nothing is known of them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from grover_probe.command import run
from grover_probe.nextkmer.command import app
from grover_probe.nextkmer.study import Sampling, Study

UNIT = "ACGGTCA"  # its rotations differ, so 7 bases say which follow
LENGTH = 9_000
HELD = "chr1\t1000\t2500\nchr1\t5000\t6000\n"


@pytest.fixture(scope="session")
def heldout(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("held") / "held out.bed"
    path.write_text(HELD)
    return path


@pytest.fixture(scope="session")
def certain_fasta(write_fasta, tmp_path_factory) -> Path:
    """A repeat of seven bases with an N now and then."""
    text = (UNIT * LENGTH)[:LENGTH]
    text = text[:700] + "N" + text[701:5_300] + "NNN" + text[5_303:]
    return write_fasta(tmp_path_factory.mktemp("certain") / "certain.fa", {"chr1": text})


@pytest.fixture(scope="session")
def random_fasta(write_fasta, tmp_path_factory) -> Path:
    rng = np.random.default_rng(5)
    text = "".join(rng.choice(list("ACGT"), LENGTH))
    return write_fasta(tmp_path_factory.mktemp("random") / "random.fa", {"chr1": text})


@pytest.fixture(scope="session")
def certain(certain_fasta, heldout) -> Study:
    return Study([certain_fasta], heldout, Sampling(700, 200, block_size=250))


@pytest.fixture(scope="session")
def chance(random_fasta, heldout) -> Study:
    return Study([random_fasta], heldout, Sampling(1_000, 600, block_size=100))


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory) -> Path:
    """A recipe of a second."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    shape = {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 16, "max_positions": 66, "dropout": 0.0}
    content = {
        "architecture": shape,
        "stages": [{"tokens": 1_500, "window": 40, "mask_rate": 0.2}],
        "batch_tokens": 1_024,
        "learning_rate": 1e-3,
        "warmup_tokens": 500,
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def cli(monkeypatch, capfd):
    """A function that runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["nextkmer", *map(str, arguments), "--device", "cpu", "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "nextkmer")
        return leaving.value.code or 0, *capfd.readouterr()

    return call
