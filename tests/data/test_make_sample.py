"""The script that makes the sample: how it names repeats, reads inputs, and makes the same bytes again."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.data.fetch import cached_path
from grover_probe.data.sample import (
    COLUMNS,
    GENOME,
    MOTIF,
    SLICE_END,
    SLICE_LENGTH,
    SLICE_NAME,
    SLICE_START,
    sample_path,
)
from grover_probe.errors import DataError, InputError

ROOT = Path(__file__).parents[2]
DERIVED = ROOT.parent / "shared" / "data"
USERS_CACHE = os.environ.get("GROVER_PROBE_CACHE")  # before `own_cache` hides it


@pytest.fixture
def script(monkeypatch):
    if not (ROOT / "analyses" / "make_sample.py").is_file():
        pytest.skip("analyses/ is not in this installation")
    monkeypatch.syspath_prepend(str(ROOT / "analyses"))
    import make_sample

    return make_sample


@pytest.fixture
def checks(script):
    import make_sample_checks

    return make_sample_checks


def test_repeats_get_the_name_that_covers_most(script):
    intervals = pd.DataFrame({"start": [0, 100, 200, 300], "end": [50, 200, 300, 310]})
    records = pd.DataFrame(
        {
            "start": [10, 90, 130, 290],
            "end": [50, 130, 200, 310],
            "repName": ["AluY", "L2", "MIR", "L1"],
            "strand": ["+", "-", "+", "-"],
            "repClass": ["SINE", "LINE", "SINE", "LINE"],
            "repFamily": ["Alu", "L2", "MIR", "L1"],
        }
    )
    named = script.name_repeats(intervals, records)
    assert named["name"].tolist() == ["AluY", "MIR", "unclassified", "L1"]  # 10 % of the third is too little
    assert named["score"].tolist() == [800, 700, 0, 1000]
    assert named["repClass"].tolist() == ["SINE", "SINE", "unclassified", "LINE"]
    assert named["strand"].tolist() == ["+", "+", ".", "-"]


def test_cut_clips_and_shifts(script):
    table = pd.DataFrame({"start": [0, SLICE_START - 5, SLICE_START + 1, SLICE_END - 2, SLICE_END]}).assign(
        end=lambda rows: rows["start"] + 10
    )
    found = script.cut(table)
    assert found[["start", "end"]].to_numpy().tolist() == [[0, 5], [1, 11], [SLICE_LENGTH - 2, SLICE_LENGTH]]
    assert set(found["chrom"]) == {SLICE_NAME}
    assert script.cut(table, whole=True)[["start", "end"]].to_numpy().tolist() == [[1, 11]]


def test_wiggle_positions_count_from_one(script, tmp_path):
    path = tmp_path / "a.wig"
    path.write_text(
        "fixedStep chrom=chr1 start=1 step=5 span=5\n9\n"
        "fixedStep chrom=chr20 start=11 step=5 span=5\n1.5\n2.5\n"
        "fixedStep chrom=chr21 start=1 step=5 span=5\n9\n",
        encoding="ascii",
    )
    assert script.read_wig(path).to_numpy().tolist() == [[10, 15, "1.5"], [15, 20, "2.5"]]


def test_start_codons_must_read_atg(checks):
    chromosome = np.frombuffer(b"CCATGCCCATCC", dtype=np.uint8)
    codons = pd.DataFrame({"start": [2, 7], "end": [5, 10], "strand": ["+", "-"], "gene_type": "protein_coding"})
    assert checks.check_start_codons(chromosome, codons, (0, 6)) == (1.0, 1.0)
    shifted = codons.assign(start=codons["start"] + 1, end=codons["end"] + 1)
    with pytest.raises(InputError, match=r"only 0.0% of the start codons read ATG"):
        checks.check_start_codons(chromosome, shifted, (0, 6))


def test_peaks_of_another_assembly_are_refused(checks, tmp_path):
    sizes = tmp_path / "sizes"
    sizes.write_text('{"chr1": 100, "chr2": 50}', encoding="ascii")
    peaks = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [0, 10], "end": [100, 20]})
    checks.check_assembly(peaks, sizes, "CTCF")
    with pytest.raises(InputError, match="CTCF: peaks run past the end of hg19 chr2"):
        checks.check_assembly(peaks.assign(end=60), sizes, "CTCF")
    sites = pd.DataFrame({"start": [5000, 9000], "gene_type": "protein_coding"})
    with pytest.raises(InputError, match="another assembly"):
        checks.check_marks(peaks, sites, "H3K4me3", "chr1")


def test_missing_derived_tables(script, tmp_path):
    with pytest.raises(InputError, match="not there; give the folder of the derived tables"):
        script.make_sample({}, tmp_path, tmp_path)


@pytest.mark.shared
@pytest.mark.chr20
def test_makes_the_same_bytes_again(script, tmp_path):
    if not DERIVED.is_dir():
        pytest.skip(f"{DERIVED} is not here")
    try:
        inputs = {name: cached_path(name, cache=USERS_CACHE or users_default()) for name in script.RESOURCES}
    except DataError as error:
        pytest.skip(str(error))
    script.make_sample(inputs, DERIVED, tmp_path)
    for name in (GENOME, MOTIF, "SHA256SUMS", *COLUMNS):
        assert (tmp_path / name).read_bytes() == sample_path(name).read_bytes(), name


def users_default():
    import platformdirs

    return platformdirs.user_cache_dir("grover_probe")
