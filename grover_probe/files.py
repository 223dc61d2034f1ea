"""Whole files or none: atomic writes and content hashes."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
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
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


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


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
