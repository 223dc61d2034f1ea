"""Models that the manifests list: verified before use, pickles converted once and never executed."""

import hashlib
import http.server
import json
import pickle
import threading
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file

from grover_probe import models
from grover_probe.data.manifest import load_catalogue
from grover_probe.data.resource import HubSource
from grover_probe.errors import DataError, InputError
from grover_probe.models.folder import describe_model, hub_file
from grover_probe.models.pinned import convert_pickle, pinned_revision

from . import families
from .conftest import write_stand_in

REPO, REVISION = "PoetschLab/GROVER", "6b223110f0d6963e849f55bc2a2f3cff0e38c7a4"
POOLER = {"bert.pooler.dense.weight": torch.zeros(16, 16), "bert.pooler.dense.bias": torch.zeros(16)}
PUBLISHED = {  # bytes and sha256 of the published files
    "config.json": (1_109, "de60db6f5cb476d9f38630517abec87803e32a87672ace7946b5cf82f68ac5de"),
    "pytorch_model.bin": (348_488_361, "81fa4ee056e65ff1c06c32512589f3ba3bcb9d054960f35f634b9cf6da7aadda"),
    "tokenizer.json": (24_637, "86b51bd8ecfc52cdc04f9f6787a2bd64fc5784709e7fd988b82d2e97348f9afd"),
    "tokenizer_config.json": (314, "8c6c05d4a32b1235387c4d2a546bce640d7889f74d4b8cc6c8da549641e97517"),
    "special_tokens_map.json": (77, "894589f317dfaaa10cbb6e467380b89bb848fe99f60ff6863ce120d81d71eff4"),
    "vocab.txt": (3_848, "affab9041e04e027bbcd359648e0fbc8af1610e58a16dc7954a81fd4b28f4e76"),
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and notes what was asked."""

    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.asked.append(self.path.rsplit("/", 1)[-1])
        super().do_GET()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The root of a stand-in for the hub, with nothing in it."""
    root = tmp_path / "hub"
    root.mkdir()
    Handler.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root))) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setenv("GROVER_PROBE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("GROVER_PROBE_MANIFESTS", str(tmp_path / "manifests"))
        monkeypatch.setattr("grover_probe.data.download.FIRST_WAIT_S", 0.01)
        yield root
        running.shutdown()
        thread.join()


@pytest.fixture
def grover(hub, tmp_path, chr20_tokenizer) -> Path:
    """GROVER's files on the stand-in, listed with their checksums: its layout, small random weights, a pickle only."""
    folder = hub / REPO / "resolve" / REVISION
    families.bert(folder, 609)
    state = models.load(folder, device="cpu").module.state_dict()
    (folder / "model.safetensors").unlink()
    torch.save({**state, **POOLER}, folder / "pytorch_model.bin")
    write_stand_in(chr20_tokenizer, folder)
    families.bert_config(folder)
    list_files(tmp_path, folder)
    return folder


def list_files(tmp_path: Path, folder: Path) -> None:
    common = {"assembly": "none", "format": "file", "licence": "MIT", "citation": "nobody", "used_by": [],
              "checked": True, "check": "By the test.", "title": "a file"}  # fmt: skip
    entries = [
        {**common, "id": f"grover.{name}", "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
         "source": {"kind": "hub", "repo": REPO, "revision": REVISION, "file": name}}
        for name in PUBLISHED
        for content in [(folder / name).read_bytes()]
    ]  # fmt: skip
    (tmp_path / "manifests").mkdir(exist_ok=True)
    (tmp_path / "manifests" / "test.yaml").write_text(yaml.safe_dump({"resources": entries}))


def test_the_manifest_has_the_published_checksums():
    listed = {
        resource.source.file: (resource.size, resource.sha256)
        for resource in load_catalogue().resources.values()
        if isinstance(resource.source, HubSource) and resource.source.repo == REPO
    }
    assert listed == PUBLISHED
    assert pinned_revision(REPO) == pinned_revision(REPO, REVISION) == REVISION
    assert pinned_revision(REPO, "main") is pinned_revision("nobody/nothing") is None


def test_fetched_verified_converted_once(grover, tmp_path, capfd):
    assert describe_model(REPO) == {"name": REPO, "revision": REVISION}
    model = models.load(REPO, device="cpu")
    assert (model.name, model.family, model.source) == (REPO, "GROVER", {"name": REPO, "revision": REVISION})
    out, err = capfd.readouterr()
    assert out == "" and "pooler" not in err and "running code" not in err
    assert sorted(Handler.asked) == sorted(PUBLISHED)
    cached = tmp_path / "cache" / "models" / REPO / REVISION
    assert {path.name for path in cached.iterdir()} == {*PUBLISHED, "model.safetensors"}
    first = (cached / "model.safetensors").stat()

    ids = torch.tensor([[2, 9, 10, 608, 3]])
    original = models.load(grover, device="cpu")
    with torch.no_grad():
        for ours, theirs in zip(model.hidden_states(ids), original.hidden_states(ids), strict=True):
            assert torch.equal(ours, theirs)
        assert torch.equal(model.masked_logits(ids, None, ids > 5), original.masked_logits(ids, None, ids > 5))

    models.load(REPO, device="cpu")
    again = (cached / "model.safetensors").stat()
    assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert len(Handler.asked) == len(PUBLISHED)
    assert models.load_tokenizer(REPO).n_ids == 609
    assert hub_file(REPO, "vocab.txt").read_bytes() == (grover / "vocab.txt").read_bytes()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json", "tokenizer.json"])
def test_a_file_of_another_content_is_refused(grover, tmp_path, name):
    content = bytearray((grover / name).read_bytes())
    content[len(content) // 2] ^= 1
    (grover / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"grover\.{name}: sha256 is .*, expected .*; the file is not used"):
        models.load(REPO, device="cpu")
    assert not (tmp_path / "cache" / "models" / REPO / REVISION / name).exists()
    assert not (tmp_path / "cache" / "models" / REPO / REVISION / "model.safetensors").exists()


def test_a_pickle_that_would_run_something(grover, tmp_path):
    """Even one whose checksum is the listed one."""

    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "exploded",)

    torch.save({"x": Bomb()}, grover / "pytorch_model.bin")
    list_files(tmp_path, grover)
    with pytest.raises(InputError, match="the pickled weights hold more than tensors, or are damaged; they were not"):
        models.load(REPO, device="cpu")
    assert not (tmp_path / "exploded").exists()
    assert not list((tmp_path / "cache" / "models").rglob("*safetensors*"))


def test_a_file_that_is_not_there(grover):
    (grover / "pytorch_model.bin").unlink()
    with pytest.raises(DataError, match=r"grover\.pytorch_model\.bin: http.* HTTP 404"):
        models.load(REPO, device="cpu")


def test_a_file_that_is_not_listed(grover):
    with pytest.raises(InputError, match=r"README\.md is not among the files of this model that the manifests list"):
        hub_file(REPO, "README.md")


class TestConversion:
    """A pickle becomes safetensors beside it."""

    @pytest.fixture
    def path(self, tmp_path) -> Path:
        shared = torch.arange(6.0).reshape(2, 3)
        torch.save({"a": shared, "tied": shared, "turned": shared.t()}, tmp_path / "pytorch_model.bin")
        return tmp_path / "pytorch_model.bin"

    def test_same_tensors(self, path):
        with safe_open(convert_pickle(path), framework="pt") as opened:
            assert opened.metadata() == {"format": "pt", "pickle_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            expected = torch.load(path, weights_only=True)
            assert set(opened.keys()) == set(expected)
            assert all(torch.equal(opened.get_tensor(name), expected[name]) for name in expected)

    @pytest.mark.parametrize("damage", [lambda f: f.write_bytes(b""), lambda f: f.write_bytes(f.read_bytes()[:-4])])
    def test_a_damaged_one_is_made_again(self, path, damage):
        damage(convert_pickle(path))
        assert torch.equal(load_file(convert_pickle(path))["a"], torch.arange(6.0).reshape(2, 3))

    def test_one_of_another_pickle_is_made_again(self, path):
        convert_pickle(path)
        torch.save({"b": torch.ones(1)}, path)
        with safe_open(convert_pickle(path), framework="pt") as opened:
            assert list(opened.keys()) == ["b"]

    def test_nothing_is_left_when_writing_fails(self, path, monkeypatch):
        def fail(tensors, target, metadata):
            Path(target).write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("safetensors.torch.save_file", fail)
        with pytest.raises(OSError, match="No space left"):
            convert_pickle(path)
        assert [file.name for file in path.parent.iterdir()] == ["pytorch_model.bin"]

    @pytest.mark.parametrize("content", [[], {"a": 1}, torch.zeros(2)])
    def test_something_else(self, path, content):
        torch.save(content, path)
        with pytest.raises(InputError, match="not a dictionary of tensors"):
            convert_pickle(path)

    @pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({"a": Path("x")})])
    def test_junk(self, path, content):
        path.write_bytes(content)
        with pytest.raises(InputError, match="they were not executed"):
            convert_pickle(path)


def test_settings_of_a_look_alike(grover, tmp_path):
    """The checks of the published tokenizer also run when the model is loaded."""
    config = json.loads((grover / "tokenizer_config.json").read_text()) | {"tokenizer_class": "BertTokenizer"}
    (grover / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="tokenizer_class BertTokenizer"):
        models.load(grover, device="cpu")
