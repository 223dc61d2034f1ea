"""The command line: data on stdout, one error line on stderr, exit code 2."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONTENT = b"some bases\n"


@pytest.fixture
def command(tmp_path, own_cache):
    """A function that runs ``python -m grover_probe.data`` as a user would."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}

    def run(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-m", "grover_probe.data", *arguments],
            cwd=tmp_path, env={**environment, **more}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def served(server, manifests, entry):
    server.files["/a.txt"] = CONTENT
    source = {"kind": "url", "url": server.url("/a.txt")}
    manifests(entry("x.a", source, CONTENT), entry("x.lost", {"kind": "url", "url": server.url("/lost.txt")}))
    return server


def fails(result, *words):
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_fetch_path_verify(served, command, own_cache):
    fails(command("path", "x.a"), "x.a: not in the data cache", "data fetch x.a")
    fetched = command("fetch", "x.a")
    path = own_cache / "resources" / "x.a" / "a.txt"
    assert (fetched.returncode, fetched.stdout) == (0, f"x.a\t{path}\n")
    assert command("path", "x.a").stdout == f"{path}\n"
    verified = command("verify")
    assert (verified.returncode, verified.stdout) == (0, "x.a\tok\n")
    path.write_bytes(CONTENT.upper())
    damaged = command("verify", "x")
    fails(damaged, "2 of 2 missing or wrong: x.a, x.lost")
    assert "x.a\tx.a: sha256 is" in damaged.stdout and "x.lost\tmissing" in damaged.stdout


def test_cache_option_wins_over_the_environment(served, command, tmp_path, own_cache):
    assert command("fetch", "x.a", "--cache", "here").returncode == 0
    assert (tmp_path / "here" / "resources" / "x.a" / "a.txt").read_bytes() == CONTENT
    assert not own_cache.exists()


def test_errors_are_one_line(served, command, own_cache):
    fails(command("fetch", "x.b"), "x.b: no such resource; did you mean x.a")
    fails(command("show", "nothing-like-it"), "no such resource")
    fails(command("fetch", "x.lost"), "HTTP 404")
    fails(command("fetch", "x.a", "--offline"), "offline mode")
    fails(command("fetch", "x.a", GROVER_PROBE_OFFLINE="1"), "offline mode")
    served.files["/a.txt"] = b"other bases"
    fails(command("fetch", "x.a"), "the file is not used")
    assert not list(own_cache.rglob("a.txt"))


def test_unwritable_cache(served, command, tmp_path):
    (tmp_path / "file").write_text("x", encoding="ascii")
    fails(command("fetch", "x.a", "--cache", "file"), "the data cache cannot be written")


def test_list_and_show(served, command):
    listed = command("list")
    header, first, second = listed.stdout.splitlines()
    assert header.split("\t") == ["id", "kind", "bytes", "cached", "checked", "title"]
    assert first.split("\t") == ["x.a", "url", str(len(CONTENT)), "no", "yes", "a test"]
    assert second.split("\t")[2] == "?"
    command("fetch", "x.a")
    assert "\tyes\tyes\t" in command("list", "x.a").stdout
    shown = command("show", "x.a").stdout
    assert "sha256:" in shown and "Made by the test." in shown and "CC0" in shown


def test_help_is_quick_and_has_examples(command):
    started = time.monotonic()
    helped = command("--help")
    assert time.monotonic() - started < 3  # about 0.3 s on an idle machine
    assert helped.returncode == 0 and "data fetch hg19.chr20" in helped.stdout
    for name in ("list", "show", "fetch", "path", "verify"):
        assert f"data {name}" in " ".join(command(name, "--help").stdout.split())


def test_importing_the_command_loads_nothing_heavy():
    heavy = ("torch", "numpy", "pandas", "yaml")
    code = f"import sys, grover_probe.data.command; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
