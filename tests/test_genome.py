"""Sequence files: every format gives the same bases, and what is damaged is refused."""

import gzip
import os
import re
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import py2bit
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.data.sample import SLICE_LENGTH, SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.genome import (
    N_CODE,
    Genome,
    Region,
    acgt_segments,
    decode_bases,
    encode_bases,
    open_genome,
    short_name,
)
from grover_probe.sequence_files.readers import FastaReader, IndexedFastaReader, TwoBitReader
from grover_probe.sequence_files.twobit import write_2bit

FORMATS = ("plain", "crlf", "one line", "gzip", "bgzip", "plain indexed", "crlf indexed", "bgzip indexed", "2bit")
READERS = {"2bit": TwoBitReader, "indexed": IndexedFastaReader}


@pytest.fixture(scope="session")
def write_as(write_fasta) -> Callable[[str, Path, dict[str, str]], Path]:
    """A function that writes sequences in one of the `FORMATS`."""
    return partial(write_format, write_fasta)


def write_format(write_fasta, kind: str, folder: Path, sequences: dict[str, str]) -> Path:
    if kind == "2bit":
        write_2bit(folder / "genome.2bit", sequences)
        return folder / "genome.2bit"
    width = 10**9 if kind == "one line" else 61
    path = write_fasta(folder / "genome.fa", sequences, width, "\r\n" if "crlf" in kind else "\n")
    if kind == "gzip":
        packed = folder / "genome.fa.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return packed
    if "bgzip" in kind:
        pysam.tabix_compress(str(path), str(folder / "genome.fa.gz"))
        path = folder / "genome.fa.gz"
    if "indexed" in kind:
        pysam.faidx(str(path))
    return path


@pytest.fixture(scope="module", params=FORMATS)
def genome(request, write_as, tiny_text, tmp_path_factory) -> Genome:
    found = open_genome(write_as(request.param, tmp_path_factory.mktemp("formats"), tiny_text))
    assert isinstance(found._reader, READERS.get(request.param.split()[-1], FastaReader))
    return found


def reference_codes(text: str) -> list[int]:
    return ["ACGT".find(letter.upper()) % 5 for letter in text]


def reference_mask(text: str) -> list[bool]:
    """N are not masked in any format: 2bit readers do not agree on them."""
    return [letter in "acgt" for letter in text]


class TestFormats:
    """The same sequences in each format against plain Python strings."""

    def test_names_and_lengths(self, genome, tiny_text):
        assert genome.lengths == {name: len(text) for name, text in tiny_text.items()}
        assert genome.names == tuple(tiny_text)

    def test_codes(self, genome, tiny_text):
        for name, text in tiny_text.items():
            codes = genome.codes(name)
            assert codes.dtype == np.uint8
            assert codes.tolist() == reference_codes(text)

    def test_soft_mask(self, genome, tiny_text):
        for name, text in tiny_text.items():
            assert genome.soft_mask(name).tolist() == reference_mask(text)

    def test_segments(self, genome, tiny_text):
        for name, text in tiny_text.items():
            expected = [match.span() for match in re.finditer("[ACGTacgt]+", text)]
            assert genome.segments(name).tolist() == [list(span) for span in expected]

    def test_stretches_in_any_order(self, genome, tiny_text):
        rng = np.random.default_rng(5)
        names = list(tiny_text)
        for _ in range(60):
            name = names[rng.integers(len(names))]
            start, end = sorted(rng.choice(len(tiny_text[name]) + 1, size=2, replace=False).tolist())
            text = tiny_text[name][start:end]
            assert genome.codes(name, start, end).tolist() == reference_codes(text)
            assert genome.soft_mask(name, start, end).tolist() == reference_mask(text)
            spans = [[m.start() + start, m.end() + start] for m in re.finditer("[ACGTacgt]{5,}", text)]
            assert genome.segments(name, start, end, min_length=5).tolist() == spans

    def test_result_does_not_share_memory_with_the_reader(self, genome):
        genome.codes("chr1")[:] = 9
        assert genome.codes("chr1").max() <= N_CODE


def test_fasta_against_pysam(write_as, tiny_text, tmp_path):
    path = write_as("plain", tmp_path, tiny_text)
    ours = open_genome(path)
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as theirs:
        assert dict(zip(theirs.references, theirs.lengths, strict=True)) == ours.lengths
        for name in ours.names:
            assert theirs.fetch(name, 100, 700).upper() == decode_bases(ours.codes(name, 100, 700))


def test_2bit_against_py2bit():
    path = sample_path("chr20_slice.2bit")
    ours, theirs = open_genome(path), py2bit.open(str(path), True)
    assert ours.lengths == theirs.chroms() == {SLICE_NAME: SLICE_LENGTH}
    for start in (0, 1_234_567, SLICE_LENGTH - 5_000):
        text = theirs.sequence(SLICE_NAME, start, start + 5_000)
        assert decode_bases(ours.codes(SLICE_NAME, start, start + 5_000)) == text.upper()
        assert ours.soft_mask(SLICE_NAME, start, start + 5_000).tolist() == reference_mask(text)


