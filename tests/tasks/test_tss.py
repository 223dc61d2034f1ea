"""Start sites and BED lines: strands, counting from 0 or 1, truncated chromosomes, other assemblies."""

import gzip

import numpy as np
import pandas as pd
import pytest

from grover_probe.errors import InputError
from grover_probe.genome import decode_bases
from grover_probe.tasks.sources import Strands, open_genomes, read_lines
from grover_probe.tasks.tss import read_tss

BED = """track x
chr1	100	200	a	0	+	protein_coding
1	300	400	b	0	-	lincRNA
chr9	1	2	c	0	+	protein_coding
"""


def write(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["tss.bed", "tss.bed.gz"])
def test_bed(tmp_path, tiny_genome, name):
    path = write(tmp_path / name, BED)
    found = read_tss(path, tiny_genome, "all")
    assert found.position.tolist() == [100, 399] and found.forward.tolist() == [True, False]
    assert found.counts == {"on sequences that the genome does not have": 1}
    assert read_tss(path, tiny_genome).name.tolist() == ["a"]
    assert read_tss(path, tiny_genome, "lincRNA").name.tolist() == ["b"]
    with pytest.raises(InputError, match=r"no site of gene type 'snRNA'.*it has lincRNA, protein_coding"):
        read_tss(path, tiny_genome, "snRNA")


def test_same_base_and_strand_is_one_site(tmp_path, tiny_genome):
    path = write(tmp_path / "t.bed", "chr1\t5\t9\ta\t0\t+\nchr1\t5\t6\tb\t0\t+\nchr1\t5\t6\tc\t0\t-\n")
    found = read_tss(path, tiny_genome)
    assert found.position.tolist() == [5, 5] and found.counts == {"same base and strand": 1}


def test_package_table_counts_from_one(tmp_path, tiny_genome):
    table = pd.DataFrame(
        {
            "_labels": ["chr1", "chr2", "chr7"],
            "_starts": [101, 5_000, 9], "_ends": [102, 5_001, 10], "Strand": ["+", "-", "+"],
            "gene_name": list("abc"), "gene_type": ["protein_coding"] * 3,
        }
    )  # fmt: skip
    table.to_parquet(tmp_path / "tss.parquet")
    found = read_tss(tmp_path / "tss.parquet", tiny_genome)
    assert found.position.tolist() == [100, 4_999] and found.chrom.tolist() == ["chr1", "chr2"]
    table.loc[1, ["_starts", "_ends"]] = 5_001, 5_002
    table.to_parquet(tmp_path / "tss.parquet")
    with pytest.raises(InputError, match=r"past the end of chr2.*another assembly"):
        read_tss(tmp_path / "tss.parquet", tiny_genome)
    found = read_tss(tmp_path / "tss.parquet", tiny_genome, truncated=("2",))
    assert found.position.tolist() == [100] and found.counts["past the end of a truncated chromosome"] == 1
    table.assign(_ends=9_999).to_parquet(tmp_path / "genes.parquet")
    with pytest.raises(InputError, match="rows of more than one base"):
        read_tss(tmp_path / "genes.parquet", tiny_genome)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5\t9\ta\t0\t.", r":1: strand '.' in column 6"),
        ("chr1\t5\t9", r":1: strand '' in column 6"),
        ("chr2\t4000\t6000\ta\t0\t+", r":1: .*past the end of chr2.*another assembly\?.*--truncated"),
        ("chr8\t4000\t6000\ta\t0\t+", r"nothing on tiny.fa.*its 1 intervals are on chr8"),
        ("chr1 5 9", r":1: not a BED line"),
    ],
)
def test_refuses(tmp_path, tiny_genome, line, message):
    path = write(tmp_path / "t.bed", line + "\n")
    with pytest.raises(InputError, match=message):
        read_tss(path, tiny_genome)


def test_truncated_chromosome(tmp_path, tiny_genome):
    path = write(tmp_path / "t.bed", "chr2\t4000\t6000\nchr2\t10\t20\n")
    lines, left_out = read_lines(path, tiny_genome, ["2"])
    assert [(line.start, line.number) for line in lines] == [(10, 2)]
    assert left_out == {"past the end of a truncated chromosome": 1}
    with pytest.raises(InputError, match="1 intervals lie past the end"):
        read_lines(write(tmp_path / "t.bed", "chr2\t4000\t6000\n"), tiny_genome, ["2"])


def test_strands(tiny_genome):
    strands = Strands(tiny_genome)
    forward = strands.codes("chr2", 100, 200)
    assert np.array_equal(forward, tiny_genome.codes("chr2", 100, 200))
    back = decode_bases(strands.codes("chr2", 100, 200, forward=False))
    assert back == decode_bases(forward).translate(str.maketrans("ACGT", "TGCA"))[::-1]
    assert strands.codes("chr2", -1, 5) is None and strands.codes("chr2", 4_990, 5_001) is None
    assert strands.codes("chr1", 3_990, 4_001) is None  # an N


def test_several_files_are_one_genome(tmp_path, tiny_text, tiny_fasta, tiny_genome, write_fasta):
    parts = [write_fasta(tmp_path / f"{name}.fa", {name: tiny_text[name]}) for name in ("chr2", "chr1")]
    joined = open_genomes(parts)
    assert joined.names == ("chr2", "chr1")
    assert np.array_equal(joined.codes("1", 50, 90), tiny_genome.codes("chr1", 50, 90))
    with pytest.raises(InputError, match=r"has chr1, as .* does; give each chromosome once"):
        open_genomes([tiny_fasta, parts[1]])
