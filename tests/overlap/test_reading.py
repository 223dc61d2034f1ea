"""Annotation of every format gives the same intervals; what cannot be used is named with its line."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.annotation import Intervals, NothingHereError, merge, read_annotation, read_bed, read_intervals
from grover_probe.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data"
RMSK = "585\t463\t13\t6\t17\tchr1\t{a}\t{b}\t-100\t{s}\tAluSx\t{c}\tAlu\t1\t20\t0\t1\n"
RMSK_HEADER = (
    "#bin\tswScore\tmilliDiv\tmilliDel\tmilliIns\tgenoName\tgenoStart\tgenoEnd\tgenoLeft\tstrand\trepName\trepClass\t"
    "repFamily\trepStart\trepEnd\trepLeft\tid\n"
)
GTF = 'chr1\thavana\texon\t{a1}\t{b}\t.\t{s}\t.\tgene_id "g"; gene_type "{c}"; level 2;\n'
FORMATS = {
    "bed9": ("x.bed", "chr1\t{a}\t{b}\t{c}\t0\t{s}\t{a}\t{b}\t0,0,0\n", "", 4),
    "bed by name": ("x.bed", "chr1\t{a}\t{b}\t{c}\t0\t{s}\n", "browser position x\ntrack name=x\n# y\n", "name"),
    "narrowPeak": ("x.narrowPeak.gz", "chr1\t{a}\t{b}\t{c}\t0\t{s}\t7.3\t-1\t0.3\t202\n", "", "name"),
    "broadPeak": ("x.broadPeak", "1\t{a}\t{b}\t{c}\t0\t{s}\t7.3\t-1\t0.3\n", "", 4),
    "gtf": ("x.gtf", GTF, "#!genome-build x\n", "gene_type"),
    "gff3": ("x.gff3.gz", "1\tx\t{c}\t{a1}\t{b}\t.\t{s}\t.\tID=1;biotype={c}\n", "##gff-version 3\n", "biotype"),
    "gff by type": ("x.gff", "1\tx\t{c}\t{a1}\t{b}\t.\t{s}\t.\tID=1\n", "", 3),
    "gff by its look": ("x.txt", "1\tx\t{c}\t{a1}\t{b}\t.\t{s}\t.\tID=1\n", "", "feature"),
    "rmsk": ("rmsk.txt.gz", RMSK, "", "repClass"),
    "rmsk with header": ("rmsk.tsv", RMSK, RMSK_HEADER, "repClass"),
    "bin column": ("x.txt", "585\tchr1\t{a}\t{b}\t{c}\t0\t{s}\n", "", "name"),
    "table": ("x.tsv", "{c}\tchr1\t{a}\t{b}\t{s}\n", "repClass\tchrom\tstart\tend\tstrand\n", "repClass"),
    "table by number": ("x.tsv", "{c}\tchr1\t{a}\t{b}\t{s}\n", "#repClass\tchrom\tchromStart\tchromEnd\tstrand\n", 1),
}


@pytest.mark.parametrize(("name", "line", "header", "column"), FORMATS.values(), ids=FORMATS)
def test_formats(tmp_path, tiny_genome, name, line, header, column):
    rows = [(700, 710, "LINE", "-"), (20, 50, "SINE", "+"), (40, 60, "SINE", "-"), (60, 65, "SINE", "+")]
    text = header + "\n".join(line.format(a=a, a1=a + 1, b=b, c=c, s=s).rstrip("\n") for a, b, c, s in rows)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    found = read_annotation(tmp_path / name, tiny_genome, column, "mine")
    assert found.name == "mine" and len(found) == 4 and found.notes == ()
    assert found.class_names == ("LINE", "SINE")
    assert found.classes["LINE"].by_chrom["chr1"].tolist() == [[700, 710]]
    assert found.classes["SINE"].by_chrom["chr1"].tolist() == [[20, 65]]
    assert found.by_class(1)["SINE"].by_chrom["chr1"].tolist() == [[20, 50], [60, 65]]
    assert found.by_class(-1)["SINE"].bases == 20 and found.by_class(1)["LINE"].bases == 0
    whole = read_annotation(tmp_path / name, tiny_genome)
    assert list(whole.classes) == [name.split(".")[0]] and whole.classes[name.split(".")[0]].bases == 55


def test_what_is_left_out_is_reported(tmp_path, tiny_genome):
    text = "chr1\t5\t9\tA\nchr1\t7\t7\tB\nchr9\t1\t2\tC\nchrUn\t1\t2\tC\nchr2\t3\t3\tA\n"
    (tmp_path / "x.bed").write_text(text)
    found = read_annotation(tmp_path / "x.bed", tiny_genome, 4)
    assert found.notes == (
        f"{tmp_path}/x.bed:2: an interval without a base; 2 such intervals are left out",
        f"{tmp_path}/x.bed: 2 intervals lie on sequences that tiny.fa does not have (chr9, chrUn); left out",
    )
    assert found.class_names == ("A",) and found.elsewhere == 2


def test_empty_classes_have_a_name(tmp_path, tiny_genome):
    (tmp_path / "x.bed").write_text("chr1\t5\t9\t\nchr1\t15\t19\tA\n")
    assert read_annotation(tmp_path / "x.bed", tiny_genome, 4).class_names == ("(none)", "A")


def test_a_bedtool(tmp_path, tiny_genome, bedtools):
    import pybedtools

    (tmp_path / "x.bed").write_text("chr1\t5\t9\nchr1\t7\t20\n")
    whole = read_annotation(pybedtools.BedTool(str(tmp_path / "x.bed")), tiny_genome, name="x")
    assert whole.classes["x"].by_chrom["chr1"].tolist() == [[5, 20]]


BAD = {
    "end before start": ("x.bed", "chr1\t1\t2\nchr1\t20\t10\n", None, r":2: chr1:20-10 ends before it starts"),
    "text": ("x.bed", "chr1\t1\t2\nchr1\ta\t10\n", None, ":2: start 'a' and end '10' must be whole numbers"),
    "negative": ("x.bed", "chr1\t-5\t10\n", None, ":1: chr1:-5-10 is negative"),
    "spaces": ("x.bed", "chr1 5 10\n", None, ":1: not a BED line: columns must be separated by tabs"),
    "past the end": ("x.bed", "# y\n1\t11000\t13000\n", None, r":2: 1:11000-13000 runs past .*another assembly"),
    "gtf from 0": ("x.gtf", "chr1\tx\texon\t0\t9\t.\t+\t.\tx\n", None, ":1: starts at 0; the first base"),
    "gtf text": ("x.gtf", "chr1\tx\texon\ta\t9\t.\t+\t.\tx\n", None, ":1: start 'a' and end '9' must be whole"),
    "short gtf": ("x.gtf", "chr1\tx\texon\n", None, ":1: not a line of a GTF or GFF: expected 5 columns"),
    "no such column": ("x.bed", "chr1\t1\t2\tA\nchr1\t3\t4\n", 4, ":2: 3 columns; expected a class in column 4"),
    "no such name": ("x.bed", "chr1\t1\t2\tA\n", "repClass", "no column 'repClass'; this BED has chrom, start, end"),
    "no such attribute": ("x.gtf", "chr1\tx\texon\t1\t9\t.\t+\t.\tID=1\n", "biotype", "has an attribute 'biotype'"),
    "position": ("x.bed", "chr1\t1\t2\tA\n", 2, "column 2 holds the position"),
    "column 0": ("x.bed", "chr1\t1\t2\tA\n", 0, "column 0 holds the position"),
    "too many": ("x.bed", "".join(f"chr1\t1\t2\tA{i}\n" for i in range(201)), 4, "the class column has 201 values"),
    "binary": ("x.bed", "chr1\x00\t1\t2\n", None, "binary data"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "column", "message"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, tiny_genome, name, text, column, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_annotation(tmp_path / name, tiny_genome, column)


def test_nothing_here(tmp_path, tiny_genome):
    for text, message in (
        ("chr21\t1\t2\nchr22\t1\t2\n", "its 2 intervals are on chr21, chr22; the two name their sequences differently"),
        ("chr1\t5\t5\n", "none of its 1 intervals has a base"),
        ("# x\n", "it has no intervals"),
    ):
        (tmp_path / "x.bed").write_text(text)
        with pytest.raises(NothingHereError, match=rf"x\.bed: nothing on tiny\.fa \(chr1, chr2, chrM\): {message}"):
            read_annotation(tmp_path / "x.bed", tiny_genome)


intervals = st.builds(
    lambda chrom, start, size, name: f"{chrom}\t{start}\t{start + size}\t{name}",
    st.sampled_from(["chr1", "1", "chr2", "chr7"]),
    st.integers(0, 700),
    st.integers(0, 90),
    st.sampled_from("AB"),
)
others = st.sampled_from(
    ["", "# c", "track x", "browser y", "  \t ", "chr1\t1", "chr1\tx\t3\tA", " chr1\t1\t2\tA", "chr1\t 1\t2 \tA",
     "chr1\t9\t1\tA", "chr1\t-1\t1\tA", "chr1\t1\t99999999999999999999\tA", "chr1\t1\t2\tA\r", "\t1\t2", "chr1\t\t2"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(intervals, others), max_size=12))
def test_the_scan_reads_what_the_strict_reader_reads(tmp_path_factory, tiny_genome, rows):
    path = tmp_path_factory.mktemp("scan") / "x.bed"
    path.write_bytes("\n".join(rows).encode())
    try:
        regions, elsewhere = read_bed(path, tiny_genome)
    except InputError as error:
        with pytest.raises(
            InputError, match=":[0-9]+: " if "x.bed:" in str(error).replace("x.bed: ", "") else "nothing"
        ):
            read_annotation(path, tiny_genome)
        return
    found = read_annotation(path, tiny_genome)
    assert found.elsewhere == elsewhere
    got = [(found.chroms[c], a, b) for c, a, b in zip(found.chrom, found.start, found.end, strict=True)]
    assert got == [(region.chrom, region.start, region.end) for region in regions]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=12))
def test_merge_against_every_base(pairs):
    covered = np.zeros(80, dtype=int)
    for start, size in pairs:
        covered[start : start + size] = 1
    edges = np.flatnonzero(np.diff(covered, prepend=0, append=0)).reshape(-1, 2)
    found = merge(np.array([(a, a + n) for a, n in pairs], dtype=np.int64).reshape(-1, 2))
    assert found.tolist() == edges.tolist()


def test_merge_against_bedtools(tmp_path, tiny_genome, bedtools):
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 4_000, 300)
    rows = [f"chr{rng.integers(1, 3)}\t{a}\t{a + rng.integers(1, 60)}\n" for a in starts]
    (tmp_path / "x.bed").write_text("".join(rows))
    by_bedtools, ours = (
        read_intervals(tmp_path / "x.bed", tiny_genome),
        read_annotation(tmp_path / "x.bed", tiny_genome),
    )
    assert isinstance(by_bedtools, Intervals)
    for chrom, part in by_bedtools.by_chrom.items():
        assert ours.classes["x"].by_chrom[chrom].tolist() == part.tolist()


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the annotation in ../shared/data")
def test_repeat_classes_of_chr20():
    genome = SimpleNamespace(names=("20",), lengths={"20": 63_025_520}, path=SimpleNamespace(name="chr20"))
    found = read_annotation(SHARED / "repeats_dfam.hg19.chr20.tsv.gz", genome, "repClass")
    assert len(found) == 121_245 and {"LINE", "SINE", "LTR", "Satellite"} <= set(found.class_names)
