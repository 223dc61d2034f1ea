"""The data cache: a file is under its name only when its size and checksum were right.

ROOT/resources/ID/FILE      what `fetch` hands out
ROOT/models/REPO/REVISION/  the same for the files of a model, in one folder that transformers can load
ROOT/archives/SHA256/FILE   packages that resources were taken from, kept for the next resource
ROOT/partial/               downloads that were interrupted, to be resumed
ROOT/lock.json              sha256, size and modification time of every file above
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grover_probe.data.resource import HubSource, Resource
from grover_probe.errors import DataError
from grover_probe.files import atomic_path, sha256_of

_FORMAT = 1


def default_root() -> Path:
    """``GROVER_PROBE_CACHE`` when set, else the platform's cache folder for grover_probe."""
    import platformdirs

    return Path(os.environ.get("GROVER_PROBE_CACHE") or platformdirs.user_cache_dir("grover_probe"))


class Cache:
    """Verified files of one cache folder.

    Parameters
    ----------
    root
        The folder; made when something is stored. By default `default_root`.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root).expanduser() if root else default_root()

    def __repr__(self) -> str:
        return f"Cache({str(self.root)!r})"

    def path(self, resource: Resource) -> Path:
        """Where a resource is, or would be; the files of one model share a folder."""
        if isinstance(resource.source, HubSource):
            return self.root / "models" / resource.source.repo / resource.source.revision / resource.source.file
        return self.root / "resources" / resource.id / resource.source.filename

    def partial(self, resource: Resource) -> Path:
        """Where an interrupted download of a resource waits."""
        return self._folder("partial") / f"{resource.id}.part"

    def expected_sha256(self, resource: Resource) -> str | None:
        """The manifest's checksum, else the one recorded at the first fetch from the same source."""
        if resource.sha256:
            return resource.sha256
        record = self._records().get(resource.id, {})
        return record.get("sha256") if record.get("source") == resource.source.describe() else None

    def find(self, resource: Resource, *, rehash: bool = False) -> Path | None:
        """The path of a cached, verified resource; None when it is not there.

        A file whose size and modification time are as recorded is trusted unless `rehash`; else it is hashed.

        Raises
        ------
        DataError
            When a file is there but is not what the manifest or the lock file says.
        """
        path = self.path(resource)
        expected = self.expected_sha256(resource)
        if not path.is_file() or expected is None:
            return None
        record = self._records().get(resource.id, {})
        known = (record.get("size"), record.get("mtime_ns"), record.get("sha256"))
        if known == (*_stat(path), expected) and not rehash:
            return path
        _check(path, resource.id, resource.size, expected)
        if known != (*_stat(path), expected):
            self._record(resource.id, path, expected, resource.source.describe())
        return path

    def admit(self, resource: Resource, candidate: Path) -> Path:
        """Verify a new file, then move it into place; a wrong one is deleted.

        Raises
        ------
        DataError
            When size or checksum differ from the manifest or the lock file.
        """
        try:
            sha256 = _check(candidate, resource.id, resource.size, self.expected_sha256(resource))
        except DataError:
            candidate.unlink(missing_ok=True)
            raise
        path = self.path(resource)
        path.parent.mkdir(parents=True, exist_ok=True)
        candidate.replace(path)
        self._record(resource.id, path, sha256, resource.source.describe())
        return path

    def find_archive(self, key: str) -> Path | None:
        """A kept package, when it still is as it was stored."""
        record = self._records().get(key)
        if not record:
            return None
        path = self.root / "archives" / record["sha256"] / record["name"]
        if not path.is_file() or (path.stat().st_size, path.stat().st_mtime_ns) != (
            record["size"],
            record["mtime_ns"],
        ):
            return None
        return path

    def keep_archive(self, key: str, candidate: Path, size: int | None, sha256: str | None) -> Path:
        """Verify a package as far as its checksum is known, and keep it under that checksum."""
        found = _check(candidate, candidate.name, size, sha256)
        folder = self._folder("archives") / found
        folder.mkdir(exist_ok=True)
        path = folder / candidate.name
        candidate.replace(path)
        self._record(key, path, found, key)
        return path

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A temporary folder on the cache's own file system, gone at the end."""
        with tempfile.TemporaryDirectory(prefix="staging-", dir=self._folder("partial")) as folder:
            yield Path(folder)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep other processes away from one resource or archive; they wait."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        with (self._folder("locks") / f"{digest}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise DataError(
                f"{folder}: the data cache cannot be written ({error.strerror}); choose another folder with "
                "--cache or GROVER_PROBE_CACHE"
            ) from error
        return folder

    def _records(self) -> dict[str, dict[str, Any]]:
        path = self.root / "lock.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != _FORMAT:
                raise DataError(f"{path}: written by another version of grover_probe; choose another --cache")
            return dict(document["files"])
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: no lock file of grover_probe ({error}); restore or remove it") from error

    def _record(self, key: str, path: Path, sha256: str, source: str) -> None:
        size, mtime_ns = _stat(path)
        with self.lock("lock.json"):
            records = self._records()
            records[key] = {
                "name": path.name, "sha256": sha256, "size": size, "mtime_ns": mtime_ns, "source": source
            }  # fmt: skip
            document = {"format": _FORMAT, "files": dict(sorted(records.items()))}
            with atomic_path(self.root / "lock.json") as temporary:
                temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _stat(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _check(path: Path, name: str, size: int | None, sha256: str | None) -> str:
    actual_size = path.stat().st_size
    if size is not None and actual_size != size:
        raise DataError(f"{name}: {actual_size:,} bytes, expected {size:,}; the file is not used. {_ADVICE}")
    actual = sha256_of(path)
    if sha256 is not None and actual != sha256:
        raise DataError(f"{name}: sha256 is {actual}, expected {sha256}; the file is not used. {_ADVICE}")
    return actual


_ADVICE = "Fetch it again; if this repeats, the source has changed"
