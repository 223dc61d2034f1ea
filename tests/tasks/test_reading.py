"""Data sets of others, in the layouts in which they are published."""

import gzip

import numpy as np
import pandas as pd
import pytest

from grover_probe.errors import InputError
from grover_probe.genome import decode_bases
from grover_probe.tasks.reading import read_task
from grover_probe.tasks.splits import SplitRule


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    return [("".join(rng.choice(list("ACGT"), 40)), str(number % 2)) for number in range(200)]


def csv(rows, header="sequence,label") -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def test_csv_without_split(tmp_path, rows):
    (tmp_path / "a.csv").write_text(csv(rows))
    found = read_task(tmp_path / "a.csv", seed=2)
    assert found.table["sequence"].tolist() == [row[0] for row in rows] and found.classes == ("0", "1")
    assert found.table["split"].value_counts().to_dict() == {"train": 160, "validation": 20, "test": 20}
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(csv(rows[::-1]).replace(",", "\t").encode()))
    turned = read_task(tmp_path / "b.tsv.gz", seed=2).table
    split_of = dict(zip(found.table["sequence"], found.table["split"], strict=True))
    assert [split_of[text] for text in turned["sequence"]] == turned["split"].tolist()


def test_csv_with_split_and_names(tmp_path, rows):
    splits = ["train", "dev", "test", "valid", "TRAIN"]
    full = [(text, {"0": "no", "1": "yes"}[label], splits[i // 2 % 5]) for i, (text, label) in enumerate(rows)]
    (tmp_path / "a.csv").write_text(csv(full, "Sequence,label,split"))
    found = read_task(tmp_path / "a.csv")
    assert found.classes == ("no", "yes") and not found.notes
    assert found.table["split"].value_counts().to_dict() == {"train": 80, "validation": 80, "test": 40}


def test_gue_folder(tmp_path, rows):
    for name, part in (("train", rows[:100]), ("dev", rows[100:150]), ("test", rows[150:])):
        (tmp_path / f"{name}.csv").write_text(csv(part))
    found = read_task(tmp_path)
    assert [len(found.part(split)) for split in ("train", "validation", "test")] == [100, 50, 50]
    assert found.part("test")["sequence"].tolist() == [row[0] for row in rows[150:]]
    (tmp_path / "dev.csv").unlink()
    found = read_task(tmp_path)
    assert found.notes == ("no validation split: 10 train examples became one",)
    assert found.part("test")["sequence"].tolist() == [row[0] for row in rows[150:]]
    (tmp_path / "test.csv").unlink()
    with pytest.raises(InputError, match="has tables for train only"):
        read_task(tmp_path)


def test_genomic_benchmarks_folder(tmp_path, rows):
    for number, (text, label) in enumerate(rows):
        folder = tmp_path / ("train" if number < 150 else "test") / ("positive" if label == "1" else "negative")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_text(text)
    found = read_task(tmp_path)
    assert len(found.part("test")) == 50 and len(found.part("train")) + len(found.part("validation")) == 150
    label_of = dict(rows)
    assert all(label_of[row.sequence] == str(row.label) for row in found.table.itertuples())


def fasta(rows) -> str:
    return "".join(f">r{number} x\n{text[:25]}\n{text[25:].lower()}\n" for number, (text, _) in enumerate(rows))


def test_fasta(tmp_path, rows):
    (tmp_path / "a.fa").write_text(fasta(rows))
    (tmp_path / "plain.txt").write_text("\n".join(label for _, label in rows))
    (tmp_path / "named.tsv").write_text("id\tlabel\n" + "".join(f"r{n}\t{rows[n][1]}\n" for n in reversed(range(200))))
    tables = [read_task(tmp_path / "a.fa", labels=tmp_path / name).table for name in ("plain.txt", "named.tsv")]
    for table in tables:
        assert table["sequence"].tolist() == [row[0] for row in rows]
        assert table["label"].tolist() == [int(row[1]) for row in rows]
    (tmp_path / "b.fa").write_text("".join(f">r{n} label={label}\n{text}\n" for n, (text, label) in enumerate(rows)))
    assert read_task(tmp_path / "b.fa").table["label"].tolist() == tables[0]["label"].tolist()


def test_one_fasta_per_class(tmp_path, rows):
    for name, label in (("positive", "1"), ("negative", "0")):
        (tmp_path / f"{name}.fa").write_text(fasta([row for row in rows if row[1] == label]))
    found = read_task(tmp_path)
    label_of = dict(rows)
    assert len(found) == 200 and all(label_of[r.sequence] == str(r.label) for r in found.table.itertuples())


def test_bed(tmp_path, tiny_genome):
    starts = [s for s in range(200, 11_500, 50) if not 3_800 < s < 4_300 and not 8_800 < s < 9_100]
    lines = [f"chr1\t{s}\t{s + 30}\t{'ab'[i % 2]}\t0\t{'+-'[i % 2]}\n" for i, s in enumerate(starts)]
    (tmp_path / "x.bed").write_text("".join(lines) + "chr1\t0\t30\ta\n")
    rule = SplitRule(block=500, margin=20)
    found = read_task(tmp_path / "x.bed", genome=tiny_genome, flank=20, rule=rule)
    assert found.classes == ("a", "b")
    assert any("whose flanks" in line and "1 regions" in line for line in found.notes)
    for row in found.table.head(20).itertuples():
        text = decode_bases(tiny_genome.codes("chr1", row.start, row.end))
        turned = text.translate(str.maketrans("ACGT", "TGCA"))[::-1]
        assert row.sequence == (text if row.strand == "+" else turned) and len(row.left) == 20
    table = found.table
    for one, other in (("test", "train"), ("test", "validation"), ("validation", "train")):
        a, b = (table[table["split"] == split] for split in (one, other))
        assert not any(
            ((b["start"] < end + 20) & (b["end"] > start - 20)).any()
            for start, end in zip(a["start"], a["end"], strict=True)
        )
    with pytest.raises(InputError, match="give --genome"):
        read_task(tmp_path / "x.bed")
    with pytest.raises(InputError, match=r"x.bed:\d+: no label in column 6"):
        read_task(tmp_path / "x.bed", genome=tiny_genome, label_column=6)


def test_groups_stay_whole(tmp_path, rows):
    full = [(text, label, f"g{number // 10}") for number, (text, label) in enumerate(rows)]
    (tmp_path / "a.csv").write_text(csv(full, "sequence,label,group"))
    table = read_task(tmp_path / "a.csv").table
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert table["split"].value_counts().to_dict() == {"train": 160, "validation": 20, "test": 20}


def test_counted_warnings(tmp_path, rows):
    odd = [("ACGTNNACGTAC", "1"), ("acgtryacgta", "0"), (rows[0][0], "1"), (rows[0][0], "0")]
    (tmp_path / "a.csv").write_text(csv([*rows, *odd]))
    found = read_task(tmp_path / "a.csv")
    assert found.notes == (
        "2 sequences have letters other than A, C, G, T; these belong to no token",
        "1 sequences occur with more than one label; they are kept",
    )
    same = found.table[found.table["sequence"] == rows[0][0]]
    assert same["split"].nunique() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a.csv:1: columns none; expected at least sequence and label"),
        ("sequence,y\nACGT,1\n", r"a.csv:1: columns sequence, y"),
        ("sequence,label\n", r"a.csv: no examples"),
        ("sequence,label\nACGT,1\nACGT\n", r"a.csv:3: 1 fields; expected 2"),
        ("sequence,label\nACGT,1\n,0\n", r"a.csv:3: an empty sequence"),
        ("sequence,label\nACGT,1\nHELLO,0\n", r"a.csv:3: 'E' is no nucleotide letter"),
        ("sequence,label\nACGT,1\nACGU,0\n", r"RNA must be written with T"),
        ("sequence,label\nACGT,1\nACGA,\n", r"a.csv: example 2 has no label"),
        ("sequence,label,split\nACGT,1,train\nACGA,0,holdout\n", r"split 'holdout'; expected train"),
        ("sequence,label,split\nACGT,1,train\nACGA,0,train\n", r"no test examples"),
        ("sequence,label\n" + "ACGT,1\nAAAA,1\n" * 20, r"one class only \(1"),
        ("sequence,label,split\nAC,1,train\nAG,0,train\nAT,1,dev\nAA,0,dev\nCC,1,test\n", r"test split has one class"),
        ("sequence,label,start,end,chrom\nACGT,1,x,9,chr1\n", r"a.csv:2: start 'x'; expected a whole number"),
        ("sequence,label\nACGT,5000\nAC,1\n", r"label 5000"),
    ],
)
def test_refuses(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_task(tmp_path / "a.csv")


def test_refuses_other_things(tmp_path, rows):
    for name in ("missing.csv", "a.xlsx"):
        if name == "a.xlsx":
            (tmp_path / name).write_text("x")
        with pytest.raises(InputError, match=name):
            read_task(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: expected a data set of"):
        read_task(tmp_path / "empty")
    (tmp_path / "a.fa").write_text(">r1\nACGT\n")
    with pytest.raises(InputError, match=r"a.fa:1: no label; give --labels"):
        read_task(tmp_path / "a.fa")
    (tmp_path / "l.txt").write_text("1\n0\n")
    with pytest.raises(InputError, match=r"l.txt: 2 labels for 1 sequences"):
        read_task(tmp_path / "a.fa", labels=tmp_path / "l.txt")
    (tmp_path / "a.fa").write_text("ACGT\n")
    with pytest.raises(InputError, match=r"a.fa:1: not a FASTA"):
        read_task(tmp_path / "a.fa")


def test_long_sequences_are_read(tmp_path):
    table = pd.DataFrame({"sequence": ["ACGT" * 50_000, "AC" * 70_000] * 20, "label": [0, 1] * 20})
    table["sequence"] = [text + "ACGT"[i % 4] * i for i, text in enumerate(table["sequence"])]
    table.to_csv(tmp_path / "a.csv", index=False)
    assert read_task(tmp_path / "a.csv").table["sequence"].str.len().min() > 139_000
