"""The `grover-probe` command as a whole."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "pandas", "numba", "matplotlib", "pyarrow", "pybedtools")
MODULES = (
    "cli", "data", "bpe", "selfsim", "extract", "pretrain", "vocabulary", "overlap", "probes", "maps",
    "tasks", "finetune", "predict",
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
    done = subprocess.run(
        [sys.executable, "-m", "grover_probe.cli", "--help"], capture_output=True, text=True, timeout=120
    )
    for name in MODULES[1:]:
        assert name in done.stdout


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
