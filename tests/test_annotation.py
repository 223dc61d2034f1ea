"""BED files: what is wrong is named with its line, and overlap is what bedtools says it is."""

import gzip
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grover_probe.annotation import Intervals, read_bed, read_intervals, require_bedtools, share_per_token
from grover_probe.data.sample import SLICE_NAME, sample_path
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.genome import Region, open_genome


def write_bed(folder: Path, text: str) -> Path:
    path = folder / "some repeats.bed"
    path.write_bytes(text.encode())
    return path


GOOD = {
    "three columns": "chr1\t10\t20\n",
    "more columns": "chr1\t10\t20\tAlu\t900\t+\t10\t20\n",
    "no end of the last line": "chr1\t10\t20",
    "DOS line ends": "chr1\t10\t20\r\n",
    "track line": "track name='my repeats' description=\"x\"\nchr1\t10\t20\n",
    "browser lines": "browser position chr1:1-100\nbrowser hide all\ntrack x\nchr1\t10\t20\n",
    "comment and blank lines": "# a comment\n\nchr1\t10\t20\n   \n#chr1\t5\t6\n",
    "byte order mark": "\ufeffchr1\t10\t20\n",
    "other naming": "1\t10\t20\n",
    "blanks around numbers": "chr1\t 10\t20 \n",
    "empty interval": "chr1\t10\t20\nchr1\t30\t30\n",
    "other sequences": "chr1\t10\t20\nchr21\t5\t99999999\nGL000192.1\t5\t6\n",
    "leading zeros": "chr1\t0010\t020\n",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_files(tmp_path, tiny_genome, text, packed):
    path = write_bed(tmp_path, text)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    regions, elsewhere = read_bed(path, tiny_genome)
    assert [(region.chrom, region.start, region.end) for region in regions] == [("chr1", 10, 20)]
    assert regions[0].name == ("Alu" if "Alu" in text else "")
    assert elsewhere == (2 if "chr21" in text else 0)


BAD = {
    "end before start": ("chr1\t1\t2\nchr1\t20\t10\n", ":2: chr1:20-10 ends before it starts"),
    "negative start": ("chr1\t-5\t10\n", ":1: chr1:-5-10 is negative"),
    "negative end": ("# x\nchr1\t5\t-10\n", ":2: chr1:5--10 is negative"),
    "two minus signs": ("chr1\t--5\t10\n", ":1: start '--5' and end '10' must be whole numbers"),
    "letters": ("chr1\tfive\t10\n", ":1: start 'five' and end '10' must be whole numbers"),
    "header line": ("chrom\tstart\tend\nchr1\t1\t2\n", ":1: start 'start' and end 'end' must be whole numbers"),
    "fraction": ("chr1\t5\t10.5\n", ":1: start '5' and end '10.5' must be whole numbers"),
    "exponent": ("chr1\t5\t1e6\n", ":1: start '5' and end '1e6' must be whole numbers"),
    "thousands separators": ("chr1\t1,000\t2,000\n", ":1: start '1,000' and end '2,000' must be whole"),
    "digits without end": (f"chr1\t5\t{'9' * 5000}\n", ":1: start '5' and end '9"),
    "other digits": ("chr1\t5\t\N{ARABIC-INDIC DIGIT SEVEN}\n", ":1: start '5' and end"),
    "empty column": ("chr1\t\t10\n", ":1: start '' and end '10' must be whole numbers"),
    "spaces for tabs": ("chr1 10 20\n", ":1: not a BED line: columns must be separated by tabs, not spaces"),
    "spaces for some tabs": ("chr1\t10 20\n", ":1: not a BED line: columns must be separated by tabs"),
    "two columns": ("chr1\t10\n", ":1: not a BED line: expected 3 columns"),
    "no name": ("\t10\t20\n", ":1: '' is not a chromosome name"),
    "blank behind the name": ("chr1 \t10\t20\n", ":1: 'chr1 ' is not a chromosome name"),
    "another assembly": ("chr1\t11000\t13000\n", r":1: chr1:11000-13000 runs past the end of chr1 \(12,000 bp\)"),
    "other sequences only": ("chr21\t1\t2\nchr22\t1\t2\n", "nothing on tiny.fa .*its 2 intervals are on chr21, chr22"),
    "nothing": ("", "nothing on tiny.fa .*it has no intervals"),
    "headers only": ("track x\n# y\n", "nothing on tiny.fa .*it has no intervals"),
    "empty intervals only": ("chr1\t5\t5\n", "nothing on tiny.fa .*it has no intervals"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, tiny_genome, text, message):
    with pytest.raises(InputError, match=rf"some repeats\.bed(: )?{message}"):
        read_bed(write_bed(tmp_path, text), tiny_genome)


def test_binary_file(tmp_path, tiny_genome):
    (tmp_path / "x.bed").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match=r"x\.bed: binary data"):
        read_bed(tmp_path / "x.bed", tiny_genome)


@pytest.mark.parametrize(
    "content", [gzip.compress(b"chr1\t1\t2\n" * 9_000)[:-20], b"\x1f\x8b", b"\x1f\x8b" + b"x" * 99]
)
def test_damaged_gzip(tmp_path, tiny_genome, content):
    (tmp_path / "x.bed.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.bed\.gz: the gzip stream is truncated or damaged"):
        read_bed(tmp_path / "x.bed.gz", tiny_genome)


def test_no_file(tmp_path, tiny_genome):
    (tmp_path / "file").touch()
    for path, problem in [
        (tmp_path / "none.bed", "no such file"),
        (tmp_path / "file" / "x.bed", "no such file"),
        (tmp_path, "is a folder"),
    ]:
        with pytest.raises(InputError, match=problem):
            read_bed(path, tiny_genome)


def test_intervals_are_merged(tmp_path, tiny_genome, bedtools):
    text = "chr2\t50\t60\nchr1\t30\t40\n1\t10\t20\nchr1\t20\t25\nchr1\t5\t11\nchr1\t31\t33\nchr21\t1\t2\n"
    found = read_intervals(write_bed(tmp_path, text), tiny_genome)
    assert {chrom: pairs.tolist() for chrom, pairs in found.by_chrom.items()} == {
        "chr1": [[5, 25], [30, 40]],
        "chr2": [[50, 60]],
    }
    assert (found.name, found.n_read, found.elsewhere, found.bases) == ("some repeats", 6, 1, 40)
    assert repr(found) == "Intervals(some repeats: 6 intervals, 40 bases)"


def test_temporary_files_of_others_stay(tmp_path, tiny_genome, bedtools, monkeypatch):
    """`pybedtools.cleanup()` would take away what a notebook is working on."""
    import pybedtools

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    other = pybedtools.BedTool("chr9\t1\t2\n", from_string=True)
    read_intervals(write_bed(tmp_path, "chr1\t1\t9\nchr1\t4\t12\n"), tiny_genome)
    assert [path.name for path in folder.iterdir()] == [Path(other.fn).name]
    assert str(other).strip() == "chr9\t1\t2"
    Path(other.fn).unlink()


def test_missing_bedtools(tmp_path, tiny_genome, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"apt-get install bedtools.*conda install.*brew install bedtools"):
        read_intervals(write_bed(tmp_path, "chr1\t1\t9\n"), tiny_genome)


def test_bedtools_is_accepted_where_it_is(bedtools):
    require_bedtools()


stretches = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=12)


