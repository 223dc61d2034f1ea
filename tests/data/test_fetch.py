"""Fetching over HTTP: verified, resumed, recorded, offline, and never half a file under its name."""

import errno
import hashlib
import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from grover_probe.data.cache import Cache
from grover_probe.data.fetch import cached_path, fetch
from grover_probe.errors import DataError, InputError

CONTENT = os.urandom(300_000)


@pytest.fixture
def served(server, manifests, entry):
    """One file on the server and its manifest entry, with size and sha256."""
    server.files["/d/a.bin"] = CONTENT
    manifests(entry("x.a", {"kind": "url", "url": server.url("/d/a.bin")}, CONTENT))
    return server


def kept(cache):
    """Files of the cache except its bookkeeping."""
    found = (path.relative_to(cache) for path in cache.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] not in ("locks", "lock.json"))


def test_fetches_once(served, own_cache):
    path = fetch(["x.a"], progress=False)["x.a"]
    assert path == own_cache / "resources" / "x.a" / "a.bin"
    assert path.read_bytes() == CONTENT
    assert kept(own_cache) == ["resources/x.a/a.bin"]
    assert fetch("x", progress=False) == {"x.a": path}
    assert cached_path("x.a") == path
    assert len(served.requests) == 1


def test_other_cache_by_argument(served, tmp_path, own_cache):
    assert fetch("x.a", cache=tmp_path / "with space", progress=False)["x.a"].is_relative_to(tmp_path / "with space")
    assert not own_cache.exists()


def test_resumes_within_a_call(served, own_cache):
    served.break_after = 100_000
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT
    assert [asked for _, asked in served.requests] == [None, "bytes=100000-"]


def test_resumes_in_a_later_call(served, own_cache, monkeypatch):
    served.break_after = 100_000
    monkeypatch.setattr("grover_probe.data.download._ATTEMPTS", 1)
    with pytest.raises(DataError, match=r"x.a: .*after 100,000 of 300,000 bytes; 100,000 bytes are kept"):
        fetch("x.a", progress=False)
    assert kept(own_cache) == ["partial/x.a.part", "partial/x.a.part.json"]
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT
    assert served.requests[-1][1] == "bytes=100000-"
    assert kept(own_cache) == ["resources/x.a/a.bin"]


def interrupted(server, monkeypatch):
    server.break_after = 100_000
    with monkeypatch.context() as patch:
        patch.setattr("grover_probe.data.download._ATTEMPTS", 1)
        with pytest.raises(DataError):
            fetch("x.a", progress=False)


def test_changed_file_starts_over(served, monkeypatch, manifests, entry):
    interrupted(served, monkeypatch)
    served.files["/d/a.bin"], served.etag = CONTENT[::-1], '"v2"'
    manifests(entry("x.a", {"kind": "url", "url": served.url("/d/a.bin")}, CONTENT[::-1]))
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_validator_starts_over(served, monkeypatch, etag):
    served.etag = etag
    interrupted(served, monkeypatch)
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT
    assert served.requests[-1][1] is None


def test_server_without_ranges_starts_over(served, monkeypatch):
    served.ranges = False
    interrupted(served, monkeypatch)
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT


def test_part_that_is_too_long_is_dropped(served, monkeypatch, own_cache):
    interrupted(served, monkeypatch)
    part = own_cache / "partial" / "x.a.part"
    part.write_bytes(CONTENT + b"more")
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT


def test_damaged_part_fails_the_checksum_and_goes(served, monkeypatch, own_cache):
    interrupted(served, monkeypatch)
    (own_cache / "partial" / "x.a.part").write_bytes(bytes(100_000))
    with pytest.raises(DataError, match="sha256"):
        fetch("x.a", progress=False)
    assert kept(own_cache) == []
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT


def test_wrong_checksum_is_not_kept(served, own_cache):
    served.files["/d/a.bin"] = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(DataError, match=r"x.a: sha256 is \w{64}, expected \w{64}; the file is not used"):
        fetch("x.a", progress=False)
    assert kept(own_cache) == []
    with pytest.raises(DataError, match=r"x.a: not in the data cache"):
        cached_path("x.a")


@pytest.mark.parametrize("change", [-1, 1])
def test_wrong_size_is_not_kept(served, own_cache, change):
    served.files["/d/a.bin"] = CONTENT[:-1] if change < 0 else CONTENT + b"!"
    with pytest.raises(DataError, match="expected 300,000; the file is not used"):
        fetch("x.a", progress=False)
    assert kept(own_cache) == []


def test_not_found_says_so_at_once(served, manifests, entry):
    manifests(entry("x.b", {"kind": "url", "url": served.url("/nothing.txt")}))
    with pytest.raises(DataError, match=r"x.b: http.*nothing.txt: HTTP 404"):
        fetch("x.b", progress=False)
    assert len(served.requests) == 1


def test_nobody_there(manifests, entry):
    manifests(entry("x.b", {"kind": "url", "url": "http://127.0.0.1:9/x.txt"}))
    with pytest.raises(DataError, match=r"x.b: .*refused"):
        fetch("x.b", progress=False)


