"""Counts of tokens inside intervals: equal to brute force and to bedtools; turning annotation loses nothing."""

import subprocess

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.annotation import Intervals, merge, read_annotation, share_per_token
from grover_probe.bpe import load_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.data.sample import sample_path
from grover_probe.genome import open_genome
from grover_probe.overlap.counting import count_inside, count_tokens
from grover_probe.overlap.space import make_rings, touching_starts, turn

LENGTHS = np.array([0, 1, 2, 3, 7])
tokens = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0, 0, 0, 0, 5])), min_size=1, max_size=30)
pairs = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 15)), max_size=14)


def laid_out(parts):
    """Ids and starts of tokens with a gap of some bases in front of each."""
    ids = np.array([number for number, _ in parts], dtype=np.uint16)
    gaps = np.array([gap for _, gap in parts])
    ends = np.cumsum(LENGTHS[ids] + gaps)
    return ids, (ends - LENGTHS[ids]).astype(np.uint32)


def merged(found):
    return merge(np.array([(a, a + n) for a, n in found], dtype=np.int64).reshape(-1, 2))


@settings(deadline=None)  # compiles
@given(tokens, pairs)
def test_against_every_base(parts, found):
    ids, starts = laid_out(parts)
    covered = np.zeros(400, dtype=bool)
    for start, size in found:
        covered[start : start + size] = True
    inside, bases = np.zeros(5, dtype=int), np.zeros(5, dtype=int)
    for number, start in zip(ids, starts, strict=True):
        n = covered[start : start + LENGTHS[number]].sum()
        inside[number] += n > 0
        bases[number] += n
    counted = count_inside(starts, ids, LENGTHS, merged(found))
    assert counted[0].tolist() == inside.tolist()
    assert counted[1].tolist() == bases.tolist()


@given(tokens, pairs)
def test_touching_intervals_count_a_token_once(parts, found):
    ids, starts = laid_out(parts)
    whole = merged(found)
    middle = whole.mean(axis=1).astype(np.int64)
    halves = np.concatenate([np.stack([whole[:, 0], middle], 1), np.stack([middle, whole[:, 1]], 1)])
    halves = halves[halves[:, 0] < halves[:, 1]]
    halves = halves[np.argsort(halves[:, 0])]
    for one, two in zip(
        count_inside(starts, ids, LENGTHS, whole), count_inside(starts, ids, LENGTHS, halves), strict=True
    ):
        assert one.tolist() == two.tolist()


def by_bedtools(bedtools, folder, corpus, bed, n_tokens=None):
    """Occurrences inside and bases inside by id, from `bedtools intersect` on merged intervals."""
    n = n_tokens or len(corpus)
    chroms = np.array(corpus.chroms)[corpus.chrom_of(np.arange(n))]
    table = pd.DataFrame({"c": chroms, "a": corpus.starts[:n], "b": corpus.ends(0, n), "i": corpus.ids[:n]})
    table.to_csv(folder / "tokens.bed", sep="\t", header=False, index=False)
    n_ids = len(corpus.token_lengths)
    merged_bed = folder / "merged.bed"
    ordered = subprocess.run([bedtools, "sort", "-i", bed], check=True, capture_output=True).stdout
    merged_bed.write_bytes(
        subprocess.run([bedtools, "merge", "-i", "-"], input=ordered, check=True, capture_output=True).stdout
    )
    call = [bedtools, "intersect", "-a", folder / "tokens.bed", "-b"]
    once = subprocess.run([*call, bed, "-u"], check=True, capture_output=True, text=True).stdout.splitlines()
    every = subprocess.run([*call, merged_bed, "-wo"], check=True, capture_output=True, text=True).stdout.splitlines()
    inside = np.bincount([int(line.split("\t")[3]) for line in once], minlength=n_ids)
    bases = np.zeros(n_ids, dtype=np.int64)
    np.add.at(bases, [int(line.split("\t")[3]) for line in every], [int(line.split("\t")[-1]) for line in every])
    return inside, bases


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_against_bedtools_on_random_intervals(data, tiny_corpus, tiny_genome, bedtools, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    chrom = st.sampled_from(["chr1", "chr2", "chrM"])
    start, size = st.integers(0, 790), st.integers(1, 9)
    rows = data.draw(st.lists(st.tuples(chrom, start, size), min_size=1, max_size=20))
    (folder / "x.bed").write_text("".join(f"{c}\t{a}\t{a + n}\n" for c, a, n in rows))
    intervals = read_annotation(folder / "x.bed", tiny_genome).classes["x"]
    found = count_tokens(tiny_corpus, intervals)
    inside, bases = by_bedtools(bedtools, folder, tiny_corpus, folder / "x.bed")
    assert found.inside.tolist() == inside.tolist()
    assert found.bases.tolist() == bases.tolist()


def test_against_bedtools_on_repeats(bedtools, tmp_path):
    """The embedded slice, its repeats, the tokenizer of the embedded checkpoint."""
    genome = open_genome(sample_path("chr20_slice.2bit"))
    corpus = tokenize(genome, load_tokenizer(sample_path("checkpoint")), progress=False)
    repeats, n = read_annotation(sample_path("repeats.bed.gz"), genome).classes["repeats"], 200_000
    found = count_tokens(corpus, repeats, np.array([[0, n]]))
    inside, bases = by_bedtools(bedtools, tmp_path, corpus, sample_path("repeats.bed.gz"), n)
    assert found.inside.tolist() == inside.tolist()
    assert found.bases.tolist() == bases.tolist()
    assert found.count.sum() == n and 0.3 < inside.sum() / n < 0.7


def test_the_vocabulary_counts_the_same(tiny_corpus, tiny_genome, tmp_path):
    (tmp_path / "x.bed").write_text("chr1\t3\t700\nchr1\t3990\t4200\nchr2\t1\t2\n")
    intervals = read_annotation(tmp_path / "x.bed", tiny_genome).classes["x"]
    runs = tiny_corpus.runs()
    found = count_tokens(tiny_corpus, intervals, runs)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found.inside / found.count, share_per_token(tiny_corpus, runs, intervals))
    whole = count_tokens(tiny_corpus, intervals)
    assert found.bases.tolist() == whole.bases.tolist()


