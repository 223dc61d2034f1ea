"""Snakemake as a user starts it, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEFILE = ROOT / "analyses" / "Snakefile"

if not SNAKEFILE.is_file():
    pytest.skip(f"{SNAKEFILE} is not here", allow_module_level=True)
sys.path.append(str(ROOT / "analyses"))

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def start(tmp_path_factory) -> Start:
    """Starts Snakemake with arguments in a working folder; a process group of its own, which can be killed."""
    pytest.importorskip("snakemake")
    cache = tmp_path_factory.mktemp("data cache")

    def begin(folder: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
        words = ["-s", SNAKEFILE, "--directory", folder, "--nocolor", *arguments]
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "GROVER_PROBE_CACHE": str(cache), "GROVER_PROBE_OFFLINE": "1",
                 "XDG_CACHE_HOME": str(cache)},
        )  # fmt: skip

    return begin


@pytest.fixture(scope="session")
def snakemake(start: Start) -> Callable[..., str]:
    """Runs Snakemake to its end; returns what it printed."""

    def run(folder: Path, *arguments: str | Path) -> str:
        process = start(folder, *arguments)
        printed, _ = process.communicate(timeout=1200)
        logs = sorted(folder.glob("*runs/*/logs/*.log")) if process.returncode else []
        told = "\n".join(f"{log.name}: {log.read_text(encoding='utf-8')[-2000:]}" for log in logs)
        assert process.returncode == 0, printed[-4000:] + told
        return printed

    return run
