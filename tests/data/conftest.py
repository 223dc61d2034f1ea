"""A stand-in for the internet: a file server that can break off, and manifests that point to it."""

import hashlib
import http.server
import shutil
import subprocess
import threading

import pytest
import yaml


class FileServer(http.server.ThreadingHTTPServer):
    """Serves `files` by path, honours Range and If-Range, and notes what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []  # path, Range header
        self.break_after: int | None = None  # send this many bytes of the next body, then hang up
        self.etag = '"v1"'
        self.ranges = True

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, *args):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        body = self.server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if wanted and self.server.ranges and self.headers.get("If-Range") == self.server.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        rest = body[start:]
        self.send_header("Content-Length", str(len(rest)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        if self.server.break_after is not None:
            rest, self.server.break_after = rest[: self.server.break_after], None
        self.wfile.write(rest)


@pytest.fixture
def server():
    with FileServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep the user's cache and settings out of the tests, and waiting times short."""
    for name in ("GROVER_PROBE_OFFLINE", "HF_ENDPOINT", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GROVER_PROBE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("grover_probe.data.download.FIRST_WAIT_S", 0.01)
    return tmp_path / "cache"


@pytest.fixture
def entry():
    """A function that makes a manifest entry; `content` sets size and sha256, other values override."""

    def make(id, source, content=None, **values):
        known = {} if content is None else {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return {
            "id": id,
            "title": "a test",
            "assembly": "none",
            "format": "text",
            "source": source,
            "licence": "CC0",
            "citation": "nobody",
            "used_by": [],
            "checked": True,
            "check": "Made by the test.",
            **known,
            **values,
        }

    return make


@pytest.fixture
def manifests(tmp_path, monkeypatch):
    """A function that writes entries as the only manifest, for the API and the command line."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    monkeypatch.setenv("GROVER_PROBE_MANIFESTS", str(folder))

    def write(*entries, **top):
        (folder / "test.yaml").write_text(yaml.safe_dump({"resources": list(entries), **top}), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def make_deb(tmp_path):
    """A function that builds a Debian package with the given files."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not here")

    def make(name, files, folder=None):
        root = tmp_path / f"{name}-root"
        (root / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: test\n"
        (root / "DEBIAN" / "control").write_text(control, encoding="ascii")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        target = (folder or tmp_path) / f"{name}_1_all.deb"
        subprocess.run(["dpkg-deb", "--build", str(root), str(target)], check=True, capture_output=True)
        return target

    return make
