"""What must come out on the real hg19 chr20: the fingerprint of the GROVER paper's vocabulary, and agreement."""

import numpy as np
import pytest

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.train import train
from grover_probe.data.fetch import cached_path
from grover_probe.errors import DataError
from grover_probe.genome import acgt_segments, decode_bases, open_genome

pytestmark = pytest.mark.chr20


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    try:
        genome = open_genome(cached_path("hg19.chr20"))
    except DataError as error:
        pytest.skip(str(error))
    return genome.codes("chr20")


@pytest.fixture(scope="module")
def chr20_tokenizer(codes) -> BPETokenizer:
    return BPETokenizer(train([codes], 600, progress=False))


def test_fingerprint(codes, chr20_tokenizer):
    encoding = chr20_tokenizer.encode(codes)
    counts = np.bincount(encoding.ids, minlength=chr20_tokenizer.n_ids)
    pieces = dict(zip(chr20_tokenizer.pieces, counts[5:].tolist(), strict=True))
    assert list(chr20_tokenizer.pieces[4:8]) == ["TT", "AA", "TG", "CC"]
    assert "A" * 16 in pieces and "T" * 16 in pieces and "A" * 17 not in pieces
    assert "CG" not in pieces
    assert np.mean(chr20_tokenizer.lengths[encoding.ids]) == pytest.approx(4.066, abs=0.001)
    assert np.mean([piece[0] in "AT" for piece in pieces]) == pytest.approx(0.96, abs=0.005)
    # A, C and T stand alone at most where the sequence is broken.
    n_ends = 2 * len(acgt_segments(codes))
    assert max(pieces["A"], pieces["C"], pieces["T"]) <= n_ends < 100
    assert sum(count > n_ends for count in pieces.values()) == 601


def test_encoding_equals_tokenizers(codes, chr20_tokenizer, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    from grover_probe.bpe import save_tokenizer

    peer = tokenizers.Tokenizer.from_file(str(save_tokenizer(chr20_tokenizer, tmp_path)))
    texts = [decode_bases(codes[begin : begin + 5_000]) for begin in range(0, len(codes), 50_000)]
    for ours, theirs in zip(
        chr20_tokenizer.encode_batch(texts), peer.encode_batch_fast(texts, add_special_tokens=False), strict=True
    ):
        known = np.array(theirs.ids)
        assert np.array_equal(ours.ids, known[known != 1])


def test_threads_and_index_change_nothing(codes, chr20_tokenizer):
    part = codes[20_000_000:24_000_000]
    one, three = (train([part], 600, threads=threads, progress=False) for threads in (1, 3))
    assert one == three and np.array_equal(one.counts, three.counts)
    alone = chr20_tokenizer.encode(codes, threads=1)
    assert np.array_equal(alone.starts, chr20_tokenizer.encode(codes, threads=3).starts)
