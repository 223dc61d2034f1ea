"""Whole files or none: what is left after a failure, and what is never deleted."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grover_probe import provenance
from grover_probe.command import fail, new_app, run
from grover_probe.errors import DataError, GroverProbeError, InputError, MissingDependencyError
from grover_probe.files import atomic_path, make_folder, sha256_of, staged_files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestAtomicPath:
    """One file or folder."""

    def test_moved_into_place_at_the_end(self, tmp_path):
        path = tmp_path / "new folder" / "table.tsv"
        with atomic_path(path) as temporary:
            temporary.write_text("x")
            assert not path.exists()
            assert (temporary.parent, temporary.suffix) == (path.parent, ".tsv")
        assert path.read_text() == "x"
        assert names(path.parent) == ["table.tsv"]

    @pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_nothing_changes_after_an_error(self, tmp_path, kind, error):
        path = tmp_path / "table.tsv"
        path.write_text("old")
        with pytest.raises(error), atomic_path(path) as temporary:
            if kind == "file":
                temporary.write_text("half")
            if kind == "folder":
                (temporary / "deep").mkdir(parents=True)
                (temporary / "deep" / "half").write_text("x")
            raise error
        assert path.read_text() == "old"
        assert names(tmp_path) == ["table.tsv"]

    def test_folder_replaces_folder(self, tmp_path):
        path = tmp_path / "corpus"
        for number in range(2):
            with atomic_path(path) as temporary:
                temporary.mkdir()
                (temporary / f"{number}.npy").write_text("x")
        assert names(path) == ["1.npy"]
        assert names(tmp_path) == ["corpus"]

    def test_file_never_replaces_a_folder(self, tmp_path):
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "text").write_text("precious")
        with (
            pytest.raises(InputError, match="a folder stands where a file"),
            atomic_path(tmp_path / "thesis") as temporary,
        ):
            temporary.write_text("x")
        assert (tmp_path / "thesis" / "text").read_text() == "precious"
        assert names(tmp_path) == ["thesis"]

    def test_a_reader_sees_the_old_or_the_new_folder(self, tmp_path, monkeypatch):
        """When moving the new folder into place fails, the old one comes back."""
        path = tmp_path / "corpus"
        path.mkdir()
        (path / "old").touch()

        def no_space(self, target):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))

        with pytest.raises(OSError, match="No space"), atomic_path(path) as temporary:
            temporary.mkdir()
            monkeypatch.setattr(Path, "replace", no_space)
        assert names(path) == ["old"]
        assert names(tmp_path) == ["corpus"]

    def test_nothing_written(self, tmp_path):
        with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
            pass
        assert names(tmp_path) == []


class TestStagedFiles:
    """Several files of one result."""

    FILES = ("a.tsv", "b.png", "run.json")

    def write(self, folder: Path, content: str, broken: str | None = None) -> None:
        with staged_files(folder, self.FILES) as staging:
            for name in self.FILES:
                if name == broken:
                    raise OSError(errno.ENOSPC, "No space left on device", str(staging / name))
                (staging / name).write_text(content)

    def test_all_at_once(self, tmp_path):
        self.write(tmp_path / "out", "1")
        assert names(tmp_path / "out") == sorted(self.FILES)
        self.write(tmp_path / "out", "2")
        assert {(tmp_path / "out" / name).read_text() for name in self.FILES} == {"2"}

    @pytest.mark.parametrize("broken", FILES)
    def test_or_none(self, tmp_path, broken):
        self.write(tmp_path, "1")
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(OSError, match="No space"):
            self.write(tmp_path, "2", broken)
        assert names(tmp_path) == sorted([*self.FILES, "notes.txt"])
        assert {(tmp_path / name).read_text() for name in self.FILES} == {"1"}

    def test_the_record_is_gone_before_a_file_changes_and_comes_last(self, tmp_path, monkeypatch):
        self.write(tmp_path, "1")
        seen = []
        replace = Path.replace

        def watch(self, target):
            seen.append((Path(target).name, (tmp_path / "run.json").exists()))
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", watch)
        self.write(tmp_path, "2")
        assert seen == [("a.tsv", False), ("b.png", False), ("run.json", False)]


class TestMakeFolder:
    """Output folders that cannot be."""

    def test_made_with_its_parents(self, tmp_path):
        assert make_folder(tmp_path / "a b" / "c").is_dir()
        assert names(tmp_path / "a b" / "c") == []

    @pytest.mark.parametrize("inside", ["", "deeper/still"])
    def test_file_in_the_way(self, tmp_path, inside):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="a file stands where an output folder is needed; choose another --out"):
            make_folder(tmp_path / "file" / inside)

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a /proc file system, where nothing can be made")
    def test_read_only_file_system(self):
        with pytest.raises(InputError, match="/proc/results: cannot write here"):
            make_folder("/proc/results")

    @pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")
    def test_no_permission(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(InputError, match="permission denied"):
            make_folder(tmp_path / "x")
        with pytest.raises(InputError, match="permission denied"):
            make_folder(tmp_path)

    def test_permission_denied_in_words(self, tmp_path, monkeypatch):
        def refuse(self, *args, **more):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(InputError, match=r"cannot write here \(permission denied\); choose another --out"):
            make_folder(tmp_path / "x")


def test_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"ACGT" * 100_000)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(b"ACGT" * 100_000).hexdigest()


def test_run_record(tmp_path):
    (tmp_path / "in.fa").write_text(">a\nA\n")
    described = provenance.describe_file(tmp_path / "in.fa")
    provenance.write_run(tmp_path / "x.run.json", inputs={"genome": described}, parameters={"seed": 3}, layers=[1])
    record = json.loads((tmp_path / "x.run.json").read_text())
    assert record["inputs"]["genome"] == {"name": "in.fa", "bytes": 5, "sha256": hashlib.sha256(b">a\nA\n").hexdigest()}
    assert (record["parameters"], record["layers"]) == ({"seed": 3}, [1])
    assert {"python", "grover_probe", "numpy", "torch"} <= set(record["versions"])
    assert str(tmp_path) not in json.dumps(record["inputs"])


class TestCommand:
    """From an exception to one line and an exit code."""

    def leave(self, error: BaseException) -> int:
        app = new_app("A test.")

        @app.command()
        def broken() -> None:
            raise error

        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
            patch.setattr(sys, "argv", ["test"])
            run(app, "test")
        return leaving.value.code

    @pytest.mark.parametrize("kind", [GroverProbeError, InputError, DataError, MissingDependencyError])
    def test_own_errors(self, capsys, kind):
        assert self.leave(kind("x.bed:3: bad\n  line")) == 2
        assert capsys.readouterr().err == "error: x.bed:3: bad line\n"

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.EIO])
    def test_what_the_machine_refuses(self, capsys, number):
        assert self.leave(OSError(number, os.strerror(number), "out/x.tsv")) == 2
        assert capsys.readouterr().err == f"error: out/x.tsv: {os.strerror(number)}; nothing was kept of this step\n"

    def test_mistakes_of_ours_keep_their_traceback(self):
        app = new_app("A test.")

        @app.command()
        def broken() -> None:
            raise FileNotFoundError(errno.ENOENT, "No such file", "x")

        with pytest.MonkeyPatch.context() as patch, pytest.raises(FileNotFoundError):
            patch.setattr(sys, "argv", ["test"])
            run(app, "test")

    def test_fail_is_one_line(self, capsys):
        with pytest.raises(SystemExit) as leaving:
            fail("two\nlines")
        assert leaving.value.code == 2
        assert capsys.readouterr().err == "error: two lines\n"

    def test_reader_that_leaves_early(self):
        code = (
            "from grover_probe.command import new_app, run\n"
            "app = new_app('x')\n"
            "@app.command()\n"
            "def talk() -> None:\n"
            "    for i in range(200000): print(i)\n"
            "run(app, 'x')\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            process.stdout.close()
            assert b"Traceback" not in process.stderr.read()
