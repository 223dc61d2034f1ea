"""The command: what it writes, that it resumes, and what it says to bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.probes.cells import CellRow, CellStore
from grover_probe.probes.run import _Work


@pytest.fixture(scope="module")
def finished(planted, probes_command, tmp_path_factory) -> tuple[Path, list[str]]:
    out = tmp_path_factory.mktemp("finished") / "out"
    options = [*planted.options, *planted.annotations("order"), "--layers", "1,2", "--out", str(out)]
    done = probes_command(*options)
    assert done.code == 0, done.err
    assert "order" in done.out
    return out, options


def test_both_levels_are_written_with_their_record(finished) -> None:
    out, _ = finished
    table = pd.read_csv(out / "probes.tsv", sep="\t")
    assert set(table["level"]) == {"tokens", "windows"}
    record = json.loads((out / "probes.run.json").read_text(encoding="utf-8"))
    assert set(record["outputs"]) == {"probes.tsv", "probes.png", "probes.svg"}
    assert record["parameters"]["targets"] == {"order": ["annotation", "", "majority"]}
    assert {"model", "random_model", "genome", "order", "tokenizer"} == set(record["inputs"])
    gc = table[(table["target"] == "gc") & (table["level"] == "tokens") & (table["features"] == "model")]
    best = gc[gc["layer"] == "best"].iloc[0]
    assert best["chosen"].startswith("1:mean")
    assert best["score"] > 0.9


def test_same_command_again_finds_its_cells_and_gives_the_same_bytes(finished, probes_command, monkeypatch) -> None:
    out, options = finished
    before = {name: (out / name).read_bytes() for name in ("probes.tsv", "probes.png", "probes.svg")}
    monkeypatch.setattr(CellStore, "put", lambda *_: pytest.fail("a cell was made again"))
    done = probes_command(*options)
    assert done.code == 0, done.err
    assert before == {name: (out / name).read_bytes() for name in before}
    assert "cells were there from an earlier run" in done.err


def test_a_stopped_run_ends_as_one_that_was_not(finished, probes_command, tmp_path: Path, monkeypatch) -> None:
    out, options = finished
    make, calls = _Work._make, []

    def stop(self: _Work, *arguments):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return make(self, *arguments)

    other = [*options[:-1], str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(_Work, "_make", stop)
        assert probes_command(*other).code == 130
    assert not (tmp_path / "probes.tsv").exists()
    done = probes_command(*other)
    assert "cells were there from an earlier run" in done.err
    assert (tmp_path / "probes.tsv").read_bytes() == (out / "probes.tsv").read_bytes()


def test_a_damaged_cell_is_made_again(tmp_path: Path) -> None:
    store = CellStore(tmp_path)
    store.put("a", [CellRow({"score": 0.1, "auroc": float("nan")}, [0.1, float("nan")])])
    assert store.get("a")[0].drawn[0] == 0.1
    assert np.isnan(store.get("a")[0].row["auroc"])
    path = tmp_path / "a.json"
    path.write_text(path.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    assert store.get("a") is None
    assert store.get("b") is None
    assert store.found == 2


def test_another_seed_makes_other_cells(finished, probes_command, tmp_path: Path) -> None:
    out, options = finished
    n = len(list((out / "cells").glob("*.json")))
    done = probes_command(*options, "--level", "windows", "--layers", "1", "--seed", "5")
    assert done.code == 0
    assert "earlier run" not in done.err
    assert len(list((out / "cells").glob("*.json"))) > n


BAD = [
    (["--level", "tokns"], "expected one of tokens, windows, positions, both"),
    (["--probes", "linear,svm"], "expected some of linear, knn, mlp"),
    (["--folds", "2"], "at least 3"),
    (["--folds", "60", "--level", "tokens"], "folds cannot be formed from"),
    (["--block-size", "100000000"], "folds cannot be formed from 1 groups"),
    (["--annotation", "no-equals-sign"], "expected name=path[:column][@rule]"),
    (["--annotation", "x=missing.bed"], "no such file for --annotation"),
    (["--signal", "x=missing.bw"], "no such file for --signal"),
    (["--layers", "9"], "9"),
    (["--extracted", "nowhere"], "no finished pass here"),
    (["--random", "nowhere"], "no finished pass here"),
    (["--genome", "nowhere.fa"], "no such file for --genome"),
    (["--overlap", "nowhere.parquet", "--level", "tokens"], "no such file for --overlap"),
    (["--level", "positions"], "no regions.parquet in this pass"),
    (["--tokenizer", "2-mer"], "the tokenizer has other tokens than the pass"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[" ".join(each[0]) for each in BAD])
def test_bad_input_is_one_line(planted, probes_command, tmp_path: Path, options: list[str], message: str) -> None:
    done = probes_command(*planted.options, "--level", "windows", "--out", str(tmp_path / "out"), *options)
    assert done.code == 2
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert not done.out
    assert not (tmp_path / "out" / "probes.tsv").exists()


def test_two_targets_of_one_name(planted, probes_command, tmp_path: Path) -> None:
    done = probes_command(*planted.options, *planted.annotations("order", "order"), "--out", str(tmp_path / "out"))
    assert done.code == 2
    assert "two targets are called 'order'" in done.err
    assert not (tmp_path / "out").exists()


def test_bad_targets_are_named_and_the_others_go_on(planted, probes_command, tmp_path: Path) -> None:
    def bed(name: str, *rows: str) -> str:
        path = tmp_path / name
        path.write_text("".join(row + "\n" for row in rows), encoding="ascii")
        return str(path)

    end = int(planted.table["end"].iloc[-1])
    flat = bed("flat.bedgraph", f"chrS\t0\t{end}\t2.5")
    values = [f"chrS\t{start}\t{start + 201}\t{start % 7}" for start in range(402, end - 201, 201)]
    infinite = bed("infinite.bedgraph", "chrS\t0\t402\tnan", *values)
    rare = bed("rare.bed", *[f"chrS\t{i * 9000}\t{i * 9000 + 20}\ta" for i in range(9)])
    here = bed("here.bed", *[f"chrS\t{i}\t{i + 201}\ta" for i in range(0, 4000, 201)])
    classes = bed(
        "classes.bed",
        *[f"chrS\t{i * 201}\t{i * 201 + 201}\t{'abc'[i % 3] if i % 60 else 'rare'}" for i in range(400)],
    )
    done = probes_command(
        *planted.options, "--level", "windows", "--layers", "1", "--out", str(tmp_path / "out"),
        "--annotation", f"elsewhere={bed('elsewhere.bed', 'chr9	0	50')}", "--annotation", f"rare={rare}",
        "--annotation", f"here={here}", "--annotation", f"classes={classes}:4", "--signal", f"flat={flat}",
        "--signal", f"infinite={infinite}",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "windows elsewhere: skipped" in done.err
    assert "chr9" in done.err
    assert "windows rare: skipped, fewer than two classes can be learned: class 'rare' has 9 members" in done.err
    assert "windows here: skipped" in done.err
    assert "concentrated in two folds" in done.err
    assert "class 'rare' has 7 members, fewer than 10: left out" in done.err
    assert "windows flat: skipped, constant: every row is 2.5" in done.err
    assert "not finite" in done.err
    table = pd.read_csv(tmp_path / "out" / "probes.tsv", sep="\t")
    assert set(table["target"]) == {"gc", "classes", "infinite"}
    assert set(table.loc[table["target"] == "classes", "classes"]) == {"a,b,c,none"}
    assert table.loc[table["target"] == "infinite", "n"].iloc[0] < len(planted.table)


def test_other_windows_cannot_be_a_control(planted, probes_command, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(planted.folder / "random", other)
    moved = planted.table.assign(start=planted.table["start"] + 1)
    moved.to_parquet(other / "windows.parquet", index=False)
    options = [*planted.options, "--level", "windows", "--out", str(tmp_path / "out"), "--random", str(other)]
    done = probes_command(*options)
    assert done.code == 2
    assert "other windows than in" in done.err


def test_drawn_windows_are_as_many_as_asked(planted, probes_command, tmp_path: Path) -> None:
    done = probes_command(
        *planted.options, "--level", "windows", "--layers", "1", "--max-windows", "200", "--out", str(tmp_path)
    )
    assert done.code == 0, done.err
    assert set(pd.read_csv(tmp_path / "probes.tsv", sep="\t")["n"]) == {200}
    assert np.isfinite(pd.read_csv(tmp_path / "probes.tsv", sep="\t")["score"]).all()
