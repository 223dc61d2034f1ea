"""Tokenizers of the `tokenizers` library that are neither k-mers nor this project's byte-pair encoding."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers import models as kinds

from grover_probe import models
from grover_probe.bpe import BPETokenizer
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, encode_bases
from grover_probe.models.fast_tokenizer import FastTokenizer
from grover_probe.models.vocabulary import read_vocabulary

from . import families

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def unigram() -> Tokenizer:
    pieces = ["ACG", "TT", "GATTACA", "A", "C", "G", "T", "TTT", "CG"]
    return Tokenizer(
        kinds.Unigram([(name, 0.0) for name in SPECIAL] + [(p, -len(p) / 2 - 1) for p in pieces], unk_id=1)
    )


def word_piece(longest: int = 10**6) -> Tokenizer:
    names = [*SPECIAL, *"ACGT", *(f"##{base}" for base in "ACGT"), "ACG", "##ACG", "##TT", "N"]
    vocab = {name: number for number, name in enumerate(names)}
    return Tokenizer(kinds.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=longest))


def lower_case() -> Tokenizer:
    """Single letters in lower case, as GPN has them."""
    names = ["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"]
    made = Tokenizer(kinds.WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return made


def repeated_merge() -> Tokenizer:
    """A byte-pair encoding that makes one piece in two ways, which this project's encoder does not take."""
    names = [*SPECIAL[::-1], *"ACGT", "AA", "AAA", "CA"]
    merges = [("A", "A"), ("AA", "A"), ("A", "AA"), ("C", "A")]
    return Tokenizer(kinds.BPE({name: number for number, name in enumerate(names)}, merges, unk_token="[UNK]"))


MAKERS = {"Unigram": unigram, "WordPiece": word_piece, "lower case": lower_case, "repeated merge": repeated_merge}


@pytest.fixture(params=MAKERS)
def made(request, tmp_path):
    backend = MAKERS[request.param]()
    backend.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json", backend


def test_offsets_and_ids(made):
    path, backend = made
    vocabulary = read_vocabulary(path)
    tokenizer = vocabulary.tokenizer
    assert isinstance(tokenizer, FastTokenizer)
    lower = "a" in backend.get_vocab()

    @settings(max_examples=80, deadline=None)
    @given(st.text("ACGTNacgtn", max_size=80))
    def check(text):
        found = tokenizer.encode(encode_bases(text))
        assert found.ids.dtype == np.uint16 and found.starts.dtype == np.uint32
        upper, own = text.upper(), []
        for run in upper.split("N"):
            own += backend.encode(run.lower() if lower else run, add_special_tokens=False).ids if run else []
        assert vocabulary.model_ids[found.ids].tolist() == own
        at = iter(np.flatnonzero(encode_bases(text) < N_CODE).tolist())
        for token_id, start in zip(found.ids.tolist(), found.starts.tolist(), strict=True):
            piece = tokenizer.decode([token_id])
            assert upper[start : start + tokenizer.lengths[token_id]] == piece
            assert [next(at) for _ in piece] == list(range(start, start + len(piece)))
        assert next(at, None) is None

    check()


# WordPiece marks a piece by its place in a word, and gives [UNK] for a word with a letter that it does not know.
@pytest.mark.parametrize("made", [name for name in MAKERS if name != "WordPiece"], indirect=True)
def test_one_call_over_a_sequence_with_n_gives_the_same_between_them(made):
    """N is a letter of its own to these tokenizers, so that cutting there changes nothing."""
    path, backend = made
    text = "ACGTTTAACGNGATTACAANNTTACG"
    lower = "a" in backend.get_vocab()
    vocabulary = read_vocabulary(path)
    whole = [
        i for i in backend.encode(text.lower() if lower else text).ids if i in set(vocabulary.model_ids[5:].tolist())
    ]
    assert vocabulary.model_ids[vocabulary.tokenizer.encode_text(text).ids].tolist() == whole


