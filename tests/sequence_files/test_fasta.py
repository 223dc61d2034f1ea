"""Streaming of FASTA: the size of the blocks never matters, and a message names the line."""

import gzip
import random
import zlib
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grover_probe.errors import InputError
from grover_probe.genome import open_genome
from grover_probe.sequence_files import fasta
from grover_probe.sequence_files.fasta import read_fasta, scan_fasta


def slow_fasta(text: str) -> dict[str, str]:
    """Line by line."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith(">"):
            name = line[1:].split()[0]
            found[name] = ""
        elif line:
            found[name] += line
    return found


def read_all(path: Path) -> dict[str, str]:
    return {name: letters.tobytes().decode() for name, letters in read_fasta(path)}


@st.composite
def fasta_texts(draw) -> str:
    """FASTA with lines of any length, blank lines, Unix or DOS line ends, with or without an end of the last line."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [""] * draw(st.integers(0, 2))
    for number in range(draw(st.integers(1, 4))):
        lines.append(f">s{number}" + draw(st.sampled_from(["", " words > more", "\tx"])))
        lines += draw(st.lists(st.text("ACGTNacgtnRY-*.", max_size=12), max_size=4))
        lines.append(draw(st.text("ACGT", min_size=1, max_size=5)))
    return end.join(lines) + draw(st.sampled_from(["", end, end + end]))


@given(fasta_texts(), st.integers(1, 40))
@example(">a\nAC\n>b\nG", 1)
@example(">a\r\nAC\r\n\r\n>b\r\nG", 3)
@settings(max_examples=150, deadline=None)
def test_any_block_size_gives_what_reading_by_line_gives(tmp_path_factory, text, block):
    path = tmp_path_factory.getbasetemp() / "any.fa"
    path.write_bytes(text.encode())
    expected = slow_fasta(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "_BLOCK", block)
        assert read_all(path) == expected
        assert scan_fasta(path) == {name: len(sequence) for name, sequence in expected.items()}
        path.write_bytes(gzip.compress(text.encode()))
        assert read_all(path) == expected


def test_against_pysam(tiny_fasta):
    ours = read_all(tiny_fasta)
    with pysam.FastxFile(str(tiny_fasta)) as theirs:
        assert {record.name: record.sequence for record in theirs} == ours


