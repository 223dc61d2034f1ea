"""Windows against annotation: equal to counting base by base and to bedtools; missing values are missing."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grover_probe.annotation import Intervals, merge, read_annotation
from grover_probe.data.sample import SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.genome import open_genome
from grover_probe.overlap.signals import Signal, read_signal
from grover_probe.overlap.windows import window_coverage, window_labels, window_signal, window_strand

LENGTH = 100
stretch = st.tuples(st.integers(0, LENGTH - 12), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
stretches = st.lists(stretch, max_size=10)


def as_windows(pairs, chrom="chr1"):
    table = pd.DataFrame(pairs, columns=["start", "end"], dtype=np.int64)
    return table.assign(chrom=chrom).sample(frac=1, random_state=1)  # the index is not 0, 1, 2


def as_intervals(pairs, name="x"):
    return Intervals(name, {"chr1": merge(np.array(pairs, dtype=np.int64).reshape(-1, 2))}, len(pairs), 0)


def painted(pairs):
    bases = np.zeros(LENGTH, dtype=bool)
    for start, end in pairs:
        bases[start:end] = True
    return bases


@given(stretches, stretches, stretches)
def test_coverage_and_labels_against_every_base(asked, one, two):
    windows = as_windows(asked)
    classes = {"one": as_intervals(one), "two": as_intervals(two)}
    found = window_coverage(windows, classes, as_bases=True)
    assert found.index.equals(windows.index)
    for name, pairs in (("one", one), ("two", two)):
        expected = [painted(pairs)[a:b].sum() for a, b in zip(windows["start"], windows["end"], strict=True)]
        assert found[name].tolist() == expected
    shares = window_coverage(windows, classes)
    centre = window_labels(shares, "centre", windows=windows, intervals_by_class=classes)
    majority, touched = window_labels(shares, "majority"), window_labels(shares, "any")
    for at, row in windows.iterrows():
        n = {name: painted(pairs)[row.start : row.end].sum() for name, pairs in (("one", one), ("two", two))}
        middle = (row.start + row.end) // 2
        best = "one" if n["one"] >= n["two"] else "two"
        assert touched[at] == (best if n[best] else "none")
        assert majority[at] == (best if 2 * n[best] > row.end - row.start else "none")
        assert centre[at] == ("one" if painted(one)[middle] else "two" if painted(two)[middle] else "none")


def test_coverage_against_bedtools(tmp_path, bedtools):
    """`bedtools coverage` on the embedded slice."""
    import pybedtools

    genome = open_genome(sample_path("chr20_slice.2bit"))
    classes = read_annotation(sample_path("repeats.bed.gz"), genome, 7).classes
    rng = np.random.default_rng(0)
    starts = np.sort(rng.integers(0, 4_190_000, 300))
    windows = pd.DataFrame({"chrom": SLICE_NAME, "start": starts, "end": starts + rng.integers(1, 9_000, 300)})
    windows.to_csv(tmp_path / "w.bed", sep="\t", header=False, index=False)
    found = window_coverage(windows, classes, as_bases=True)
    lines = gzip.decompress(sample_path("repeats.bed.gz").read_bytes()).decode().splitlines()
    for name in ("SINE", "LINE"):
        (tmp_path / "c.bed").write_text("".join(line + "\n" for line in lines if line.split("\t")[6] == name))
        covered = pybedtools.BedTool(str(tmp_path / "w.bed")).coverage(str(tmp_path / "c.bed"))
        assert found[name].tolist() == [int(line[4]) for line in covered]
        pybedtools.cleanup()


def test_other_naming_and_absent_chromosomes():
    windows = pd.DataFrame({"chrom": ["1", "chr9"], "start": [0, 0], "end": [10, 10]})
    assert window_coverage(windows, {"x": as_intervals([(5, 9)])})["x"].tolist() == [0.4, 0.0]


def test_order_of_windows_does_not_matter():
    windows = as_windows([(a, a + 7) for a in range(0, 90, 3)])
    classes = {"x": as_intervals([(5, 50), (60, 61)])}
    whole = window_coverage(windows, classes)
    pd.testing.assert_frame_equal(whole.sort_index(), window_coverage(windows.sort_index(), classes))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"chrom": ["chr1"], "start": [3]}), "windows without column end"),
        (pd.DataFrame({"chrom": ["chr1"], "start": [3], "end": [3]}), r"window 0 \(chr1:3-3\) has no base"),
        (pd.DataFrame({"chrom": ["chr1"], "start": [-1], "end": [3]}), "has no base; expected 0 <= start < end"),
    ],
)
def test_bad_windows(table, message):
    with pytest.raises(InputError, match=message):
        window_coverage(table, {"x": as_intervals([(1, 2)])})


def test_bad_rules():
    coverage = pd.DataFrame({"x": [0.2]})
    with pytest.raises(InputError, match="rule 'most': expected one of majority, any, centre"):
        window_labels(coverage, "most")
    with pytest.raises(InputError, match="needs `windows` and `intervals_by_class`"):
        window_labels(coverage, "centre")
    assert window_labels(coverage[[]]).tolist() == ["none"]


def test_strand(tmp_path, tiny_genome):
    lines = ["chr1\t0\t40\ta\t0\t+", "chr1\t30\t50\tb\t0\t-", "chr1\t100\t110\tc\t0\t-", "chr1\t200\t300\td\t0\t."]
    (tmp_path / "genes.bed").write_text("\n".join(lines) + "\n")
    genes = read_annotation(tmp_path / "genes.bed", tiny_genome)
    windows = pd.DataFrame({"chrom": "chr1", "start": [0, 35, 90, 200], "end": [20, 45, 120, 210]})
    found = window_strand(windows, genes)["genes"].tolist()
    assert found[:3] == [1.0, (5 - 10) / 15, -1.0] and np.isnan(found[3])


value = st.one_of(st.none(), st.floats(-1e3, 1e3), st.sampled_from([np.nan, np.inf, -np.inf]))
values = st.lists(
    st.tuples(st.integers(1, 9), value),
    min_size=1,
    max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def long_genome(tmp_path_factory, write_fasta):
    return open_genome(write_fasta(tmp_path_factory.mktemp("g") / "g.fa", {"chr1": "ACGT" * 40, "chr2": "ACGT" * 5}))


def write_bigwig(path, rows, lengths):
    import pyBigWig

    with pyBigWig.open(str(path), "w") as handle:
        handle.addHeader(list(lengths.items()))
        for chrom, start, end, value in rows:
            handle.addEntries([chrom], [start], ends=[end], values=[value])


@given(values, stretches)
def test_signal_against_every_base(tmp_path_factory, long_genome, parts, asked):
    rows, bases, at = [("chr2", 0, 1, 1.0)], np.full(160, np.nan), 0
    for size, value in parts:
        if value is not None:
            rows.append(("chr1", at, at + size, value))
            bases[at : at + size] = value if np.isfinite(value) else np.nan
        at += size
    folder = tmp_path_factory.mktemp("signal")
    (folder / "s.bedgraph").write_text(
        "track type=bedGraph\n" + "".join(f"{c}\t{a}\t{b}\t{v}\n" for c, a, b, v in rows)
    )
    windows = as_windows(asked)
    found = window_signal(windows, read_signal(folder / "s.bedgraph", long_genome), min_covered=0.3)
    write_bigwig(folder / "s.bw", sorted(rows), long_genome.lengths)
    again = window_signal(windows, read_signal(folder / "s.bw", long_genome), min_covered=0.3)
    for at, row in windows.iterrows():
        inside = bases[row.start : row.end]
        covered = np.isfinite(inside).mean()
        expected = np.nanmean(inside) if covered >= 0.3 else np.nan
        assert found.loc[at, "covered"] == pytest.approx(covered)
        assert found.loc[at, "mean"] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
        assert again.loc[at, "mean"] == pytest.approx(expected, rel=1e-6, abs=1e-4, nan_ok=True)


def test_wiggle(tmp_path, long_genome):
    text = (
        "track type=wiggle_0\nfixedStep chrom=1 start=11 step=10 span=5\n1\n2\nnan\n"
        "variableStep chrom=chr2 span=2\n3\t7.5\n9\t-1\n"
    )
    (tmp_path / "s.wig").write_text(text)
    found = read_signal(tmp_path / "s.wig", long_genome)
    assert [[a, b, v] for a, b, v in zip(*found.by_chrom["chr1"], strict=True)] == [[10, 15, 1], [20, 25, 2]]
    assert [[a, b, v] for a, b, v in zip(*found.by_chrom["chr2"], strict=True)] == [[2, 4, 7.5], [8, 10, -1]]
    assert "s.wig:5: 1:30-35 is nan, not finite; 1 such stretches count as missing" in found.notes[0]


BAD_SIGNALS = {
    "overlap": ("chr1\t0\t5\t1\nchr1\t4\t6\t2\n", r"s\.bg:2: overlaps the stretch of line 1"),
    "text": ("chr1\t0\t5\tx\n", r"s\.bg:1: not a line of a bedGraph"),
    "three columns": ("chr1\t0\t5\n", r"s\.bg:1: not a line of a bedGraph"),
    "past the end": ("chr1\t0\t500\t1\n", r"s\.bg:1: chr1:0-500 does not lie within chr1 \(0-160\) .*assembly"),
    "not finite": ("chr1\t0\t5\tnan\nchr1\t5\t6\tinf\n", r"no value is finite \(.*s\.bg:1: chr1:0-5 is nan\)"),
    "elsewhere": ("chr7\t0\t5\t1\n", "it has values on chr7"),
    "nothing": ("# x\n", "it has no values"),
}


@pytest.mark.parametrize(("text", "message"), BAD_SIGNALS.values(), ids=BAD_SIGNALS)
def test_bad_signals(tmp_path, long_genome, text, message):
    (tmp_path / "s.bg").write_text(text)
    with pytest.raises(InputError, match=message):
        read_signal(tmp_path / "s.bg", long_genome)


def test_damaged_bigwig(tmp_path, long_genome):
    write_bigwig(tmp_path / "s.bw", [("chr1", 0, 5, 1.0)], long_genome.lengths)
    (tmp_path / "cut.bw").write_bytes((tmp_path / "s.bw").read_bytes()[:40])
    with pytest.raises(InputError, match=r"cut\.bw"):
        read_signal(tmp_path / "cut.bw", long_genome)
    with pytest.raises(InputError, match=r"none\.bw: cannot be read"):
        read_signal(tmp_path / "none.bw", long_genome)


def test_replication_timing_of_the_sample():
    genome = open_genome(sample_path("chr20_slice.2bit"))
    track = read_signal(sample_path("replication_timing.bedgraph.gz"), genome)
    assert isinstance(track, Signal)
    windows = pd.DataFrame({"chrom": SLICE_NAME, "start": range(0, 4_200_000, 50_000)})
    windows["end"] = windows["start"] + 50_000
    found = window_signal(windows, track)
    assert found["mean"].notna().mean() > 0.9
    assert found["mean"].std() > 1
