"""Taking one member out of an archive: only regular files, only inside, only as long as expected."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from grover_probe.data.archives import extract_member
from grover_probe.errors import DataError, MissingDependencyError

CONTENT = b"ACGT" * 1000
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not here")


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                tar.addfile(info)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["tar", "zip", "deb"])
def archive(request, tmp_path, make_deb):
    if request.param == "tar":
        return make_tar(tmp_path / "a.tar.gz", [("./other", b"x"), ("./d/f.txt", CONTENT)])
    if request.param == "deb":
        return make_deb("a", {"d/f.txt": CONTENT, "other": b"x"})
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as zipped:
        zipped.writestr("other", b"x")
        zipped.writestr("d/f.txt", CONTENT)
    return tmp_path / "a.whl"


def test_one_member(archive, tmp_path):
    out = tmp_path / "out" / "f.txt"
    assert extract_member(archive, "d/f.txt", out, len(CONTENT)) == out
    assert out.read_bytes() == CONTENT
    assert names(out.parent) == ["f.txt"]


def test_missing_member(archive, tmp_path):
    with pytest.raises(DataError, match=r"d/g.txt is not in the archive"):
        extract_member(archive, "d/g.txt", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_longer_than_expected(archive, tmp_path):
    with pytest.raises(DataError, match="4,000 bytes in the archive, expected at most 10"):
        extract_member(archive, "d/f.txt", tmp_path / "out", 10)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("member", ["../evil", "/etc/passwd", "a/../../evil", "a//b", "./a", "a\\b", ""])
def test_unsafe_path(archive, tmp_path, member):
    with pytest.raises(DataError, match="unsafe path"):
        extract_member(archive, member, tmp_path / "out")


def test_hostile_neighbours_write_nothing(tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    members = [("../evil", b"x"), ("/tmp/evil-grover-probe", b"x"), ("good", CONTENT), ("../late", b"x")]
    archive = make_tar(folder / "a.tar.gz", members)
    extract_member(archive, "good", folder / "good")
    assert names(folder) == ["a.tar.gz", "good"]
    assert names(tmp_path) == ["inner"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_other_kinds_are_refused(tmp_path, kind):
    archive = make_tar(tmp_path / "a.tar.gz", [("real", CONTENT), ("f", (kind, "real"))])
    with pytest.raises(DataError, match="is a link or folder"):
        extract_member(archive, "f", tmp_path / "out")


def test_symbolic_link_in_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        info = zipfile.ZipInfo("f")
        info.external_attr = 0o120777 << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="is a link or folder"):
        extract_member(tmp_path / "a.zip", "f", tmp_path / "out")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_broken_archive(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(os.urandom(500))
    with pytest.raises(DataError, match="broken archive"):
        extract_member(path, "f", tmp_path / "out")


def test_truncated_tar(tmp_path):
    path = make_tar(tmp_path / "a.tar.gz", [("f", os.urandom(100_000))])
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(DataError, match="broken archive"):
        extract_member(path, "f", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_dpkg
def test_broken_deb(tmp_path):
    path = tmp_path / "a.deb"
    path.write_bytes(b"not a package")
    with pytest.raises(DataError, match=r"a.deb"):
        extract_member(path, "f", tmp_path / "out")


def test_deb_without_dpkg(tmp_path, monkeypatch):
    def missing(*args, **kwargs):
        raise FileNotFoundError("dpkg-deb")

    monkeypatch.setattr(subprocess, "Popen", missing)
    with pytest.raises(MissingDependencyError, match="dpkg-deb: not found"):
        extract_member(tmp_path / "a.deb", "f", tmp_path / "out")
