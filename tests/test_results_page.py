"""The numbers of docs/results.md that stand in committed tables as well."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "analyses" / "tables" / "compare"
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason=f"{TABLES} is not here")

TASKS = {
    "Prom300, tokens shuffled": "prom300-tokens",
    "PromScan": "promscan",
    "CTCF": "ctcf",
    "Prom300, the same sequences tokenised": "prom300-retokenised",
    "Prom300, dinucleotides kept": "prom300",
    "CTCF, matched": "ctcf-matched",
}
SYSTEMS = {
    "embedded checkpoint": "embedded",
    "random weights, shape of the checkpoint": "random",
    "bpe-600 model": "bpe-600",
    "random weights, shape of bpe-600": "random-bpe-600",
    **{f"{k}-mer model": f"{k}-mer" for k in (4, 5, 6)},
    "convolutions on bases": "cnn",
    "logistic regression on k-mers": "logistic-kmer",
    **{f"TF-IDF, forest, {k}-mers": f"tfidf-{k}mer" for k in (3, 4, 5, 6)},
    "TF-IDF, forest, byte-pair tokens": "tfidf-bpe",
    "motif score": "motif-score",
    "GC": "gc",
}
GAINS = {
    "Prom300, tokens shuffled": "prom300-tokens",
    "the same sequences tokenised": "prom300-retokenised",
    "dinucleotides kept": "prom300",
    "PromScan": "promscan",
    "CTCF": "ctcf",
    "CTCF, matched": "ctcf-matched",
}
HALF = 0.00501  # of the last digit that is shown


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _tables(heading: str) -> list[list[list[str]]]:
    """Cells of the tables below a heading, without the ruling lines."""
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    blocks = re.findall(r"(?:^\|.*\n)+", text.partition("\n## ")[0], re.MULTILINE)
    return [
        [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in block.splitlines() if "---" not in line]
        for block in blocks
    ]


def _numbers(cell: str) -> list[float]:
    return [float(text) for text in re.findall(r"[-+]?\d+\.\d+", cell)]


def test_scores_of_the_tasks() -> None:
    compared = 0
    for table in _tables("Tasks")[:2]:
        for column, head in enumerate(table[0]):
            if not head.endswith(", MCC"):
                continue
            known = {row["system"]: row for row in _rows(TABLES / f"{TASKS[head.removesuffix(', MCC')]}.tsv")}
            for line in table[1:]:
                row = known[SYSTEMS[line[0]]]
                shown = _numbers(line[column]) + _numbers(line[column + 1])
                if row["status"] != "done":
                    assert shown == []
                    continue
                expected = [float(row[name]) for name in ("mcc", "mcc_low", "mcc_high", "auroc")]
                assert shown == pytest.approx(expected, abs=HALF), (head, line[0])
                compared += 1
    assert compared == 6 * len(SYSTEMS) - 4  # the motif has a score on two of six


def test_what_pretraining_gave() -> None:
    (table,) = _tables("Tasks")[2:]
    pairs = {1: ("embedded", "random"), 3: ("bpe-600", "random-bpe-600")}
    compared = 0
    for line in table[1:]:
        known = {(row["system"], row["against"]): row for row in _rows(TABLES / f"{GAINS[line[0]]}.differences.tsv")}
        for column, pair in pairs.items():
            shown = _numbers(line[column]) + _numbers(line[column + 1])
            if not shown:
                continue
            ends = [f"{name}{end}" for name in ("mcc", "auroc") for end in ("", "_low", "_high")]
            assert shown == pytest.approx([float(known[pair][name]) for name in ends], abs=HALF), (line[0], pair)
            compared += 1
    assert compared == 11