def test_unknown_checksum_is_recorded_and_enforced(server, manifests, entry, own_cache):
    server.files["/a.txt"] = b"first"
    manifests(entry("x.a", {"kind": "url", "url": server.url("/a.txt")}))
    path = fetch("x.a", progress=False)["x.a"]
    recorded = json.loads((own_cache / "lock.json").read_text(encoding="utf-8"))["files"]["x.a"]
    assert recorded["sha256"] == hashlib.sha256(b"first").hexdigest()
    path.unlink()
    server.files["/a.txt"] = b"other"
    with pytest.raises(DataError, match="sha256"):
        fetch("x.a", progress=False)
    assert not path.exists()
    server.files["/a.txt"] = b"first"
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == b"first"


def test_another_source_is_another_file(server, manifests, entry):
    server.files |= {"/1/a.txt": b"first", "/2/a.txt": b"other"}
    manifests(entry("x.a", {"kind": "url", "url": server.url("/1/a.txt")}))
    fetch("x.a", progress=False)
    manifests(entry("x.a", {"kind": "url", "url": server.url("/2/a.txt")}))
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == b"other"


def test_damaged_cached_file_is_noticed_and_replaced(served, capsys):
    path = fetch("x.a", progress=False)["x.a"]
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="sha256"):
        cached_path("x.a")
    with pytest.raises(DataError, match="sha256"):
        fetch("x.a", offline=True)
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT
    assert "getting it anew" in capsys.readouterr().err


def test_touched_file_is_hashed_again_and_accepted(served):
    path = fetch("x.a", progress=False)["x.a"]
    os.utime(path, (1, 1))
    assert fetch("x.a", offline=True) == {"x.a": path}


def test_file_put_there_by_hand_is_accepted_after_its_checksum(served, own_cache):
    path = own_cache / "resources" / "x.a" / "a.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch("x.a", offline=True) == {"x.a": path}
    assert served.requests == []


def test_offline(served, own_cache, monkeypatch):
    with pytest.raises(DataError, match="offline mode is on"):
        fetch("x.a", offline=True)
    assert not own_cache.exists()
    monkeypatch.setenv("GROVER_PROBE_OFFLINE", "1")
    own_cache.mkdir()
    with pytest.raises(
        DataError, match=r"x.a: not in the data cache .*offline mode is on; run `grover-probe data fetch"
    ):
        fetch("x.a")
    monkeypatch.setenv("GROVER_PROBE_OFFLINE", "0")
    path = fetch("x.a", progress=False)["x.a"]
    monkeypatch.setenv("GROVER_PROBE_OFFLINE", "yes")
    assert fetch("x.a") == {"x.a": path}
    assert len(served.requests) == 1


def test_model_files_share_a_folder_at_their_revision(server, manifests, entry, own_cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url("/mirror/"))
    server.files |= {
        "/mirror/lab/net/resolve/abc123/config.json": b"{}",
        "/mirror/lab/net/resolve/abc123/w/m.bin": b"w",
    }
    hub = {"kind": "hub", "repo": "lab/net", "revision": "abc123"}
    manifests(
        entry("net.config", {**hub, "file": "config.json"}, b"{}"),
        entry("net.weights", {**hub, "file": "w/m.bin"}, b"w"),
    )
    paths = fetch("net", progress=False)
    folder = own_cache / "models" / "lab" / "net" / "abc123"
    assert paths == {"net.config": folder / "config.json", "net.weights": folder / "w" / "m.bin"}
    assert paths["net.weights"].read_bytes() == b"w"


def test_full_disk_leaves_nothing(served, own_cache, monkeypatch):
    class FullDisk:
        def __init__(self, handle):
            self.handle, self.room = handle, 100_000

        def __enter__(self):
            return self

        def __exit__(self, *args):
            self.handle.close()

        def write(self, chunk):
            self.room -= len(chunk)
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.handle.write(chunk)

    real_open = Path.open

    def open_small(self, mode="r", *args, **kwargs):
        handle = real_open(self, mode, *args, **kwargs)
        return FullDisk(handle) if self.name.endswith(".part") else handle

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_small)
        with pytest.raises(DataError, match=r"x.a: no space left for the data cache .*it has 300,000 bytes"):
            fetch("x.a", progress=False)
    assert kept(own_cache) == []
    assert fetch("x.a", progress=False)["x.a"].read_bytes() == CONTENT


def test_cache_that_is_a_file(served, tmp_path):
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(DataError, match="the data cache cannot be written"):
        fetch("x.a", cache=tmp_path / "file", progress=False)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99, "files": {}}', "[]"])
def test_unreadable_lock_file(served, own_cache, text):
    own_cache.mkdir()
    (own_cache / "lock.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"lock.json: "):
        fetch("x.a", progress=False)


def test_unknown_id(served):
    with pytest.raises(InputError, match=r"x.b: no such resource"):
        fetch("x.b")


def hold(root, seconds, held):
    with Cache(root).lock("x.a"):
        held.set()
        time.sleep(seconds)


def test_second_process_waits_and_then_uses_the_file(served, own_cache):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    other = context.Process(target=hold, args=(own_cache, 0.5, held))
    other.start()
    assert held.wait(20)
    started = time.monotonic()
    fetch("x.a", progress=False)
    assert time.monotonic() - started > 0.3
    other.join()
