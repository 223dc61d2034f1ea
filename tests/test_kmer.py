"""Fixed k-mers: against a loop over the text, against `tokenizers`, and the rules for tails and N."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.bpe import save_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases
from grover_probe.kmer import KmerTokenizer, open_tokenizer

K = (4, 5, 6)
texts = st.text("ACGTN", max_size=60)


def by_hand(text: str, k: int, tail: str) -> list[tuple[str, int]]:
    """Token sequences and where they start."""
    found = []
    for run in re.finditer("[ACGT]+", text):
        whole = len(run[0]) // k * k
        found += [(run[0][at : at + k], run.start() + at) for at in range(0, whole, k)]
        if tail == "bases":
            found += [(run[0][at], run.start() + at) for at in range(whole, len(run[0]))]
    return found


@settings(max_examples=200, deadline=None)
@given(text=texts, k=st.integers(1, 7), tail=st.sampled_from(["bases", "drop"]))
def test_equals_a_loop_over_the_text(text, k, tail):
    tokenizer = KmerTokenizer(k, tail)
    found = tokenizer.encode(encode_bases(text))
    tokens = [tokenizer.pieces[token_id - 5] for token_id in found.ids]
    assert list(zip(tokens, found.starts.tolist(), strict=True)) == by_hand(text, k, tail)
    assert found.ids.dtype == np.uint16 and found.starts.dtype == np.uint32
    assert tokenizer.lengths[found.ids].tolist() == [len(token) for token in tokens]
    if tail == "bases":
        assert tokenizer.decode(found.ids) == text.replace("N", "")


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(texts, max_size=5))
def test_a_break_separates(parts):
    tokenizer = KmerTokenizer(5)
    joined = tokenizer.encode_text("N".join(parts))
    batch = tokenizer.encode_batch(parts)
    assert joined.ids.tolist() == [token_id for part in batch for token_id in part.ids.tolist()]
    codes = tokenizer.encode_batch([encode_bases(part) for part in parts])
    assert [part.starts.tolist() for part in codes] == [part.starts.tolist() for part in batch]


@pytest.mark.parametrize("k", K)
def test_tokenizers_gives_the_same_ids(k):
    """The `tokenizers` library with a pattern that cuts, and the list of pieces."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = KmerTokenizer(k)
    vocabulary = {**tokenizer.special, **{piece: number for number, piece in enumerate(tokenizer.pieces, start=5)}}
    peer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    pattern = tokenizers.Regex(f"[ACGT]{{{k}}}|.")
    peer.pre_tokenizer = tokenizers.pre_tokenizers.Split(pattern, "isolated")
    text = "".join(np.random.default_rng(k).choice(list("ACGTN"), size=3000, p=[0.25, 0.24, 0.25, 0.25, 0.01]))
    theirs = [token_id for token_id in peer.encode(text).ids if token_id != 1]
    assert theirs == tokenizer.encode_text(text).ids.tolist()


@pytest.mark.parametrize("k", K)
def test_ids(k):
    tokenizer = KmerTokenizer(k)
    assert tokenizer.n_ids == 4**k + 4 + 5 == len(tokenizer.lengths) == len(tokenizer.pieces) + 5
    assert tokenizer.pieces[:5] == ("A", "C", "G", "T", "A" * k) and tokenizer.pieces[-1] == "T" * k
    assert list(tokenizer.pieces[4:]) == sorted(tokenizer.pieces[4:])
    for token_id in (0, 4, 5, 9, tokenizer.n_ids - 1):
        codes = tokenizer.piece_codes(token_id)
        assert len(codes) == tokenizer.lengths[token_id]
        assert token_id < 5 or tokenizer.encode(codes).ids.tolist() == [token_id]
    assert tokenizer.longest == k


def test_single_bases():
    tokenizer = KmerTokenizer(1)
    assert tokenizer.n_ids == 9 and tokenizer.pieces == ("A", "C", "G", "T")
    assert tokenizer.encode_text("TGNCA").ids.tolist() == [8, 7, 6, 5]


def test_only_upper_case_is_a_base():
    tokenizer = KmerTokenizer(4)
    assert len(tokenizer.encode_text("acgt")) == 0
    assert tokenizer.encode_text("ACGTacgtACGT").starts.tolist() == [0, 8]


def test_hash_says_what_decides_the_ids():
    assert len({KmerTokenizer(k, tail).hash for k in K for tail in ("bases", "drop")}) == 6
    assert KmerTokenizer(6).hash == KmerTokenizer(6).hash


def test_corpus(tiny_genome):
    tokenizer = KmerTokenizer(6)
    corpus = tokenize(tiny_genome, tokenizer, progress=False)
    codes = tiny_genome.codes("chr1")
    assert corpus.tokenizer_hash == tokenizer.hash
    assert tokenizer.lengths[corpus.ids[: corpus.bounds[1]]].sum() == (codes < 4).sum()


def test_names(tiny_tokenizer, tmp_path, monkeypatch):
    assert [open_tokenizer(name).n_ids for name in ("6-mer", "6mer", "4-mers")] == [4105, 4105, 265]
    monkeypatch.chdir(tmp_path)
    save_tokenizer(tiny_tokenizer, "6-mer")  # a folder of this name is taken first
    assert open_tokenizer("6-mer").hash == tiny_tokenizer.hash


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KmerTokenizer(0), "expected 1 to 7"),
        (lambda: KmerTokenizer(8), "expected 1 to 7"),
        (lambda: KmerTokenizer(6, "keep"), "expected one of bases, drop"),
        (lambda: KmerTokenizer(4).decode([5, 265]), "token id 265: this tokenizer has ids 0 to 264"),
        (lambda: KmerTokenizer(4).decode([-1]), "token id -1"),
        (lambda: open_tokenizer("9-mer"), "expected 1 to 7"),
        (lambda: open_tokenizer("nowhere"), "no such file"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(InputError, match=message):
        make()
