"""Whole files or none: atomic writes and content hashes."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from grover_probe.errors import InputError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path` that is moved into place when the block ends without an error.

    Parameters
    ----------
    path
        The final path. Its folder is made when it is missing.

    Yields
    ------
    Path
        Where to write: the same folder and file ending, so that writers which look at the ending behave.
        After an error the temporary file or folder is gone and `path` is as it was.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        if path.is_dir() and not path.is_symlink():
            _replace_folder(temporary, path)
        else:
            temporary.replace(path)
    finally:
        _remove(temporary)


@contextmanager
def staged_files(folder: Path | str, names: Sequence[str]) -> Iterator[Path]:
    """Give an empty folder for several files of one result, which are moved together when the block ends well.

    Parameters
    ----------
    folder
        Where the files go in the end. It is made when it is missing.
    names
        The files, all of which the block must write. The last one vouches for the others (the record of a run): an
        earlier one is taken away before any file is replaced, and the new one is moved last.

    Yields
    ------
    Path
        Where to write. After an error it is gone and `folder` is as it was.
    """
    folder = make_folder(folder)
    staging = Path(tempfile.mkdtemp(prefix=".", suffix=".tmp", dir=folder))
    try:
        yield staging
        (folder / names[-1]).unlink(missing_ok=True)
        for name in names:
            (staging / name).replace(folder / name)
    finally:
        _remove(staging)


def _replace_folder(new: Path, old: Path) -> None:
    """Put a folder in the place of another, which is deleted once the new one stands."""
    if not new.is_dir():
        raise InputError(f"{old}: a folder stands where a file is to be written; choose another name")
    aside = new.with_name(f"{new.name}.old")
    old.rename(aside)
    try:
        new.replace(old)
    except BaseException:
        aside.rename(old)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def make_folder(path: Path | str) -> Path:
    """Make a folder and check that files can be written in it.

    Raises
    ------
    InputError
        When a file stands in the way or the folder is not writable.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path}: a file stands where an output folder is needed; choose another --out") from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot write here (permission denied); choose another --out") from error
    except OSError as error:
        raise InputError(f"{path}: cannot write here ({error.strerror}); choose another --out") from error
    return path


@contextmanager
def output_folder(path: Path | str) -> Iterator[Path]:
    """Make a folder before work that may be long; a new one goes again when the work fails and left nothing in it.

    Raises
    ------
    InputError
        As `make_folder`.
    """
    path = Path(path)
    new = not path.exists()
    make_folder(path)
    try:
        yield path
    except BaseException:
        if new and not any(path.iterdir()):
            path.rmdir()
        raise


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