@given(stretches, stretches)
def test_overlaps_against_every_pair(intervals, asked):
    covered = np.zeros(80, dtype=bool)
    for start, size in intervals:
        covered[start : start + size] = True
    edges = np.flatnonzero(np.diff(covered.astype(int), prepend=0, append=0)).reshape(-1, 2)
    found = Intervals("x", {"chr1": edges}, len(intervals), 0)
    starts = np.array([start for start, _ in asked], dtype=np.int64)
    ends = np.array([start + size for start, size in asked], dtype=np.int64)
    expected = [covered[start:end].any() for start, end in zip(starts, ends, strict=True)]
    assert found.overlaps("chr1", starts, ends).tolist() == expected
    assert found.overlaps("1", starts, ends).tolist() == expected  # the same chromosome
    assert not found.overlaps("chr2", starts, ends).any()


def brute_shares(corpus, runs, regions) -> np.ndarray:
    """Token by token, interval by interval."""
    inside, total = np.zeros((2, len(corpus.token_lengths)))
    ends = corpus.ends()
    for begin, stop in runs:
        for token in range(begin, stop):
            total[corpus.ids[token]] += 1
            chrom = corpus.chroms[sum(corpus.bounds[1:] <= token)]
            inside[corpus.ids[token]] += any(
                region.chrom == chrom and region.start < ends[token] and corpus.starts[token] < region.end
                for region in regions
            )
    with np.errstate(invalid="ignore"):
        return inside / total


