"""The published tokenizer's oddities, on a stand-in of the same layout."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grover_probe.data.sample import GENOME, SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.genome import decode_bases, open_genome
from grover_probe.models.grover import EMPTY_ID, as_transformers_tokenizer, check_ids, load_published_tokenizer

tokenizers = pytest.importorskip("tokenizers")

ONE_OF_EACH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def slice_text() -> str:
    return decode_bases(open_genome(sample_path(GENOME)).codes(SLICE_NAME, 1_000_000, 1_100_000))


@pytest.fixture(scope="session")
def ours(published):
    return load_published_tokenizer(published)


@pytest.fixture(scope="session")
def fast(ours):
    return as_transformers_tokenizer(ours)


@pytest.fixture
def copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / "copy")


def test_stand_in_is_odd_in_the_same_ways(published):
    content = json.loads((published / "tokenizer.json").read_text())
    assert len(content["model"]["vocab"]) == 610 and content["model"]["vocab"][""] == 609
    assert len(content["model"]["merges"]) == 604
    assert (published / "special_tokens_map.json").stat().st_size == 77  # as in the published folder
    assert len((published / "vocab.txt").read_text().splitlines()) == 609


def test_loads(published, ours, chr20_tokenizer):
    tokenizer = ours
    assert tokenizer.hash == chr20_tokenizer.hash == load_published_tokenizer(published / "tokenizer.json").hash
    assert tokenizer.n_ids == 609 and len(tokenizer.lengths) == 609 and "" not in tokenizer.pieces
    assert tokenizer.special == {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}


def test_same_ids_as_tokenizers_on_the_same_file(published, ours, slice_text):
    peer = tokenizers.Tokenizer.from_file(str(published / "tokenizer.json"))
    theirs = peer.encode(slice_text, add_special_tokens=False)
    found = ours.encode_text(slice_text)
    assert theirs.ids == found.ids.tolist()
    assert [start for start, _ in theirs.offsets] == found.starts.tolist()
    assert as_transformers_tokenizer(published)(slice_text[:1500])["input_ids"][1:-1] == (
        peer.encode(slice_text[:1500], add_special_tokens=False).ids
    )


def test_every_token_by_id(published, ours, fast):
    """Each piece alone is encoded alike by all three, and each id means the same sequence."""
    peer = tokenizers.Tokenizer.from_file(str(published / "tokenizer.json"))
    for token_id in range(5, 609):
        piece = peer.id_to_token(token_id)
        assert ours.pieces[token_id - 5] == piece == fast.convert_ids_to_tokens(token_id)
        expected = peer.encode(piece, add_special_tokens=False).ids
        assert ours.encode_text(piece).ids.tolist() == expected
        assert fast(piece, add_special_tokens=False)["input_ids"] == expected
    assert peer.id_to_token(EMPTY_ID) == ""


@ONE_OF_EACH
@given(text=st.text("ACGTNacgt", max_size=60))
def test_id_609_comes_from_no_text(ours, fast, text):
    ids = fast(text)["input_ids"]
    check_ids(ids)
    assert ids[0] == 2 and ids[-1] == 3
    known = [token_id for token_id in ids[1:-1] if token_id != 1]
    assert known == ours.encode_text(text).ids.tolist()
    assert ids.count(1) == sum(letter not in "ACGT" for letter in text)


def test_transformers_tokenizer(fast):
    assert len(fast) == fast.vocab_size == 609 and "" not in fast.get_vocab()
    assert EMPTY_ID not in fast.get_vocab().values()
    assert set(fast.all_special_ids) == {0, 1, 2, 3, 4}
    assert (fast.unk_token_id, fast.sep_token_id, fast.mask_token_id) == (1, 3, 4)
    assert fast.model_max_length == 512 and fast.padding_side == fast.truncation_side == "right"
    batch = fast(["ATTACAGGCATGAGCC", "GG"], padding=True)
    assert batch["input_ids"][1][-1] == 0 and batch["attention_mask"][1][-1] == 0
    assert len(fast("ACGT" * 2000, truncation=True)["input_ids"]) == 512
    assert fast.decode(fast("ATTACAGGCATGAGCC")["input_ids"], skip_special_tokens=True) == "ATTACAGGCATGAGCC"


def test_transformers_tokenizer_can_be_saved(fast, tmp_path):
    transformers = pytest.importorskip("transformers")
    fast.save_pretrained(tmp_path)
    again = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert again("ATTACAGG")["input_ids"] == fast("ATTACAGG")["input_ids"]
    assert again.sep_token == "[SEP]" and len(again) == 609


def test_a_model_of_609_rows_takes_all_ids(ours, fast, tmp_path):
    from transformers import BertConfig, BertForMaskedLM

    from grover_probe.models import load
    from grover_probe.models.loading import check_fits

    config = BertConfig(
        vocab_size=609, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(tmp_path)
    model = load(tmp_path, device="cpu")
    check_fits(model, ours.lengths, "stand-in")
    batch = fast(["ATTACAGGCATGAGCC", "N"], padding=True, return_tensors="pt")
    assert model.hidden_states(batch["input_ids"], batch["attention_mask"])[-1].shape[-1] == 8


def test_check_ids():
    check_ids(np.arange(609))
    check_ids([])
    with pytest.raises(InputError, match=r"609 \(the empty string .* 1 such ids"):
        check_ids([[5, 609]])
    with pytest.raises(InputError, match="token id -1 has no embedding row, 2 such"):
        check_ids([-1, 5, 700])
    with pytest.raises(InputError, match="expected 0 to 99"):
        check_ids([100], n_rows=100)


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def as_model(kind):
    def change(folder):
        path = folder / "tokenizer.json"
        vocab = json.loads(path.read_text())["model"]["vocab"]
        if kind == "Unigram":
            vocab = [[name, 0.0] for name in vocab]
        edit(path, model={"type": kind, "vocab": vocab, "unk_token": "[UNK]"})

    return change


def only_vocab_txt(folder):
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (as_model("WordPiece"), "model type WordPiece, expected BPE: longest-match"),
        (as_model("WordLevel"), "model type WordLevel, expected BPE"),
        (as_model("Unigram"), "model type Unigram, expected BPE"),
        (only_vocab_txt, "vocab.txt alone does not hold the merges"),
        (lambda f: edit(f / "tokenizer_config.json", tokenizer_class="BertTokenizer"), "tokenizer_class BertTokenizer"),
        (lambda f: edit(f / "tokenizer_config.json", do_lower_case=True), "do_lower_case is on"),
        (lambda f: edit(f / "config.json", vocab_size=608), "vocab_size 608, but the tokenizer has ids up to 608"),
        (lambda f: edit(f / "config.json", vocab_size="many"), "vocab_size many"),
        (lambda f: (f / "config.json").write_text("[]"), "not a JSON object"),
        (lambda f: (f / "tokenizer_config.json").write_text("{"), "cannot be read as JSON"),
    ],
)
def test_refuses_look_alikes(copy, spoil, message):
    spoil(copy)
    with pytest.raises(InputError, match=message) as caught:
        load_published_tokenizer(copy)
    assert str(copy) in str(caught.value) and "\n" not in str(caught.value)


def test_longest_match_gives_other_tokens(published, ours, slice_text):
    """Why look-alikes are refused: about a quarter of the boundaries go."""
    names = (published / "vocab.txt").read_text().split()
    peer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            {name: number for number, name in enumerate(names)},
            unk_token="[UNK]",
            continuing_subword_prefix="",
            max_input_chars_per_word=10**6,
        )
    )
    lost = total = 0
    for at in range(0, 20_000, 400):  # it is quadratic in the length of a word
        piece = slice_text[at : at + 400]
        greedy = {start for start, _ in peer.encode(piece).offsets}
        merged = set(ours.encode_text(piece).starts.tolist())
        lost, total = lost + len(merged - greedy), total + len(merged)
    assert 0.2 < lost / total < 0.3
