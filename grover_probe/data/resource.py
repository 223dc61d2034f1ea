"""What is known about one external input: a resource and the four kinds of source it may come from."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class UrlSource:
    """A file at an address (http or https)."""

    url: str

    @property
    def filename(self) -> str:
        """Last part of the address, percent escapes undone."""
        return unquote(PurePosixPath(urlsplit(self.url).path).name)

    def describe(self) -> str:
        """Where from, for people and for the lock file."""
        return self.url


@dataclass(frozen=True)
class HubSource:
    """A file of a repository on a model hub, at a pinned revision."""

    repo: str
    revision: str
    file: str

    @property
    def filename(self) -> str:
        """Last part of the file's path."""
        return PurePosixPath(self.file).name

    def describe(self) -> str:
        """Where from, for people and for the lock file."""
        return f"hub {self.repo}@{self.revision} {self.file}"


@dataclass(frozen=True)
class AptSource:
    """A file inside a Debian package; `version` is the one the checksum was taken from, others may do."""

    package: str
    version: str
    path: str

    @property
    def filename(self) -> str:
        """Last part of the file's path."""
        return PurePosixPath(self.path).name

    @property
    def archive_key(self) -> str:
        """Name of the archive in the cache; the same for all its members."""
        return f"apt:{self.package}"

    def describe(self) -> str:
        """Where from, for people and for the lock file."""
        return f"Debian package {self.package} ({self.version}), {self.path}"


@dataclass(frozen=True)
class PypiSource:
    """A file inside a Python source distribution or wheel, pinned by the archive's sha256."""

    distribution: str
    version: str
    artifact: str
    sha256: str
    size: int
    path: str

    @property
    def filename(self) -> str:
        """Last part of the file's path."""
        return PurePosixPath(self.path).name

    @property
    def archive_key(self) -> str:
        """Name of the archive in the cache; the same for all its members."""
        return f"pypi:{self.distribution}=={self.version}:{self.artifact}"

    def describe(self) -> str:
        """Where from, for people and for the lock file."""
        return f"Python {self.artifact} {self.distribution} {self.version}, {self.path}"


Source = UrlSource | HubSource | AptSource | PypiSource
KINDS: dict[str, type[Source]] = {"url": UrlSource, "hub": HubSource, "apt": AptSource, "pypi": PypiSource}


@dataclass(frozen=True)
class Resource:
    """One external input.

    `size` (bytes) and `sha256` are None when they were not known at the time of writing: the first fetch
    records them in the cache's lock file, which is enforced from then on. `checked` says whether the source
    was really fetched when the entry was written, `check` says it in a sentence.
    """

    id: str
    title: str
    assembly: str
    format: str
    source: Source
    licence: str
    citation: str
    used_by: tuple[str, ...]
    checked: bool
    check: str
    size: int | None = None
    sha256: str | None = None
    note: str = ""

    def __repr__(self) -> str:
        size = "size not known" if self.size is None else f"{self.size:,} bytes"
        return f"Resource({self.id}: {self.format}, {size}, from {self.source.describe()})"

    @property
    def kind(self) -> str:
        """Kind of the source: url, hub, apt or pypi."""
        return next(kind for kind, cls in KINDS.items() if isinstance(self.source, cls))
