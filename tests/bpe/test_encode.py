"""Encoding against merging pair by pair, however the sequence is cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.bpe import encode as encode_module
from grover_probe.bpe import reference
from grover_probe.bpe._marks import BREAK, PADDING, merge_scan
from grover_probe.bpe.encode import BPETokenizer, _encode
from grover_probe.bpe.train import train
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases

dna = st.text("ACGT", max_size=80) | st.builds(
    lambda unit, n, tail: unit * n + tail,
    st.text("ACGT", min_size=1, max_size=5), st.integers(1, 30), st.text("ACGTN", max_size=9),
)  # fmt: skip


@pytest.fixture(scope="module")
def small() -> BPETokenizer:
    return BPETokenizer(train([encode_bases("AAAAAAAATATATATGGGTTTGTGTGCACACCCCACAAAATTTT" * 3)], 40, progress=False))


def merge_by_merge(codes, merges):
    """Ids by applying every merge in rank order to the whole sequence."""
    marks = np.full(len(codes) + 2 * PADDING, BREAK, dtype=np.uint16)
    inside = slice(PADDING, PADDING + len(codes))
    marks[inside] = np.where(codes < 4, codes.astype(np.uint16), BREAK)
    lengths = [len(piece) for piece in merges.pieces]
    ignored = np.zeros(1 << 16, dtype=np.int64)
    for new, (a, b) in enumerate((merges.pairs - 5).tolist(), start=4):
        merge_scan(marks, inside.start, inside.stop, (a, b, new), (lengths[a], lengths[b]), ignored, ignored)
    ids, position = [], 0
    found = marks[inside].tolist()
    while position < len(found):
        if found[position] == BREAK:
            position += 1
        else:
            ids.append(found[position] + 5)
            position += lengths[found[position]]
    return ids


def every_text(longest):
    return "N".join("".join(letters) for n in range(1, longest + 1) for letters in itertools.product("ACGT", repeat=n))


def test_every_text_of_up_to_9_bases(tokenizer):
    """All 349,524 of them, with a break between two."""
    codes = encode_bases(every_text(9))
    assert tokenizer.encode(codes).ids.tolist() == merge_by_merge(codes, tokenizer.merges)


def test_every_text_of_up_to_6_bases_equals_reference(tokenizer):
    text = every_text(6)
    expected = reference.encode(text, tokenizer.merges.pairs.tolist())
    assert tokenizer.encode_text(text).ids.tolist() == expected == merge_by_merge(encode_bases(text), tokenizer.merges)


@settings(max_examples=200, deadline=None)
@given(text=dna)
def test_equals_reference(tokenizer, small, text):
    for each in (tokenizer, small):
        assert each.encode_text(text).ids.tolist() == reference.encode(text, each.merges.pairs.tolist())


@settings(max_examples=60, deadline=None)
@given(st.text("AC", min_size=2, max_size=50), st.integers(1, 20), st.text("ACN", max_size=80))
def test_equals_reference_for_any_vocabulary(learnt_from, n_merges, text):
    if not reference.train([learnt_from], 1):
        return
    small = BPETokenizer(train([encode_bases(learnt_from)], n_merges, progress=False))
    assert small.encode_text(text).ids.tolist() == reference.encode(text, small.merges.pairs.tolist())


@pytest.mark.parametrize("chunk", [7, 64, 1000, 100_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_cutting_changes_nothing(tokenizer, sequence, chunk, threads, monkeypatch):
    codes = sequence[:30_000].copy()
    codes[[0, 500, 501, 7_000, 29_999]] = 4
    whole = tokenizer.encode(codes)
    for settle in (512, 0):  # without a settling stretch guesses are wrong and must be put right
        monkeypatch.setattr(encode_module, "SETTLE", settle)
        cut = _encode(tokenizer._automaton, codes, threads, chunk)
        np.testing.assert_array_equal(cut.ids, whole.ids)
        np.testing.assert_array_equal(cut.starts, whole.starts)


def test_offsets_partition_the_sequence(tokenizer, sequence):
    encoding = tokenizer.encode(sequence)
    ends = encoding.starts + tokenizer.lengths[encoding.ids]
    assert encoding.starts[0] == 0 and ends[-1] == len(sequence)
    np.testing.assert_array_equal(encoding.starts[1:], ends[:-1])
    assert encoding.ids.dtype == np.uint16 and encoding.starts.dtype == np.uint32


@settings(max_examples=100, deadline=None)
@given(text=st.text("ACGT", max_size=300))
def test_decoding_gives_the_text(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode_text(text).ids) == text


def test_breaks_belong_to_no_token(tokenizer):
    encoding = tokenizer.encode(np.array([4, 0, 0, 7, 255, 2, 4], dtype=np.uint8))
    assert tokenizer.decode(encoding.ids) == "AAG"
    assert encoding.starts.tolist() in ([1, 5], [1, 2, 5])
    assert len(tokenizer.encode(np.full(9, 4, dtype=np.uint8))) == len(tokenizer.encode_text("")) == 0
    assert len(tokenizer.encode_text("acgtn")) == 0


def test_batch_equals_one_by_one(tokenizer, sequence):
    batch = [sequence[:2000], sequence[:0], sequence[5000:5100], np.array([4, 4, 1], dtype=np.uint8)]
    for codes, encoding in zip(batch, tokenizer.encode_batch(batch), strict=True):
        alone = tokenizer.encode(codes)
        np.testing.assert_array_equal(encoding.ids, alone.ids)
        np.testing.assert_array_equal(encoding.starts, alone.starts)
    texts = ["ACGGT" * 9, "", "NacgtA", "TT"]
    for text, encoding in zip(texts, tokenizer.encode_batch(texts), strict=True):
        assert encoding.ids.tolist() == tokenizer.encode_text(text).ids.tolist()
    assert tokenizer.encode_batch([]) == []


def test_properties(tokenizer):
    assert tokenizer.n_ids == 609 and len(tokenizer.pieces) == 604
    assert tokenizer.pieces[:4] == ("A", "C", "G", "T")
    assert tokenizer.special == {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    assert tokenizer.lengths[:9].tolist() == [0] * 5 + [1] * 4
    assert tokenizer.longest == max(map(len, tokenizer.pieces))
    assert tokenizer.piece_codes(8).tolist() == [3] and tokenizer.piece_codes(3).size == 0
    assert len(tokenizer.hash) == 64 and tokenizer.hash == BPETokenizer(tokenizer.merges).hash
    assert tokenizer.hash != BPETokenizer(tokenizer.merges.first(599)).hash


def test_refuses_unknown_ids(tokenizer):
    with pytest.raises(InputError, match="ids 0 to 608"):
        tokenizer.decode([5, 609])
