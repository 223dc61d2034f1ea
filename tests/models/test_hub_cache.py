"""Models of the hub that no manifest lists, from the hub library's own cache, without a network."""

import shutil

import pytest
import torch

from grover_probe import models
from grover_probe.errors import InputError
from grover_probe.models.folder import describe_model

from . import families

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A function that puts a model folder into the cache as `nobody/NAME`, at one commit of its main branch."""
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for module in ("huggingface_hub.constants", "huggingface_hub.file_download"):
        monkeypatch.setattr(f"{module}.HF_HUB_CACHE", str(cache), raising=False)
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(cache))

    def put(folder, name):
        repo = cache / f"models--nobody--{name}"
        shutil.copytree(folder, repo / "snapshots" / COMMIT)
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text(COMMIT)
        return f"nobody/{name}"

    return put


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_native(cached, tmp_path, revision):
    name = cached(families.nucleotide_transformer(tmp_path / "nt"), "nucleotide-transformer-tiny")
    model = models.load(name, device="cpu", revision=revision)
    assert (model.name, model.family, model.n_ids) == (name, "Nucleotide Transformer", 4105)
    assert model.source == describe_model(name, revision) == {"name": name, "revision": COMMIT}
    with torch.no_grad():
        states = model.hidden_states(torch.tensor([[2, 9, 5]]))
        expected = models.load(tmp_path / "nt", device="cpu").hidden_states(torch.tensor([[2, 9, 5]]))
    assert all(torch.equal(one, two) for one, two in zip(states, expected, strict=True))
    assert models.load_tokenizer(name, revision).n_ids == 4105


def test_code_is_named_with_repository_and_commit(cached, tmp_path, modules_cache, capsys):
    name = cached(families.hyenadna(tmp_path / "h"), "hyenadna-tiny")
    where = f"repository {name}, revision {COMMIT}"
    with pytest.raises(InputError, match=rf"configuration_hyena\.py, modeling_hyena\.py \({where}\)\. Read these"):
        models.load(name, device="cpu")
    capsys.readouterr()
    assert models.load(name, device="cpu", trust_remote_code=True).n_layers == 3
    assert capsys.readouterr().err == (
        f"{name}: running code of its author ({where}): configuration_hyena.py, modeling_hyena.py\n"
    )


def test_another_revision_is_not_there(cached, tmp_path):
    name = cached(families.bert(tmp_path / "b", 20), "bert")
    with pytest.raises(InputError, match="nobody/bert: neither a folder here nor a model that can be fetched"):
        models.load(name, device="cpu", revision="v2")