@given(st.text("ACGTNacgtn", min_size=1, max_size=90), st.data())
@settings(max_examples=60, deadline=None)
def test_2bit_of_any_sequence(tmp_path_factory, text, data):
    path = tmp_path_factory.mktemp("any") / "any.2bit"
    write_2bit(path, {"before": "ACG", "x": text})
    genome = open_genome(path)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert genome.codes("x", start, end).tolist() == reference_codes(text[start:end])
    assert genome.soft_mask("x", start, end).tolist() == reference_mask(text[start:end])


@given(st.text("ACGTNacgtnRX", max_size=40), st.integers(1, 5))
def test_segments_are_what_a_regular_expression_finds(text, min_length):
    found = acgt_segments(encode_bases(text), min_length)
    assert found.dtype == np.int64
    assert found.shape == (len(found), 2)
    assert found.tolist() == [list(m.span()) for m in re.finditer(f"[ACGTacgt]{{{min_length},}}", text)]


@given(st.text("ACGTN", max_size=30))
def test_codes_and_back(text):
    assert decode_bases(encode_bases(text)) == text
    assert decode_bases(encode_bases(text.lower().encode())) == text


def test_any_other_letter_is_n():
    assert set(encode_bases("RYKMSWBDHVXU-*.é\n").tolist()) == {N_CODE}


@pytest.mark.parametrize(
    ("name", "short"),
    [("chr20", "20"), ("20", "20"), ("Chr20", "20"), ("chrM", "MT"), ("MT", "MT"), ("M", "MT"), ("chrX", "X")],
)
def test_short_names(name, short):
    assert short_name(name) == short


@pytest.mark.parametrize(
    ("in_file", "asked"),
    [("chr20", "20"), ("20", "chr20"), ("chrM", "MT"), ("MT", "chrM"), ("M", "chrM"), ("scaffold_1", "scaffold_1")],
)
def test_chromosome_naming(write_fasta, tmp_path, in_file, asked):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {in_file: "ACGT", "other": "GG"}))
    assert genome.resolve(asked) == in_file
    assert genome.length(asked) == 4
    assert genome.region(asked, 1, 3) == Region(in_file, 1, 3)
    assert genome.codes(asked).tolist() == [0, 1, 2, 3]


def test_the_spelling_of_the_file_wins(write_fasta, tmp_path):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {"20": "AA", "chr20": "CCC"}))
    assert (genome.length("20"), genome.length("chr20")) == (2, 3)


def test_only_two_chromosomes_are_kept_in_memory(write_fasta, tmp_path):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {f"chr{i}": "ACGT" * i for i in range(1, 6)}))
    for name in ("5", "1", "3", "2", "3", "4", "1"):
        assert len(genome.codes(name)) == 4 * int(name)
        assert len(genome._reader._kept) <= 2


def test_region_reads_well():
    assert str(Region("chr20", 1_000, 2_500)) == "chr20:1,000-2,500"
    assert len(Region("chr20", 1_000, 2_500)) == 1_500


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 801), (800, None)])
def test_regions_outside_are_refused(tiny_genome, start, end):
    with pytest.raises(InputError, match=r"chrM.*0-800.*another assembly"):
        tiny_genome.codes("MT", start, end)


def test_unknown_chromosome(tiny_genome):
    with pytest.raises(InputError, match="no sequence named 'chr21'; it has chr1, chr2, chrM"):
        tiny_genome.codes("chr21")