@pytest.fixture
def scattered(tiny_genome) -> list[Region]:
    """Overlapping, nested and touching intervals on two of three chromosomes."""
    rng = np.random.default_rng(2)
    starts, sizes = rng.integers(0, 11_000, 60), rng.choice([1, 2, 30, 300], 60)
    found = [Region("chr1", int(a), int(a + n)) for a, n in zip(starts, sizes, strict=True)]
    return [*found, Region("chr2", 0, 50), Region("chr2", 50, 70), Region("chr2", 4_999, 5_000)]


def as_bed(regions) -> str:
    return "".join(f"{region.chrom}\t{region.start}\t{region.end}\n" for region in regions)


@pytest.mark.parametrize("part", [None, [Region("chr1", 2_000, 6_000), Region("chr2", 0, 5_000)]], ids=["all", "part"])
def test_share_per_token_against_brute_force(tmp_path, tiny_genome, tiny_corpus, scattered, bedtools, part):
    intervals = read_intervals(write_bed(tmp_path, as_bed(scattered)), tiny_genome)
    runs = tiny_corpus.runs(part)
    found = share_per_token(tiny_corpus, runs, intervals)
    np.testing.assert_array_equal(found, brute_shares(tiny_corpus, runs, scattered))
    assert np.isnan(found[:5]).all()  # special tokens do not occur
    assert 0 < np.nanmean(found) < 1


def test_share_per_token_against_bedtools(tmp_path, tiny_corpus, tiny_genome, scattered, bedtools):
    intervals = read_intervals(write_bed(tmp_path, as_bed(scattered)), tiny_genome)
    ends = tiny_corpus.ends()
    chroms = [tiny_corpus.chroms[index] for index in tiny_corpus.chrom_of(np.arange(len(tiny_corpus)))]
    tokens = zip(chroms, tiny_corpus.starts, ends, tiny_corpus.ids, strict=True)
    (tmp_path / "tokens.bed").write_text("".join(f"{c}\t{a}\t{b}\t{number}\n" for c, a, b, number in tokens))
    command = [
        bedtools,
        "intersect",
        "-u",
        "-a",
        str(tmp_path / "tokens.bed"),
        "-b",
        str(tmp_path / "some repeats.bed"),
    ]
    hits = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    inside = np.bincount([int(line.split("\t")[3]) for line in hits.splitlines()], minlength=39)
    total = np.bincount(tiny_corpus.ids, minlength=39)
    found = share_per_token(tiny_corpus, tiny_corpus.runs(), intervals)
    np.testing.assert_array_equal(found[total > 0], (inside / np.maximum(total, 1))[total > 0])


def test_share_does_not_depend_on_how_runs_are_cut_or_intervals_are_ordered(
    tmp_path, tiny_genome, tiny_corpus, scattered, bedtools
):
    runs = tiny_corpus.runs()
    one = share_per_token(tiny_corpus, runs, read_intervals(write_bed(tmp_path, as_bed(scattered)), tiny_genome))
    halves = np.concatenate([[[a, (a + b) // 2], [(a + b) // 2, b]] for a, b in runs[::-1]])
    turned = read_intervals(write_bed(tmp_path, as_bed(scattered[::-1])), tiny_genome)
    np.testing.assert_array_equal(one, share_per_token(tiny_corpus, halves, turned))


def test_repeats_of_the_sample(bedtools):
    genome = open_genome(sample_path("chr20_slice.2bit"))
    found = read_intervals(sample_path("repeats.bed.gz"), genome)
    assert found.elsewhere == 0
    assert list(found.by_chrom) == [SLICE_NAME]
    assert 0.4 < found.bases / genome.length(SLICE_NAME) < 0.65  # about half of the genome is repeats
    masked = genome.soft_mask(SLICE_NAME, 0, 200_000)
    positions = np.arange(200_000)
    inside = found.overlaps(SLICE_NAME, positions, positions + 1)
    assert (inside == masked).mean() > 0.9  # lower case is RepeatMasker's (and low complexity's) in the 2bit
