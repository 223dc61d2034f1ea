"""The `grover-probe` command as a whole."""

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import grover_probe
from grover_probe.cli import app

HEAVY = (
    "torch", "transformers", "pandas", "numba", "matplotlib", "pyarrow", "pybedtools", "scipy", "sklearn", "yaml",
)  # fmt: skip
MODULES = (
    "cli", "data", "bpe", "vocabulary", "pretrain", "untrained", "evaluate", "selfsim", "extract", "probes", "maps",
    "overlap", "tasks", "finetune", "predict", "compare", "nextkmer", "figures",
)  # fmt: skip


def _commands(command: Any, name: str = "grover-probe") -> Iterator[tuple[str, Any]]:
    """A command and all below it."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{name} {word}")


@pytest.mark.parametrize(("name", "command"), list(_commands(typer.main.get_command(app))))
def test_every_command_has_an_example_of_itself(name: str, command: Any) -> None:
    words = " ".join(name.split()[1:])
    text = f"{command.help} {command.epilog}"
    assert re.search(rf"Example: `(grover-probe |python -m grover_probe\.){words}", text), text


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, grover_probe; print([name for name in {(*HEAVY, 'numpy', 'typer')!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def _cpu_seconds(*words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], capture_output=True, timeout=120, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_takes_less_than_a_second() -> None:
    """Of a processor's time, which other work on the machine does not count in; the best of three."""
    for module in ("cli", "selfsim", "extract"):  # all commands, and the two that load most
        assert min(_cpu_seconds("-m", f"grover_probe.{module}", "--help") for _ in range(3)) < 1


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
