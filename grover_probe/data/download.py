"""Download one file over HTTP, going on where an interrupted download stopped."""

import errno
import http.client
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from grover_probe import __version__
from grover_probe.command import track
from grover_probe.errors import DataError

_CHUNK = 1 << 16
_TIMEOUT_S = 60
_ATTEMPTS = 4
FIRST_WAIT_S = 1.0  # before the second attempt; doubled before each later one
_LOCAL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)
_FINAL_STATUS = frozenset({400, 401, 403, 404, 405, 410, 451})


class _InterruptedError(Exception):
    """The connection ended early; worth another attempt."""


def download(url: str, part: Path, *, label: str, size: int | None = None, progress: bool = True) -> Path:
    """Fetch `url` into `part`, resuming what is there already.

    The beginning that is on disk is used only when the server confirms, by entity tag or date
    (``If-Range``), that the file is still the same; otherwise the download starts over.

    Parameters
    ----------
    url
        An http or https address.
    part
        Where to collect the bytes. Stays when interrupted (with ``part.json`` beside it), for the next call.
    label
        Name of the resource, for the progress bar and messages.
    size
        Expected bytes, if known; more than this is refused.

    Raises
    ------
    DataError
        When the server says no, or the connection fails time and again.
    """
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(FIRST_WAIT_S * 2 ** (attempt - 1))
        try:
            _one_attempt(url, part, label, size, progress)
            _notes(part).unlink(missing_ok=True)
            return part
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code} {error.reason}"
            error.close()
            if error.code == 416:  # nothing left to send: the part on disk is no beginning of this file
                discard(part)
            if error.code in _FINAL_STATUS:
                break
        except (_InterruptedError, urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.errno in (
                errno.ENOSPC,
                errno.EDQUOT,
                errno.EACCES,
                errno.EROFS,
            ):
                discard(part)
                raise
            problem = str(getattr(error, "reason", error)) or type(error).__name__
    kept = part.stat().st_size if part.exists() else 0
    resume = f"; {kept:,} bytes are kept, the same command goes on from there" if kept else ""
    raise DataError(f"{label}: {url}: {problem}{resume}")


def discard(part: Path) -> None:
    """Forget an interrupted download."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _notes(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _one_attempt(url: str, part: Path, label: str, size: int | None, progress: bool) -> None:
    have = _resumable(part, url)
    headers = {"User-Agent": f"grover-probe/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": _validator(part)}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        begins = f"bytes {have}-"
        resumed = have > 0 and response.status == 206 and response.headers.get("Content-Range", "").startswith(begins)
        if response.status == 206 and not resumed:
            discard(part)
            raise _InterruptedError("the server sent another part of the file than asked for")
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else size
        if size is not None and total is not None and total != size:
            discard(part)
            raise DataError(f"{label}: {url} has {total:,} bytes, expected {size:,}; the file is not used")
        if not resumed:
            _remember(part, url, response.headers)
        _copy(response, part, done, total, size, label, progress)


def _copy(
    response: Any, part: Path, done: int, total: int | None, size: int | None, label: str, progress: bool
) -> None:
    bar = track(total=total, label=label, unit="B", unit_scale=True, initial=done, progress=progress)
    with bar, part.open("ab" if done else "wb") as out:
        while chunk := response.read(_CHUNK):
            done += len(chunk)
            if size is not None and done > size:
                break
            out.write(chunk)
            bar.update(len(chunk))
    if size is not None and done > size:
        discard(part)
        raise DataError(f"{label}: more than the expected {size:,} bytes came; the file is not used")
    if total is not None and done < total:
        raise _InterruptedError(f"the connection ended after {done:,} of {total:,} bytes")


def _remember(part: Path, url: str, headers: Any) -> None:
    """Keep what identifies this version of the file; a weak entity tag does not promise equal bytes."""
    tag = headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    part.unlink(missing_ok=True)
    _notes(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _validator(part: Path) -> str:
    return str(json.loads(_notes(part).read_text(encoding="utf-8"))["validator"])


def _resumable(part: Path, url: str) -> int:
    """Bytes on disk that a server can confirm; 0 (and a clean slate) when there are none."""
    try:
        notes = json.loads(_notes(part).read_text(encoding="utf-8"))
        if notes["url"] == url and notes["validator"]:
            return part.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        pass
    discard(part)
    return 0
