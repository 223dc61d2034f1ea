"""Take one file out of a Debian package, a tar file or a zip file, and nothing else.

Only the member asked for is read, as a stream, into a path of our choice: what else an archive holds, or
where it claims its members belong, cannot matter. A member that is a link, or longer than expected, is
refused.
"""

import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from grover_probe.errors import DataError, MissingDependencyError
from grover_probe.files import atomic_path

_CHUNK = 1 << 20


def extract_member(archive: Path, member: str, target: Path, max_bytes: int | None = None) -> Path:
    """Write one member of an archive to `target`.

    Parameters
    ----------
    archive
        A ``.deb``, ``.zip``, ``.whl`` or tar file (any compression that Python knows).
    member
        Path inside the archive: relative, with ``/``, without ``.`` and ``..``.
    target
        The file to write; it appears whole or not at all.
    max_bytes
        Refuse anything longer.

    Raises
    ------
    DataError
        When the path is unsafe, the member is missing, no regular file or too long, the archive broken.
    MissingDependencyError
        When a Debian package is to be opened without ``dpkg-deb``.
    """
    check_member_path(member, archive.name)
    try:
        if archive.suffix == ".deb":
            _from_deb(archive, member, target, max_bytes)
        elif archive.suffix in (".zip", ".whl"):
            _from_zip(archive, member, target, max_bytes)
        else:
            with tarfile.open(archive, mode="r|*") as tar:
                _from_tar(tar, archive, member, target, max_bytes)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive.name}: broken archive ({error}); fetch it again") from error
    return target


def check_member_path(member: str, where: str) -> None:
    """Refuse a member path that is absolute or steps out of its folder."""
    parts = member.split("/")
    if member.startswith("/") or "\\" in member or "\0" in member or any(p in ("", ".", "..") for p in parts):
        raise DataError(f"{where}: unsafe path {member!r} in the archive; expected a relative one without `..`")


def _from_deb(archive: Path, member: str, target: Path, max_bytes: int | None) -> None:
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise MissingDependencyError("dpkg-deb: not found; it is part of Debian and Ubuntu (package dpkg)") from error
    with process:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                _from_tar(tar, archive, member, target, max_bytes)
        finally:
            process.kill()  # the rest of the package is of no interest


def _from_tar(tar: tarfile.TarFile, archive: Path, member: str, target: Path, max_bytes: int | None) -> None:
    for info in tar:
        if info.name.removeprefix("./") != member:
            continue
        stream = tar.extractfile(info) if info.isreg() else None
        if stream is None:
            raise DataError(f"{archive.name}: {member} is a link or folder, expected a regular file")
        _copy(stream, target, member, info.size, max_bytes)
        return
    raise DataError(f"{archive.name}: {member} is not in the archive")


def _from_zip(archive: Path, member: str, target: Path, max_bytes: int | None) -> None:
    with zipfile.ZipFile(archive) as zipped:
        try:
            info = zipped.getinfo(member)
        except KeyError as error:
            raise DataError(f"{archive.name}: {member} is not in the archive") from error
        file_type = info.external_attr >> 28  # high bits of the Unix mode: 8 = regular file, 0 = not recorded
        if info.is_dir() or file_type not in (0, 8):
            raise DataError(f"{archive.name}: {member} is a link or folder, expected a regular file")
        with zipped.open(info) as stream:
            _copy(stream, target, member, info.file_size, max_bytes)


def _copy(stream: IO[bytes], target: Path, member: str, size: int, max_bytes: int | None) -> None:
    limit = size if max_bytes is None else max_bytes
    if size > limit:
        raise DataError(f"{member}: {size:,} bytes in the archive, expected at most {limit:,}")
    written = 0
    with atomic_path(target) as temporary, temporary.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > limit:  # a header may lie about the size
                raise DataError(f"{member}: unpacks to more than {limit:,} bytes")
            out.write(chunk)
