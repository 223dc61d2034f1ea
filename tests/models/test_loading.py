"""Model folders: the right ones give the network's own hidden states, the wrong ones one clear line."""

import json
import os
import pickle
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from grover_probe import models
from grover_probe.errors import InputError
from grover_probe.models.folder import check_model, describe_model, hub_file
from grover_probe.models.loading import check_fits, load, pick_device, pick_dtype

IDS = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 9, 3, 0, 0, 0]])
MASK = (IDS != 0).long()


@pytest.fixture
def folder(tiny_model_folder, tmp_path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "my model"))


@pytest.fixture
def state(tiny_network) -> dict[str, torch.Tensor]:
    return tiny_network.state_dict()


def only_pickle(folder: Path, content: object, **options: object) -> Path:
    """Replace the weights by a pickle."""
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin", **options)
    return folder


def change_config(folder: Path, **values: object) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))
    return folder


class TestGood:
    """What can be loaded."""

    @pytest.fixture
    def expected(self, tiny_network):
        with torch.no_grad():
            return tiny_network(input_ids=IDS, attention_mask=MASK, output_hidden_states=True).hidden_states

    def assert_same(self, model, expected, tolerance=1e-6):
        with torch.no_grad():
            found = model.hidden_states(IDS, MASK)
        assert len(found) == len(expected) == model.n_layers == 3
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.shape == (2, 6, model.width)
            torch.testing.assert_close(ours[MASK > 0].float(), theirs[MASK > 0], rtol=0, atol=tolerance)

    def test_safetensors(self, folder, expected):
        model = models.load(folder, device="cpu")
        self.assert_same(model, expected)
        assert (model.name, model.width, model.n_ids, model.max_tokens) == ("my model", 16, 39, 64)
        assert repr(model) == "LanguageModel(my model: 2 blocks of 16, on cpu)"
        assert not model.network.training

    def test_pickle(self, folder, state, expected):
        self.assert_same(load(only_pickle(folder, state), device="cpu"), expected)

    def test_old_pickle(self, folder, state, expected):
        self.assert_same(load(only_pickle(folder, state, _use_new_zipfile_serialization=False), device="cpu"), expected)

    def test_half_precision_on_disk(self, folder, state, expected):
        save_file({name: t.half() for name, t in load_file(folder / "model.safetensors").items()},
                  folder / "model.safetensors", metadata={"format": "pt"})  # fmt: skip
        model = load(folder, device="cpu")
        assert next(model.network.parameters()).dtype == torch.float32
        self.assert_same(model, expected, tolerance=0.05)

    @pytest.mark.parametrize(("dtype", "tolerance"), [("bf16", 0.3), ("fp16", 0.05)])
    def test_half_precision_in_memory(self, folder, expected, dtype, tolerance):
        model = load(folder, device="cpu", dtype=dtype)
        assert next(model.network.parameters()).dtype == pick_dtype(dtype)
        self.assert_same(model, expected, tolerance)

    def test_encoder_without_prediction_head(self, folder, tiny_network, expected):
        tiny_network.bert.save_pretrained(folder)
        self.assert_same(load(folder, device="cpu"), expected)

    def test_unexpected_pooler(self, folder, state, expected):
        extra = {"bert.pooler.dense.weight": torch.zeros(16, 16), "bert.pooler.dense.bias": torch.zeros(16)}
        self.assert_same(load(only_pickle(folder, {**state, **extra}), device="cpu"), expected)

    def test_safetensors_go_before_a_pickle(self, folder, expected):
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps("not looked at"))
        self.assert_same(load(folder, device="cpu"), expected)

    def test_nothing_is_printed_and_no_setting_stays(self, folder, capfd, monkeypatch):
        from transformers.utils import logging

        monkeypatch.delenv("DISABLE_SAFETENSORS_CONVERSION", raising=False)
        before = logging.get_verbosity(), logging.is_progress_bar_enabled(), dict(os.environ)
        load(folder, device="cpu")
        assert capfd.readouterr() == ("", "")
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled(), dict(os.environ)) == before

    def test_no_network(self, folder, monkeypatch):
        def refuse(*args, **more):
            raise AssertionError("a folder was looked up on the network")

        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        load(folder, device="cpu")

    def test_embedded_checkpoint(self, sample_checkpoint):
        model = load(sample_checkpoint, device="cpu")
        with torch.inference_mode():
            states = model.hidden_states(torch.tensor([[2, 9, 10, 11, 3]]))
        assert len(states) == model.n_layers
        assert all(torch.isfinite(layer).all() for layer in states)


