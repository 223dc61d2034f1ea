"""Windows that overlap, both strands, layers by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.corpus import tokenize
from grover_probe.errors import InputError
from grover_probe.extract.central import central_windows
from grover_probe.extract.layers import parse_layers
from grover_probe.extract.strands import StrandedGenome, is_reverse, reverse_complement
from grover_probe.extract.tables import window_frame
from grover_probe.genome import Region, decode_bases
from grover_probe.windows import fixed_windows


@st.composite
def runs_and_lengths(draw):
    sizes = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 90)), min_size=1, max_size=5))
    edges, begin = [], 0
    for gap, size in sizes:
        edges.append((begin + gap, begin + gap + size))
        begin += gap + size
    length = draw(st.integers(1, 30))
    return np.array(edges), length, draw(st.integers(0, length - 1))


@given(runs_and_lengths())
@settings(deadline=None, max_examples=300)
def test_each_token_once_where_it_is_most_central(case):
    runs, length, overlap = case
    windows, taken = central_windows(runs, length, overlap)
    tokens = np.concatenate([np.arange(*pair) for pair in taken])
    np.testing.assert_array_equal(tokens, np.concatenate([np.arange(*pair) for pair in runs]))
    assert ((windows[:, 0] <= taken[:, 0]) & (taken[:, 1] <= windows[:, 1])).all()
    sizes = windows[:, 1] - windows[:, 0]
    assert (sizes <= length).all() and (taken[:, 0] < taken[:, 1]).all()
    own = np.repeat(np.arange(len(windows)), taken[:, 1] - taken[:, 0])
    run_of = np.searchsorted(runs[:, 1], tokens, side="right")
    if overlap:
        full = np.minimum(runs[:, 1] - runs[:, 0], length)
        assert (sizes == full[np.searchsorted(runs[:, 1], windows[:, 0], side="right")]).all()
    for token, window, run in zip(tokens, own, run_of, strict=True):
        assert runs[run, 0] <= windows[window, 0] and windows[window, 1] <= runs[run, 1]
        depth = np.minimum(token - windows[:, 0], windows[:, 1] - 1 - token)
        assert depth[window] == depth.max()


def test_without_overlap_as_always():
    runs = np.array([[3, 100], [120, 121]])
    np.testing.assert_array_equal(central_windows(runs, 30)[0], fixed_windows(runs, 30))


@pytest.mark.parametrize("overlap", [-1, 30, 31])
def test_overlap_that_leaves_no_step(overlap):
    with pytest.raises(InputError, match="expected 0 to 29 for windows of 30 tokens"):
        central_windows(np.array([[0, 99]]), 30, overlap)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, (0, 1, 2, 3, 4)), ("last", (4,)), ("-1", (4,)), ("embedding,2-3", (0, 2, 3)), ("4, 0,4,-2", (0, 3, 4))],
)
def test_layers(text, expected):
    assert parse_layers(text, 5) == expected


@pytest.mark.parametrize("text", ["", "5", "-6", "3-7", "4-2", "first", "1,,2", "1.5", "0-"])
def test_layers_that_are_none(text):
    with pytest.raises(InputError, match="--layers"):
        parse_layers(text, 5)


class TestStrands:
    def test_reverse_complement(self):
        assert decode_bases(reverse_complement(np.array([0, 1, 4, 2, 3, 3], dtype=np.uint8))) == "AACNGT"

    @pytest.mark.parametrize("strand", ["reverse", "both"])
    def test_sequence_of_every_token(self, tiny_genome, tiny_tokenizer, strand):
        """A token of the reverse strand is the reverse complement of the forward bases that its window's row names."""
        stranded = StrandedGenome(tiny_genome, strand)
        corpus = tokenize(stranded, tiny_tokenizer, progress=False)
        assert [is_reverse(chrom) for chrom in corpus.chroms] == (
            [True] * 3 if strand == "reverse" else [False, True] * 3
        )
        tokens = np.stack([np.arange(len(corpus)), np.arange(len(corpus)) + 1], 1)[::13]
        table = window_frame(corpus, tokens, stranded)
        assert set(table["strand"]) == ({"-"} if strand == "reverse" else {"+", "-"})
        for row in table.itertuples():
            codes = tiny_genome.codes(row.chrom, row.start, row.end)
            codes = reverse_complement(codes) if row.strand == "-" else codes
            assert decode_bases(codes) == tiny_tokenizer.decode(corpus.ids[[row.first_token]])

    def test_regions_on_both_strands(self, tiny_genome, tiny_tokenizer):
        stranded = StrandedGenome(tiny_genome, "both")
        region = Region("chr1", 1_000, 2_000)
        corpus = tokenize(stranded, tiny_tokenizer, ["chr1", "chr1:-"], progress=False)
        runs = corpus.runs(stranded.on_strands([region]))
        found = window_frame(corpus, runs, stranded)
        assert found["strand"].tolist() == ["+", "-"]
        assert ((found["start"] >= 1_000) & (found["end"] <= 2_000)).all()
        assert (found["end"] - found["start"] > 980).all()

    def test_what_is_not_there(self, tiny_genome):
        with pytest.raises(InputError, match="--strand 'up': expected one of forward, reverse, both"):
            StrandedGenome(tiny_genome, "up")
        with pytest.raises(InputError, match="no sequence named 'chr1' on the strands read"):
            StrandedGenome(tiny_genome, "reverse").codes("chr1")
        assert StrandedGenome(tiny_genome, "forward").names == tiny_genome.names