def test_interface(made):
    path, _ = made
    tokenizer = models.load_tokenizer(path)
    assert tokenizer.hash == models.load_tokenizer(path).hash
    assert len(tokenizer.lengths) == tokenizer.n_ids == 5 + len(tokenizer.pieces)
    assert tokenizer.longest == max(map(len, tokenizer.pieces))
    assert tokenizer.piece_codes(5).tolist() == encode_bases(tokenizer.pieces[0]).tolist()
    assert len(tokenizer.piece_codes(0)) == len(tokenizer.encode(np.full(5, N_CODE, dtype=np.uint8)).ids) == 0
    one, two = tokenizer.encode_batch(["ACG", "TTN"])
    assert tokenizer.decode(one.ids) + tokenizer.decode(two.ids) == "ACGTT"
    assert tokenizer.special["[MASK]"] == 4
    with pytest.raises(InputError, match="token id 99: this tokenizer has ids 0 to"):
        tokenizer.decode([99])


def test_words_too_long_are_refused_not_believed(tmp_path):
    word_piece(longest=100).save(str(tmp_path / "tokenizer.json"))
    tokenizer = models.load_tokenizer(tmp_path / "tokenizer.json")
    assert len(tokenizer.encode_text("A" * 100).ids) == 100
    with pytest.raises(
        InputError, match=r"tokenizer\.json: gives \[UNK\] for a run of 101 bases; it cannot encode whole"
    ):
        tokenizer.encode_text("A" * 101)


def test_a_tokenizer_that_adds_a_blank_is_refused(tmp_path):
    made = unigram()
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="for a run of 4 bases"):
        models.load_tokenizer(tmp_path / "tokenizer.json").encode_text("ACGT")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "not a file of the `tokenizers` library"),
        ('{"model": {"type": "Nonsense"}}', r"tokenizer\.json: cannot be read by `tokenizers`"),
    ],
)
def test_junk(tmp_path, content, message):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=message):
        models.load_tokenizer(tmp_path / "tokenizer.json")


def test_no_dna(tmp_path):
    vocab = {name: number for number, name in enumerate([*SPECIAL, "hello", "world"])}
    Tokenizer(kinds.WordLevel(vocab, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="no token of the vocabulary is made of A, C, G and T"):
        models.load_tokenizer(tmp_path / "tokenizer.json")


def test_other_numbering_of_bytes_pairs_gets_the_linear_time_encoder(tmp_path, chr20_tokenizer):
    path = families.write_dnabert2_tokenizer(tmp_path, chr20_tokenizer)
    vocabulary = read_vocabulary(path)
    assert isinstance(vocabulary.tokenizer, BPETokenizer) and not vocabulary.is_ours
    assert vocabulary.tokenizer.hash == chr20_tokenizer.hash
    own = json.loads(path.read_text())["model"]["vocab"]
    assert vocabulary.model_ids[:5].tolist() == [own[name] for name in SPECIAL] == [3, 0, 1, 2, 4]
    assert vocabulary.model_ids[5:].tolist() == [own[piece] for piece in chr20_tokenizer.pieces]


def test_special_tokens_by_their_files(tmp_path):
    """Names that only the settings beside the tokenizer say."""
    names = ["nothing", "what", "hidden", "A", "C", "G", "T"]
    made = Tokenizer(kinds.WordLevel({name: number for number, name in enumerate(names)}, unk_token="what"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    made.save(str(tmp_path / "tokenizer.json"))
    roles = {"pad_token": "nothing", "mask_token": {"content": "hidden"}, "unk_token": "what"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(roles))
    vocabulary = read_vocabulary(tmp_path / "tokenizer.json")
    assert vocabulary.model_ids.tolist() == [0, 1, -1, -1, 2, 3, 4, 5, 6]
    assert (vocabulary.specials.cls, vocabulary.specials.sep, vocabulary.specials.mask) == (None, None, 4)
