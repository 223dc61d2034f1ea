"""The `grover-probe` command as a whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import grover_probe
from grover_probe.cli import app

HEAVY = ("torch", "transformers", "pandas", "numba", "matplotlib", "pyarrow", "pybedtools")
MODULES = (
    "cli", "data", "bpe", "vocabulary", "pretrain", "untrained", "evaluate", "selfsim", "extract", "probes", "maps",
    "overlap", "tasks", "finetune", "predict", "compare", "nextkmer",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_help_has_an_example_and_loads_nothing_heavy(module: str) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['grover_probe.{module}', '--help']\n"
        "try:\n"
        f"    runpy.run_module('grover_probe.{module}', run_name='__main__')\n"
        "except SystemExit as leave:\n"
        "    assert not leave.code, leave.code\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stdout
    assert "Example" in done.stdout


def test_subcommands_are_the_modules() -> None:
    """In the order of work, each on one line."""
    shown = CliRunner().invoke(app, ["--help"], terminal_width=120).stdout
    places = [re.search(rf"^. {name} +[A-Z].*\.", shown, re.MULTILINE) for name in MODULES[1:]]
    assert None not in places, shown
    starts = [place.start() for place in places if place is not None]
    assert starts == sorted(starts)
    folders = {path.parent.name for path in Path(grover_probe.__file__).parent.glob("*/__main__.py")}
    assert folders | {"untrained"} == set(MODULES[1:])


@pytest.mark.parametrize("name", ["selfsim", "overlap", "finetune"])
def test_help_of_a_subcommand_keeps_its_example(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"]).stdout
    assert "Example" in shown
    assert f"grover-probe {name}" in shown or f"grover_probe.{name}" in shown


def test_unknown_option_is_one_message_and_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grover_probe.cli", "selfsim", "--modell", "x"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "--modell" in done.stderr
    assert "Traceback" not in done.stderr
