"""Tokens of a sequence in its flanks, against the `tokenizers` library."""

import numpy as np
import pytest
from tokenizers import Tokenizer

from grover_probe.bpe import load_tokenizer
from grover_probe.genome import decode_bases
from grover_probe.kmer import KmerTokenizer
from grover_probe.tasks.inner import inner_tokens


@pytest.fixture(scope="module")
def texts(slice_genome):
    name = slice_genome.names[0]
    rng = np.random.default_rng(3)
    starts = rng.integers(200_000, 2_000_000, 30)
    whole = [decode_bases(slice_genome.codes(name, s, s + 500)) for s in starts.tolist()]
    return [text for text in whole if "N" not in text]


def test_as_the_tokenizers_library_cuts_them(texts, sample_checkpoint):
    outside = Tokenizer.from_file(str(sample_checkpoint / "tokenizer.json"))
    expected = []
    for text in texts:
        coded = outside.encode(text, add_special_tokens=False)
        kept = [i for i, (low, high) in zip(coded.ids, coded.offsets, strict=True) if low >= 100 and high <= 400]
        expected.append(kept)
    found = inner_tokens(
        load_tokenizer(sample_checkpoint),
        [t[100:400] for t in texts],
        [t[:100] for t in texts],
        [t[400:] for t in texts],
    )
    assert [ids.tolist() for ids in found] == expected
    alone = inner_tokens(load_tokenizer(sample_checkpoint), [t[100:400] for t in texts])
    assert sum(len(ids) for ids in alone) > sum(len(ids) for ids in found)  # tokens over an edge are in neither half
    assert [ids.tolist() for ids in alone] == [
        outside.encode(text[100:400], add_special_tokens=False).ids for text in texts
    ]


def test_kmers_and_other_letters():
    tokenizer = KmerTokenizer(3)
    assert tokenizer.decode(inner_tokens(tokenizer, ["acgNNtttA"])[0]) == "ACGTTTA"
    assert tokenizer.decode(inner_tokens(tokenizer, ["ACGTACG"], ["A"], ["GG"])[0]) == "GTA"  # AAC|GTA|CGG|G
