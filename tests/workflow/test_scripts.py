"""The scripts that make inputs of the hg19 profile, on small files."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hg19_annotation import RMSK, STATES, read_columns, read_features, write_bed
from select_chromosomes import Letters, main

from grover_probe.errors import InputError
from grover_probe.genome import open_genome


def test_chosen_chromosomes_come_out_the_same(tiny_fasta, tmp_path):
    out = tmp_path / "chosen.2bit"
    main(genome=tiny_fasta, chromosome=["2", "chr1"], out=out)
    before, after = open_genome(tiny_fasta), open_genome(out)
    assert after.names == ("chr2", "chr1")
    for name in after.names:
        assert np.array_equal(before.codes(name), after.codes(name))
    with pytest.raises(InputError, match="chr9"):
        Letters(before, ["chr9"])


def test_tables_of_ucsc_become_bed(tmp_path):
    rmsk = tmp_path / "rmsk.txt.gz"
    rows = [
        "585\t1504\t13\t4\t13\tchr2\t10000\t10468\t-1\t+\t(CCCTAA)n\tSimple_repeat\tSimple_repeat\t1\t463\t0\t1",
        "585\t3612\t114\t270\t13\tchr1\t10468\t11447\t-1\t-\tTAR1\tSatellite\ttelo\t-399\t1712\t483\t2",
        "585\t3612\t114\t270\t13\tchr1_gl000191_random\t10\t20\t-1\t-\tL1\tLINE\tL1\t-399\t1712\t483\t2",
    ]
    rmsk.write_bytes(gzip.compress("\n".join(rows).encode()))
    table = read_columns(rmsk, RMSK)
    write_bed(table[["chrom", "start", "end", "name"]], tmp_path / "repeats.bed")
    assert (
        tmp_path / "repeats.bed"
    ).read_text() == "chr1\t10468\t11447\tSatellite\nchr2\t10000\t10468\tSimple_repeat\n"
    states = tmp_path / "states.bed"
    states.write_text("chr1\t10000\t10600\t15_Repetitive/CNV\t0\t.\t10000\t10600\t245,245,245\n")
    write_bed(read_columns(states, STATES), tmp_path / "chromatin.bed.gz")
    assert gzip.decompress((tmp_path / "chromatin.bed.gz").read_bytes()) == b"chr1\t10000\t10600\t15_Repetitive/CNV\n"


def test_features_count_from_zero(tmp_path):
    path = tmp_path / "tss.parquet"
    given = {"_labels": ["chr1", "chrM"], "_starts": [11869, 5], "_ends": [11870, 6], "Strand": ["+", "-"],
             "gene_name": ["DDX11L1", "MT"]}  # fmt: skip
    pd.DataFrame(given).to_parquet(path)
    (row,) = read_features(path, one_based=True).to_numpy().tolist()
    assert row == ["chr1", 11868, 11870, "DDX11L1", 0, "+"]
    assert read_features(path, one_based=False)["start"].tolist() == [11869]