class Bomb:
    """Unpickled carelessly, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class TestMalicious:
    """Pickles that would run something."""

    @pytest.mark.parametrize("way", ["among tensors", "old format", "bare pickle", "instead of tensors"])
    def test_refused_and_not_executed(self, folder, state, tmp_path, way):
        bomb = Bomb(tmp_path / "exploded")
        only_pickle(folder, state)
        if way == "among tensors":
            torch.save({**state, "x": bomb}, folder / "pytorch_model.bin")
        elif way == "old format":
            torch.save({**state, "x": bomb}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
        elif way == "bare pickle":
            (folder / "pytorch_model.bin").write_bytes(pickle.dumps(bomb))
        else:
            torch.save(bomb, folder / "pytorch_model.bin")
        with pytest.raises(
            InputError, match="my model: the pickled weights hold more than tensors and were not executed"
        ):
            load(folder)
        assert not (tmp_path / "exploded").exists()

    def test_the_bomb_would_work(self, tmp_path):
        pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
        assert (tmp_path / "exploded").exists()

    def test_code_beside_the_weights_is_not_run(self, folder, tmp_path):
        change_config(folder, model_type="other", auto_map={"AutoConfig": "own.C", "AutoModelForMaskedLM": "own.M"})
        (folder / "own.py").write_text(f"open({str(tmp_path / 'exploded')!r}, 'w').close()\n")
        with pytest.raises(InputError, match=r"my model: needs code of its author, which was not run: own\.py"):
            load(folder)
        assert not (tmp_path / "exploded").exists()


class TestBadFolders:
    """What is missing, damaged or does not fit."""

    def test_no_config(self, folder):
        (folder / "config.json").unlink()
        with pytest.raises(InputError, match=r"my model: no config\.json"):
            load(folder)

    def test_no_weights(self, folder):
        (folder / "model.safetensors").unlink()
        with pytest.raises(InputError, match=r"my model: no weights; expected model\.safetensors"):
            load(folder)

    def test_empty_folder(self, tmp_path):
        with pytest.raises(InputError, match=r"no config\.json; expected the folder of a transformers model"):
            load(tmp_path)

    @pytest.mark.parametrize("text", ["{", "", "\x00\x01"])
    def test_config_is_not_json(self, folder, text):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json: not valid JSON"):
            load(folder)

    @pytest.mark.parametrize("text", ["[]", "{}", '"bert"', '{"hidden_size": 16}'])
    def test_config_of_nothing(self, folder, text):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json: has no `model_type`"):
            load(folder)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"hidden_size": 32}, r"the weights do not fit config\.json: bert\.\S+ has shape .*16.*, expected .*32"),
            ({"vocab_size": 50}, r"do not fit config\.json: bert\S+ has shape \(39, 16\), expected \(50, 16\)"),
            (
                {"num_hidden_layers": 3},
                r"do not fit config\.json: 16 tensors are missing, first bert\.encoder\.layer\.2",
            ),
            ({"num_attention_heads": 3}, "not a multiple of the number of attention heads"),
            ({"hidden_size": "wide"}, "hidden_size"),
            ({"model_type": "nonsense"}, "model type `nonsense`"),
            ({"model_type": "gpt2"}, "Unrecognized configuration class"),
        ],
    )
    def test_config_that_does_not_fit(self, folder, values, message):
        with pytest.raises(InputError, match=message) as error:
            load(change_config(folder, **values))
        assert str(error.value).startswith(f"{folder}: ")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("share", [0, 0.002, 0.3, 0.99])
    def test_truncated_safetensors(self, folder, share):
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match=r"my model: cannot be loaded: .*header"):
            load(folder)

    def test_junk_for_weights(self, folder):
        (folder / "model.safetensors").write_bytes(np.random.default_rng(0).bytes(5_000))
        with pytest.raises(InputError, match="my model: cannot be loaded"):
            load(folder)

    @pytest.mark.parametrize("content", [b"", b"junk" * 999, pickle.dumps([1, 2], protocol=2)])
    def test_junk_for_a_pickle(self, folder, state, content):
        only_pickle(folder, state)
        (folder / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(InputError, match="^" + str(folder)):
            load(folder)

    @pytest.mark.parametrize("content", [torch.zeros(3), {"a": 1}, {"other": torch.zeros(2)}, []])
    def test_pickle_of_something_else(self, folder, content):
        with pytest.raises(InputError, match="^" + str(folder)):
            load(only_pickle(folder, content))

    def test_missing_shard(self, folder):
        (folder / "model.safetensors").unlink()
        index = {"metadata": {}, "weight_map": {"bert.x": "model-00001-of-00002.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(InputError, match="model-00001-of-00002"):
            load(folder)

    @pytest.mark.parametrize("name", ["nowhere", "no/such/folder", "./x/y", "../x/y", "/no/such"])
    def test_no_folder(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match=f"{name}: no such model folder; expected a folder with config.json"):
            load(name)

    def test_file_for_a_folder(self, folder):
        with pytest.raises(InputError, match="no such model folder"):
            load(folder / "model.safetensors")


class TestHub:
    """Hub ids without a network."""

    @pytest.fixture(autouse=True)
    def offline(self, monkeypatch, tmp_path):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def test_model_that_is_not_in_the_cache(self):
        with pytest.raises(
            InputError, match="nobody/nothing: neither a folder here nor a model that can be fetched"
        ) as error:
            load("nobody/nothing")
        assert "\n" not in str(error.value)

    def test_file_that_is_not_in_the_cache(self):
        with pytest.raises(
            InputError, match=r"nobody/nothing: neither a folder here nor .* check the name, or the network"
        ):
            hub_file("nobody/nothing", "tokenizer.json")

    def test_not_a_name_of_the_hub(self):
        with pytest.raises(InputError, match="neither a folder here nor"):
            load("two words/and more")

    def test_revision_is_not_known_yet(self):
        assert describe_model("nobody/nothing") == {"name": "nobody/nothing", "revision": None}


def test_description_follows_the_content(folder):
    one = describe_model(folder)
    assert one["name"] == "my model"
    assert set(one["sha256"]) == {"config.json", "model.safetensors"}
    (folder / "README.md").write_text("not part of the model")
    assert describe_model(folder) == one
    change_config(folder, layer_norm_eps=1e-6)
    assert describe_model(folder) != one
    check_model(folder)


def test_embedding_rows(tiny_model, tiny_tokenizer):
    check_fits(tiny_model, tiny_tokenizer.lengths, "t")
    check_fits(tiny_model, np.zeros(30), "t")
    with pytest.raises(
        InputError, match=r"^my tokenizer: the tokenizer has ids up to 39, but tiny model has 39 embedding"
    ):
        check_fits(tiny_model, np.zeros(40), "my tokenizer")


@pytest.mark.parametrize("device", ["nonsense", "", "cuda:99", "xpu:7", "mps:3"])
def test_devices_that_are_not_here(device, tiny_model_folder):
    with pytest.raises(InputError, match=f"device '{device}' cannot be used here"):
        load(tiny_model_folder, device=device)


def test_automatic_device():
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("dtype", ["fp64", "float32", ""])
def test_unknown_dtype(dtype, tiny_model_folder):
    with pytest.raises(InputError, match=f"dtype '{dtype}' is not one of fp32, bf16, fp16"):
        load(tiny_model_folder, dtype=dtype)