def test_rings_leave_out_gaps(tiny_corpus):
    runs = tiny_corpus.runs()
    rings = make_rings(tiny_corpus, runs)
    assert [ring.chrom for ring in rings] == ["chr1", "chr2", "chrM"]
    assert rings[0].stretches.tolist() == [[0, 4_000], [4_150, 9_000], [9_007, 11_980]]
    assert rings[0].size == 12_000 - 150 - 7 - 20
    assert sum(len(ring.ids) for ring in rings) == len(tiny_corpus)
    around = Intervals(
        "x", {"chr1": np.array([[3_990, 4_160], [4_200, 4_210], [8_999, 9_006], [11_981, 11_999]])}, 4, 0
    )
    assert rings[0].place(around).tolist() == [[3_990, 4_010], [4_050, 4_060], [8_849, 8_850]]


def test_counts_on_a_ring_are_those_of_the_chromosome(tiny_corpus):
    intervals = Intervals("x", {"chr1": np.array([[10, 300], [3_990, 4_160], [4_200, 4_210], [8_999, 9_300]])}, 4, 0)
    ring = make_rings(tiny_corpus, tiny_corpus.runs())[0]
    on_ring = count_inside(ring.starts, ring.ids, tiny_corpus.token_lengths, ring.place(intervals))
    found = count_tokens(tiny_corpus, intervals)
    assert on_ring[0].tolist() == found.inside.tolist()
    assert on_ring[1].tolist() == found.bases.tolist()


@given(pairs, st.integers(0, 150))
def test_turning_against_a_rolled_array(found, shift):
    size = 150
    intervals = np.minimum(merged(found), size)
    covered = np.zeros(size, dtype=bool)
    for start, end in intervals:
        covered[start:end] = True
    turned = turn(intervals, shift, size)
    again = np.zeros(size, dtype=int)
    for start, end in turned:
        again[start:end] += 1
    assert again.tolist() == np.roll(covered, shift).astype(int).tolist()
    assert (np.diff(turned[:, 0]) > 0).all()


@given(pairs, st.integers(1, 20))
def test_starts_that_touch_against_every_start(found, length):
    size = 150
    intervals = np.minimum(merged(found), size)
    covered = np.zeros(size, dtype=bool)
    for start, end in intervals:
        covered[start:end] = True
    twice = np.concatenate([covered, covered])
    expected = np.array([twice[at : at + length].any() for at in range(size)])
    edges = np.array([0, 1, 40, 41, 100, 150])
    sums = np.add.reduceat(expected, edges[:-1]).tolist()
    assert touching_starts(intervals, length, size, edges).tolist() == sums


def test_nothing():
    none = np.empty((0, 2), dtype=np.int64)
    ids, starts = laid_out([(1, 0), (2, 0)])
    assert count_inside(starts, ids, LENGTHS, none)[0].sum() == 0
    assert len(turn(none, 5, 10)) == 0
