"""The `*.run.json` sidecar: what a result was made from."""

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from grover_probe import __version__
from grover_probe.files import atomic_path, sha256_of, staged_files

# By the names they are installed by; those that are not there are left out.
_REPORTED = (
    "numpy", "numba", "scipy", "pandas", "pybedtools", "torch", "transformers", "tokenizers", "accelerate",
    "scikit-learn", "statsmodels", "umap-learn", "gensim", "biopython",
)  # fmt: skip


def describe_file(path: Path | str) -> dict[str, Any]:
    """Name, size in bytes and sha256 of an input file."""
    path = Path(path)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the packages that decide a number."""
    found = {"python": platform.python_version(), "grover_probe": __version__}
    for package in _REPORTED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Operating system, processor and number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    cores = os.cpu_count()
    return {"system": platform.platform(), "processor": f"{name}, {cores} cores", "cores": cores}


def _command() -> list[str]:
    """The words that started this process, as a user would type them."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = ["python", "-m", spec.name.removesuffix(".__main__")] if spec else [Path(sys.argv[0]).name]
    return [*program, *sys.argv[1:]]


def write_run(path: Path | str, *, inputs: Mapping[str, Any], parameters: Mapping[str, Any], **more: Any) -> None:
    """Write the sidecar of a result.

    Parameters
    ----------
    path
        Where to write, by convention ``<result>.run.json``.
    inputs
        What was read: for each input its description (`describe_file`, a model's revision, a tokenizer's hash).
    parameters
        Every setting that decides the result, seed included.
    more
        Anything else worth keeping (summary numbers).
    """
    record = {
        "command": _command(),
        "versions": versions(),
        "machine": machine(),
        "inputs": dict(inputs),
        "parameters": dict(parameters),
        **more,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


def write_result(
    out: Path | str,
    names: Sequence[str],
    save: Callable[[Path], object],
    record: str,
    *,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    **more: Any,
) -> None:
    """Write the files of a result and the record that vouches for them, all or none.

    Parameters
    ----------
    out
        Folder of the result.
    names
        Files of the result.
    save
        Writes them into the folder that it is given.
    record
        Name of the sidecar; it holds the hash of each file.
    inputs, parameters, more
        As in `write_run`.
    """
    with staged_files(out, (*names, record)) as staging:
        save(staging)
        hashes = {name: sha256_of(staging / name) for name in names}
        write_run(staging / record, inputs=inputs, parameters=parameters, outputs=hashes, **more)
