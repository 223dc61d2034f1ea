"""``python -m grover_probe.compare``: files, the printed table, and one line for bad input."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from grover_probe.data.sample import sample_path


def test_from_file_to_table(cli, task_path, tmp_path):
    out = tmp_path / "my run"
    arguments = ["--task", task_path, "--systems", "gc,dnabert2,tfidf-3mer", "--trees", "5,10", "--out", out]
    code, stdout, stderr = cli(*arguments)
    assert code == 0, stderr
    table = pd.read_csv(out / "systems.tsv", sep="\t")
    assert table["system"].tolist() == ["dnabert2", "tfidf-3mer", "gc"]
    assert stdout.startswith("system ") and f"{table['mcc'].iloc[2]:.3f} (" in stdout
    assert "dnabert2: not run: " in stdout and "DataSet(at: " in stderr
    record = json.loads((out / "compare.run.json").read_text())
    assert record["inputs"]["task"]["name"] == "at" and record["parameters"]["seeds"] == [0, 1, 2]
    assert set(record["outputs"]) == {
        "predictions/tfidf-3mer.tsv", "predictions/gc.tsv", "systems.png", "systems.svg", "systems.tsv",
        "differences.tsv",
    }  # fmt: skip
    bytes_before = (out / "systems.tsv").read_bytes()
    code, second, _ = cli(*arguments)
    assert (code, second) == (0, stdout) and (out / "systems.tsv").read_bytes() == bytes_before
    code, _, _ = cli("--task", task_path, "--systems", "gc", "--out", out)
    assert code == 0 and [path.name for path in (out / "predictions").iterdir()] == ["gc.tsv"]


def test_built_on_the_fly(cli, tmp_path):
    given = ["--genome", sample_path("chr20_slice.2bit"), "--tss", sample_path("tss.bed.gz")]
    code, stdout, stderr = cli(
        "--task", "prom300", *given, "--systems", "gc,logistic-kmer,motif-score", "--out", tmp_path
    )
    assert code == 0, stderr
    assert "motif-score: not run: the data set has no 'score' column" in stdout


def test_a_failure_is_exit_code_1(cli, task_path, tiny_model_folder, tmp_path):
    arguments = ["--task", task_path, "--systems", "tiny,gc", "--model", f"tiny={tiny_model_folder}"]
    code, stdout, stderr = cli(*arguments, "--dtype", "fp16", "--out", tmp_path)
    assert code == 1 and "tiny: failed: --dtype fp16 needs a GPU" in stdout
    assert "gc " in stdout and (tmp_path / "systems.tsv").is_file() and "Traceback" not in stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--task", "nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["--systems", "gcc"], "'gcc' is not known; did you mean gc"),
        (["--systems", "all", "--model", "6-mer=nowhere"], "nowhere: no such model folder"),
        (["--systems", "tfidf-bpe", "--tokenizer", "nowhere"], "nowhere"),
        (["--seeds", "1,1"], "seeds 1, 1: expected different"),
        (["--seeds", "x"], "--seeds 'x': expected whole numbers"),
        (["--trees", "0"], "--trees '0': expected numbers of at least 1"),
        (["--epochs", "0"], "--epochs 0: expected at least 1"),
        (["--class-weights", "some"], "--class-weights 'some'"),
    ],
)
def test_bad_options(cli, task_path, tmp_path, change, message):
    out = tmp_path / "out"
    code, stdout, stderr = cli("--task", task_path, "--systems", "gc", "--out", out, *change)
    assert (code, stdout) == (2, "") and not out.exists()
    assert message in stderr and stderr.count("error: ") == 1 and "Traceback" not in stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,label\nACGT,1\nXYZ!,0\n", "t.csv:3: '!' is no nucleotide letter"),
        ("sequence,label\n" + "ACGT,1\nAAAA,1\n" * 9, "one class only (1"),
    ],
)
def test_bad_sequences(cli, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    code, stdout, stderr = cli("--task", tmp_path / "t.csv", "--systems", "gc", "--out", tmp_path / "out")
    assert (code, stdout) == (2, "") and not (tmp_path / "out").exists()
    assert message in stderr and "Traceback" not in stderr


@pytest.mark.parametrize("score", ["high", "inf"])
def test_scores_that_are_no_numbers(cli, task, tmp_path, score):
    replace(task, table=task.table.assign(score=score)).save(tmp_path / "set", {}, {})
    code, stdout, stderr = cli("--task", tmp_path / "set", "--systems", "motif-score", "--out", tmp_path / "out")
    assert (code, stdout) == (2, "") and not (tmp_path / "out").exists()
    assert f"{score!r} in column 'score': expected a number" in stderr and stderr.count("error: ") == 1
