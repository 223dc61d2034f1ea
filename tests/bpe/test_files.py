"""tokenizer.json: round trips through `tokenizers` and `transformers`, the published layout, refusals."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grover_probe.bpe import load_tokenizer, save_tokenizer
from grover_probe.errors import InputError

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("with space") / "tokenizer"
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def peer(folder):
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture
def content(folder):
    return json.loads((folder / "tokenizer.json").read_text())


def published_layout(content):
    """The quirks of the published artefact: an empty token beyond the rows, four dead merges."""
    model = content["model"]
    model["vocab"][""] = 609
    model["merges"] = [f"{base} " for base in "ACGT"] + [f"{a} {b}" for a, b in model["merges"]]
    return content


def test_round_trip(tokenizer, folder):
    again = load_tokenizer(folder)
    assert again.merges == tokenizer.merges and again.hash == tokenizer.hash and again.n_ids == 609
    assert load_tokenizer(folder / "tokenizer.json").hash == tokenizer.hash


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("ACGT", max_size=200))
def test_tokenizers_gives_the_same_ids(tokenizer, peer, text):
    assert peer.encode(text, add_special_tokens=False).ids == tokenizer.encode_text(text).ids.tolist()


def test_tokenizers_on_real_length(tokenizer, peer, sequence):
    text = tokenizer.decode(tokenizer.encode(sequence[:50_000]).ids)
    found = peer.encode(text, add_special_tokens=False)
    ours = tokenizer.encode_text(text)
    assert found.ids == ours.ids.tolist()
    assert [start for start, _ in found.offsets] == ours.starts.tolist()


def test_every_n_is_one_unknown(tokenizer, peer):
    assert peer.encode("NNACGNT", add_special_tokens=False).tokens.count("[UNK]") == 3
    assert peer.encode("acg", add_special_tokens=False).ids == [1, 1, 1]
    known = [i for i in peer.encode("AANACGTNNT", add_special_tokens=False).ids if i != 1]
    assert known == tokenizer.encode_text("AANACGTNNT").ids.tolist()


def test_transformers(tokenizer, folder):
    transformers = pytest.importorskip("transformers")
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    assert auto.model_max_length == 512 and len(auto) == 609
    assert set(auto.all_special_ids) == {0, 1, 2, 3, 4}
    assert (auto.pad_token, auto.unk_token, auto.cls_token, auto.sep_token, auto.mask_token) == (
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    )  # fmt: skip
    text = "ATTACAGGCATGAGCCACCGCGCCCGGCC"
    ids = tokenizer.encode_text(text).ids.tolist()
    assert auto(text)["input_ids"] == [2, *ids, 3]
    assert auto.decode(ids) == text


@pytest.mark.parametrize("as_lists", [False, True])
def test_published_layout(tokenizer, content, tmp_path, as_lists):
    content = published_layout(content)
    if as_lists:
        content["model"]["merges"] = [row.split(" ") for row in content["model"]["merges"]]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    assert len(content["model"]["vocab"]) == 610
    found = load_tokenizer(path)
    assert found.n_ids == 609 and found.hash == tokenizer.hash and "" not in found.pieces


def drop_model(content):
    del content["model"]


def word_piece(content):
    content["model"] = {"type": "WordPiece", "vocab": content["model"]["vocab"]}


def other_ids(content):
    content["model"]["vocab"]["[MASK]"] = 700


def swapped_merges(content):
    content["model"]["merges"].reverse()


def missing_merge(content):
    content["model"]["merges"].pop()


def repeated_merge(content):
    content["model"]["merges"].append(content["model"]["merges"][0])


def odd_merge(content):
    content["model"]["merges"][3] = ["A", "C", "G"]


def lower_casing(content):
    content["normalizer"] = {"type": "Lowercase"}


def dropout(content):
    content["model"]["dropout"] = 0.1


def byte_level(content):
    content["pre_tokenizer"] = {"type": "ByteLevel"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_model, "no `model`"),
        (word_piece, "WordPiece, expected BPE"),
        (other_ids, r"\[MASK\] has id 700, expected 4"),
        (swapped_merges, "no earlier merge makes"),
        (missing_merge, "is made by no merge"),
        (repeated_merge, "a second time"),
        (odd_merge, "merge 4 is"),
        (lower_casing, "normalizer"),
        (dropout, "dropout"),
        (byte_level, "ByteLevel"),
    ],
)
def test_refuses(content, tmp_path, spoil, message):
    spoil(content)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        load_tokenizer(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', '{"model": {"type": "BPE"}}'])
def test_refuses_other_content(tmp_path, text):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(InputError):
        load_tokenizer(path)


def test_refuses_missing_file(tmp_path):
    (tmp_path / "vocab.txt").write_text("A\n")
    with pytest.raises(InputError, match="alone does not hold"):
        load_tokenizer(tmp_path)


def test_failed_save_leaves_nothing(tokenizer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file stands"):
        save_tokenizer(tokenizer, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_offsets_are_bases(tokenizer):
    assert np.all(np.diff(tokenizer.encode_text("ACGTACGTT").starts.astype(int)) > 0)