def test_letters_are_ascii_codes(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nAcgN\n")
    ((name, letters),) = read_fasta(path)
    assert (name, letters.dtype, letters.tobytes()) == ("a", np.uint8, b"AcgN")


def test_bgzip_and_gzip_of_several_members(tmp_path):
    text = b">a\n" + b"ACGT" * 30_000 + b"\n>b\nGG\n"
    pysam.BGZFile(str(tmp_path / "b.fa.gz"), "wb").write(text)
    (tmp_path / "m.fa.gz").write_bytes(gzip.compress(text[:1_000]) + gzip.compress(text[1_000:]))
    assert scan_fasta(tmp_path / "b.fa.gz") == scan_fasta(tmp_path / "m.fa.gz") == {"a": 120_000, "b": 2}


BAD = {
    "empty": (b"", r"bad\.fa: the file is empty"),
    "blank lines only": (b"\n\n\r\n", r"bad\.fa: the file is empty"),
    "no header": (b"ACGT\nACGT\n", r"bad\.fa:1: sequence before any header"),
    "header in line 3": (b"\nAC\n>a\nACGT\n", r"bad\.fa:2: sequence before any header"),
    "fastq": (b"@read\nACGT\n+\nIIII\n", r"bad\.fa:1: sequence before any header"),
    "no name": (b">a\nAC\n>\nGG\n", r"bad\.fa:3: a '>' header without a name"),
    "blank name": (b">  \t\nGG\n", r"bad\.fa:1: a '>' header without a name"),
    "same name twice": (b">a\nAC\n>b\nG\n>a x\nGG\n", r"bad\.fa:5: 'a' is already the name of the sequence in line 1"),
    "no bases": (b">a\n>b\nGG\n", r"bad\.fa: sequence 'a' has no bases"),
    "header alone": (b">a", r"bad\.fa: sequence 'a' has no bases"),
    "digit": (b">a\nACGT\nAC1T\n", r"bad\.fa:3: '1' is not a sequence letter"),
    "digit after DOS line ends": (b">a\r\nACGT\r\nAC1T\r\n", r"bad\.fa:3: '1' is not a sequence letter"),
    "line numbers": (b">a\n   1 ACGT\n", r"bad\.fa:2: a blank is not a sequence letter"),
    "blank at the end": (b">a\nACGT\n\n>b\nAC\nGT \n", r"bad\.fa:6: a blank is not"),
    "tab": (b">a\nAC\tGT\n", r"bad\.fa:2: a blank is not"),
    "protein": (b">a\nMLPWE\n", r"bad\.fa:2: 'L' is not a sequence letter"),
    "header within a line": (b">a\nACGT>b\nACGT\n", r"bad\.fa:2: '>' is not a sequence letter"),
    "zero bytes": (b">a\nAC\0T\n", r"bad\.fa:2: '\\x00' is not a sequence letter"),
    "binary": (bytes(range(128, 256)) * 40, r"bad\.fa: binary data"),
    "binary with a '>'": (b">\xff\xfe\n", r"bad\.fa:1: the header is not ASCII"),
    "zip archive": (b"PK\x03\x04\x14\0\0\0", r"bad\.fa: binary data"),
    "html": (b"<!DOCTYPE html>\n<p>404</p>\n", r"bad\.fa:1: sequence before any header"),
    "old Mac line ends": (b">a\rACGT\r", r"bad\.fa: sequence 'a' has no bases"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, monkeypatch, content, message, packed):
    path = tmp_path / "bad.fa"
    path.write_bytes(gzip.compress(content) if packed else content)
    for block in (1 << 24, 7, 1):
        monkeypatch.setattr(fasta, "_BLOCK", block)
        with pytest.raises(InputError, match=message):
            open_genome(path)


@given(st.lists(st.text("ACGTN", max_size=8), min_size=1, max_size=12), st.data(), st.integers(1, 60))
@settings(deadline=None)
def test_the_line_of_a_bad_letter(tmp_path_factory, lines, data, block):
    lines = [">a", "ACGT", *lines, ">b", "GG"]
    number = data.draw(st.sampled_from([n for n, line in enumerate(lines, 1) if not line.startswith(">")]))
    column = data.draw(st.integers(0, len(lines[number - 1])))
    lines[number - 1] = lines[number - 1][:column] + "7" + lines[number - 1][column:]
    path = tmp_path_factory.getbasetemp() / "line.fa"
    path.write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "_BLOCK", block)
        with pytest.raises(InputError, match=f"line.fa:{number}: '7' is not"):
            scan_fasta(path)


class TestBadGzip:
    """A compressed file that does not end as it should."""

    @pytest.fixture
    def packed(self) -> bytes:
        letters = random.Random(1).choices("ACGT", k=50_000)
        return gzip.compress(b">a\n" + "".join(letters).encode() + b"\n", mtime=0)

    @pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
    def test_truncated(self, tmp_path, packed, share):
        (tmp_path / "cut.fa.gz").write_bytes(packed[: int(len(packed) * share)])
        with pytest.raises(InputError, match=r"cut\.fa\.gz: the gzip stream is truncated or damaged"):
            open_genome(tmp_path / "cut.fa.gz")

    def test_flipped_bits(self, tmp_path, packed):
        damaged = bytearray(packed)
        damaged[len(packed) // 2] ^= 0xFF
        (tmp_path / "bits.fa.gz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"bits\.fa\.gz"):
            open_genome(tmp_path / "bits.fa.gz")

    def test_gzip_signature_alone(self, tmp_path):
        (tmp_path / "sign.gz").write_bytes(b"\x1f\x8b")
        with pytest.raises(InputError, match=r"sign\.gz: the gzip stream"):
            open_genome(tmp_path / "sign.gz")

    def test_junk_behind_the_stream(self, tmp_path, packed):
        (tmp_path / "tail.fa.gz").write_bytes(packed + b"junk")
        with pytest.raises(InputError, match=r"tail\.fa\.gz: the gzip stream"):
            open_genome(tmp_path / "tail.fa.gz")

    def test_bare_deflate_is_binary(self, tmp_path, packed):
        (tmp_path / "z.fa").write_bytes(zlib.compress(packed))
        with pytest.raises(InputError, match="binary data"):
            open_genome(tmp_path / "z.fa")
