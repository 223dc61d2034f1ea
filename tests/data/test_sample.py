"""The embedded sample: complete, unchanged, and consistent with itself."""

import gzip
import hashlib

import numpy as np
import pandas as pd
import py2bit
import pytest

from grover_probe.data.sample import (
    COLUMNS,
    GENOME,
    SLICE_END,
    SLICE_LENGTH,
    SLICE_NAME,
    SLICE_START,
    heldout_path,
    sample_path,
    to_genome,
)
from grover_probe.errors import DataError


def read_bed(name):
    return pd.read_csv(sample_path(name), sep="\t", names=list(COLUMNS[name]))


@pytest.fixture(scope="module")
def sequence():
    handle = py2bit.open(str(sample_path(GENOME)), True)
    try:
        return handle.sequence(SLICE_NAME)
    finally:
        handle.close()


def test_files_are_those_that_the_script_made():
    for line in sample_path("SHA256SUMS").read_text(encoding="ascii").splitlines():
        expected, name = line.split()
        assert hashlib.sha256(sample_path(name).read_bytes()).hexdigest() == expected, name


def test_sequence_and_repeats_agree(sequence):
    assert len(sequence) == SLICE_LENGTH
    repeats = read_bed("repeats.bed.gz")
    masked = sum(letter.islower() for letter in sequence)
    assert masked == (repeats["end"] - repeats["start"]).sum()
    assert all(sequence[start:end].islower() for start, end in repeats[["start", "end"]].itertuples(index=False))
    assert set(sequence.upper()) == set("ACGTN")


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_annotation_is_sorted_inside_and_named(name):
    table = read_bed(name)
    assert not table.empty
    assert set(table["chrom"]) == {SLICE_NAME}
    assert (table["start"] >= 0).all() and (table["end"] <= SLICE_LENGTH).all()
    assert (table["start"] < table["end"]).all()
    assert table["start"].is_monotonic_increasing
    assert not table.isna().any().any()
    if "strand" in table:
        assert set(table["strand"]) <= {"+", "-", "."}
    with gzip.open(sample_path(name), "rt", encoding="ascii") as handle:
        assert all(line.count("\t") == len(COLUMNS[name]) - 1 for line in handle)


def test_start_sites_are_the_first_bases_of_their_genes():
    sites, genes = read_bed("tss.bed.gz"), read_bed("genes.bed.gz")
    assert (sites["end"] - sites["start"] == 1).all()
    genes["first"] = genes["start"].where(genes["strand"] == "+", genes["end"] - 1)
    first = set(zip(genes["name"], genes["strand"], genes["first"], strict=True))
    assert set(zip(sites["name"], sites["strand"], sites["start"], strict=True)) <= first


def test_cpg_islands_hold_the_cpg_they_name(sequence):
    islands = read_bed("cpg_islands.bed.gz")
    spans = zip(islands["start"], islands["end"], strict=True)
    counted = np.array([sequence[start:end].upper().count("CG") for start, end in spans])
    named = islands["name"].str.removeprefix("CpG:").astype(int).to_numpy()
    assert (counted >= named).all(), "off by a base, or another assembly"
    assert (counted == named).mean() > 0.5, "only merged islands hold more than they name"


def test_summits_of_ctcf_peaks_hold_its_motif(sequence):
    def holds_motif(middle):
        window = sequence[middle - 50 : middle + 50].upper()
        both = (window, window.translate(str.maketrans("ACGT", "TGCA"))[::-1])
        return any(_mismatches(strand[k : k + 14]) <= 2 for strand in both for k in range(len(strand) - 13))

    peaks = read_bed("ctcf.bed.gz")
    summits = (peaks["start"] + peaks["peak"]).tolist()
    assert np.mean([holds_motif(summit) for summit in summits]) > 0.5
    assert np.mean([holds_motif(summit + 5000) for summit in summits]) < 0.15


def _mismatches(word):
    core = (
        "C",
        "C",
        "AG",
        "CG",
        "CT",
        "A",
        "G",
        "AG",
        "GT",
        "G",
        "G",
        "C",
        "AG",
        "CG",
    )  # the core of MA0139.1
    return sum(letter not in allowed for letter, allowed in zip(word, core, strict=True))


def test_slice_is_held_out_and_named_for_its_place():
    held_out = pd.read_csv(heldout_path(), sep="\t", names=["chrom", "start", "end", "name"])
    assert len(held_out) == 8 and set(held_out["chrom"]) == {"chr20"}
    sample = held_out.set_index("name").loc["sample"]
    assert (sample["start"], sample["end"]) == (SLICE_START, SLICE_END)
    blocks = held_out[held_out["name"] != "sample"]
    assert (blocks["end"] - blocks["start"] == 1_000_000).all()
    assert (held_out["start"].to_numpy()[1:] >= held_out["end"].to_numpy()[:-1]).all()
    assert to_genome(0) == SLICE_START


def test_missing_file_is_an_error_that_lists_what_is_there():
    with pytest.raises(DataError, match=r"nothing_here: not in the embedded sample, which holds .*README.md"):
        sample_path("nothing_here")


def test_sample_is_small():
    files = [sample_path(name) for name in (GENOME, *COLUMNS)]
    assert sum(path.stat().st_size for path in files) < 1_900_000


def test_sample_with_its_checkpoint_is_at_most_12_mb():
    files = [path for path in sample_path().rglob("*") if path.is_file()]
    assert sample_path("checkpoint/model.safetensors") in files
    assert sum(path.stat().st_size for path in files) <= 12_000_000