class TestIndex:
    """An index is used when it fits the file, and only then."""

    @pytest.fixture(params=["plain indexed", "bgzip indexed"])
    def indexed(self, request, write_as, tmp_path, tiny_text) -> Path:
        return write_as(request.param, tmp_path, tiny_text)

    def replace_behind_the_index(self, write_fasta, path: Path, sequences: dict[str, str]) -> None:
        """Another sequence under the same name, with a time stamp older than the index."""
        text = write_fasta(path.with_name("other.fa"), sequences, 61)
        if path.suffix == ".gz":
            pysam.tabix_compress(str(text), str(path), force=True)
        else:
            text.replace(path)
        os.utime(path, (1, 1))

    @pytest.mark.parametrize("change", ["shorter", "longer", "renamed", "one more", "one less", "shifted"])
    def test_index_of_another_file_is_not_used(self, indexed, write_fasta, tiny_text, change):
        one = tiny_text["chr1"]
        changed = {
            "shorter": {**tiny_text, "chr1": one[:-500]},
            "longer": {**tiny_text, "chrM": tiny_text["chrM"] + "ACGT" * 30},
            "renamed": {"chr9" if name == "chr1" else name: text for name, text in tiny_text.items()},
            "one more": {**tiny_text, "chr3": "ACGTTGCA"},
            "one less": {"chr1": one, "chr2": tiny_text["chr2"]},
            "shifted": {"chr01": one, **{name: tiny_text[name] for name in ("chr2", "chrM")}},
        }[change]
        self.replace_behind_the_index(write_fasta, indexed, changed)
        genome = open_genome(indexed)
        assert isinstance(genome._reader, FastaReader)
        for name, text in changed.items():
            assert genome.codes(name).tolist() == reference_codes(text)

    def test_older_index_is_not_used(self, indexed):
        os.utime(f"{indexed}.fai", (1, 1))
        assert isinstance(open_genome(indexed)._reader, FastaReader)

    @pytest.mark.parametrize("content", ["", "chr1\n", "chr1\t4\tx\t60\t61\n", "chr1\t4\t6\t0\t1\n", "\N{EURO SIGN}\n"])
    def test_broken_index_is_not_used(self, indexed, content):
        Path(f"{indexed}.fai").write_text(content, encoding="utf-8")
        assert isinstance(open_genome(indexed)._reader, FastaReader)

    def test_damage_behind_a_fitting_index_is_seen_when_it_is_read(self, write_as, tmp_path, tiny_text):
        path = write_as("plain indexed", tmp_path, tiny_text)
        content = bytearray(path.read_bytes())
        content[200] = ord("5")
        path.write_bytes(content)
        os.utime(path, (1, 1))
        genome = open_genome(path)
        assert genome.codes("chr2").tolist() == reference_codes(tiny_text["chr2"])
        with pytest.raises(InputError, match="damaged"):
            genome.codes("chr1")

    def test_duplicate_that_htslib_passes_over(self, tmp_path, capfd):
        path = tmp_path / "twice.fa"
        path.write_text(">a\nACGT\n>a\nGG\n")
        pysam.faidx(str(path))
        capfd.readouterr()
        with pytest.raises(InputError, match=r"twice\.fa:3: 'a' is already the name of the sequence in line 1"):
            open_genome(path)
        assert capfd.readouterr().err == ""


def test_file_that_changes_after_it_was_opened(write_fasta, tmp_path):
    path = write_fasta(tmp_path / "g.fa", {"a": "ACGT", "b": "GG"})
    genome = open_genome(path)
    write_fasta(path, {"a": "ACGTA"})
    for name in ("a", "b"):
        with pytest.raises(InputError, match="has changed since the file was opened"):
            genome.codes(name)


@pytest.fixture(scope="module")
def content(tmp_path_factory, tiny_text) -> bytes:
    """A 2bit file."""
    path = tmp_path_factory.mktemp("whole") / "whole.2bit"
    write_2bit(path, tiny_text)
    return path.read_bytes()


class TestBad2bit:
    """Every cut is refused; mapped into memory some of them would kill the process."""

    def test_truncated_anywhere(self, content, tmp_path):
        cuts = [*range(4, 120), *range(120, len(content), 37), len(content) - 1]
        path = tmp_path / "cut.2bit"
        for cut in cuts:
            path.write_bytes(content[:cut])
            with pytest.raises(InputError, match="truncated or damaged"):
                open_genome(path)

    @given(st.binary(min_size=16, max_size=200))
    @settings(deadline=None)
    def test_junk_after_the_signature(self, tmp_path_factory, junk):
        path = tmp_path_factory.getbasetemp() / "junk.2bit"
        path.write_bytes(b"\x43\x27\x41\x1a" + bytes(4) + junk)
        with pytest.raises(InputError, match=r"junk\.2bit: "):
            open_genome(path)

    @pytest.mark.parametrize(
        ("at", "value", "message"),
        [
            (0, b"\x1a\x41\x27\x43", "big-endian"),
            (4, struct.pack("<I", 1), "version 1"),
            (8, struct.pack("<I", 0), "no sequences"),
            (8, struct.pack("<I", 10**9), "truncated or damaged"),
            (16, b"\0", "a name is empty"),
            (25, b"\x04chr1", "two sequences are named 'chr1'"),
        ],
    )
    def test_header(self, content, tmp_path, at, value, message):
        path = tmp_path / "bad.2bit"
        path.write_bytes(content[:at] + value + content[at + len(value) :])
        with pytest.raises(InputError, match=message):
            open_genome(path)

    def test_blocks_past_the_end(self, tmp_path):
        path = tmp_path / "blocks.2bit"
        write_2bit(path, {"a": "ACGNN"})
        content = bytearray(path.read_bytes())
        content[30] += 1  # the size of the only run of N: header 16, index 6, bases 4, count 4
        assert content[26:30] == struct.pack("<I", 1)
        content[34] += 1
        path.write_bytes(content)
        with pytest.raises(InputError, match="truncated or damaged"):
            open_genome(path)


@pytest.mark.parametrize("name", ["nowhere.fa", "folder", "nowhere/file.2bit"])
def test_no_file(tmp_path, name):
    (tmp_path / "folder").mkdir()
    problem = "is a folder" if name == "folder" else "no such file"
    with pytest.raises(InputError, match=f"{name}: {problem}; expected a FASTA"):
        open_genome(tmp_path / name)
