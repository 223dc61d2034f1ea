"""What all benchmarks share: seconds and memory of a call, a process of its own for each, tables, the machine."""

import importlib.metadata
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def measure(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Result, seconds and peak of added memory (bytes) of one call."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter()
    result = work()
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    return result, {"wall": wall, "cpu": cpu, "memory": max(_status("VmHWM") - before, 0)}


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a module-level function, called in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def print_table(heading: list[str], rows: list[list[str]]) -> None:
    """A table in Markdown."""
    for row in (heading, ["---"] * len(heading), *rows):
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def machine(packages: Sequence[str]) -> str:
    """Processor, load and versions, in words."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{model}, {os.cpu_count()} processors (load before the run: {load}); "
        f"Python {platform.python_version()}, {versions}"
    )
