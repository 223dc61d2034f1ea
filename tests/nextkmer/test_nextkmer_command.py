"""``python -m grover_probe.nextkmer``: runs and sweeps that can be stopped, tables, and one line for bad input."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.data.sample import SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.nextkmer import cells, training
from grover_probe.nextkmer.cells import parse_numbers
from grover_probe.nextkmer.systems import parse_system, sweep_systems

SIZES = ["--n-train", 120, "--n-test", 60, "--block-size", 100]


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def given(random_fasta, heldout, tiny_model_folder, tmp_path) -> dict[str, object]:
    """Options of a run that works."""
    return {
        "--genome": random_fasta, "--heldout": heldout, "--model": tiny_model_folder, "--out": tmp_path / "my results",
        **dict(zip(SIZES[::2], SIZES[1::2], strict=True)),
    }  # fmt: skip


def words(options: dict[str, object]) -> list[object]:
    return [word for pair in options.items() for word in pair]


def test_a_run_and_the_same_again(cli, given):
    out = given["--out"]
    code, stdout, stderr = cli("run", *words(given), "--k", "2-3")
    assert code == 0, stderr
    table = pd.read_csv(out / "nextkmer.tsv", sep="\t")
    assert sorted(zip(table["system"], table["k"], strict=True)) == [
        (name, k) for name in ("majority", "markov", "tiny model") for k in (2, 3)
    ]
    assert np.allclose(table["chance"], 4.0 ** -table["k"])
    for metric in ("accuracy", "top5", "bits"):
        assert (table[f"{metric}_low"] <= table[metric]).all()
        assert (table[metric] <= table[f"{metric}_high"]).all()
    record = json.loads((out / "nextkmer.run.json").read_text())
    assert record["parameters"]["learning"]["mode"] == "head"
    kept = files(out / "cells")
    (predictions,) = (path for path in kept if path.startswith("tiny_model-k3") and path.endswith("parquet"))
    frame = pd.read_parquet(out / "cells" / predictions)
    assert list(frame.columns) == ["chrom", "start", "true", "called", "rank", "bits"]
    (own,) = table.query("system == 'tiny model' and k == 3")["accuracy"]
    assert (frame["rank"] == 0).mean() == pytest.approx(own, rel=1e-5)
    again = cli("run", *words(given), "--k", "2-3")
    assert again[1] == stdout
    assert files(out / "cells") == kept
    # Another k asks only for what is missing; another seed makes everything anew.
    assert cli("run", *words(given), "--k", "2-4")[0] == 0
    assert kept.items() < files(out / "cells").items()
    before = len(files(out / "cells"))
    assert cli("run", *words(given), "--k", "2", "--seed", 1)[0] == 0
    assert len(files(out / "cells")) == before + 2 * 3
    assert not (out / "curves.tsv").exists()


def test_full_mode_and_the_embedded_checkpoint(cli, given, tmp_path):
    held = tmp_path / "held.bed"
    held.write_text(f"{SLICE_NAME}\t100000\t300000\n")
    given |= {"--genome": sample_path("chr20_slice.2bit"), "--heldout": held, "--n-train": 30, "--n-test": 20}
    del given["--model"]
    code, stdout, stderr = cli("run", *words(given), "--k", 2, "--mode", "full", "--epochs", 1, "--baselines", "")
    assert code == 0, stderr
    assert "checkpoint" in stdout
    assert not list((given["--out"] / "cells").glob("*.pt"))


def test_a_stopped_run_goes_on_to_the_same(cli, given, tmp_path, monkeypatch):
    straight = tmp_path / "straight"
    assert cli("run", *words(given | {"--out": straight}), "--k", "2-4")[0] == 0
    write, done = cells.Runner._write, []

    def fails(runner, system, k, *rest):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(k)
        write(runner, system, k, *rest)

    monkeypatch.setattr(cells.Runner, "_write", fails)
    assert cli("run", *words(given), "--k", "2-4")[0] == 130
    assert not (given["--out"] / "nextkmer.tsv").exists()
    monkeypatch.undo()
    code, _, stderr = cli("run", *words(given), "--k", "2-4")
    assert code == 0, stderr
    names = ["nextkmer.tsv", *(f"cells/{p.name}" for p in (straight / "cells").glob("*.parquet"))]
    assert len(names) == 10
    for name in names:
        assert (given["--out"] / name).read_bytes() == (straight / name).read_bytes()


@pytest.mark.parametrize("damage", ("record", "table"))
def test_a_damaged_cell_is_made_again(cli, given, damage):
    assert cli("run", *words(given), "--k", 2)[0] == 0
    cell_folder = given["--out"] / "cells"
    (target,) = cell_folder.glob("markov-k2-*.run.json" if damage == "record" else "markov-k2-*.parquet")
    whole = (given["--out"] / "nextkmer.tsv").read_bytes()
    target.write_bytes(target.read_bytes()[:40])
    assert cli("run", *words(given), "--k", 2)[0] == 0
    assert (given["--out"] / "nextkmer.tsv").read_bytes() == whole
    assert target.stat().st_size > 40


def test_precision_of_pretraining_makes_other_models(cli, given, tiny_recipe, monkeypatch):
    from grover_probe.pretrain import train

    del given["--model"]
    options = [*words(given), "--recipe", tiny_recipe, "--k", "2", "--system", "bpe-6"]
    asked = []

    def recorded(device, dtype):
        asked.append(dtype)
        raise InputError("enough")

    monkeypatch.setattr(train, "make_accelerator", recorded)
    for dtype in ("fp32", "bf16"):
        assert cli("cell", *options, "--dtype", dtype)[0] == 2
    assert asked == ["fp32", "bf16"]
    assert len(list((given["--out"] / "models").iterdir())) == 2
    code, _, stderr = cli("cell", *options, "--dtype", "int4")
    assert code == 2
    assert stderr.splitlines()[-1] == "error: --dtype 'int4': expected fp32 or bf16"


def test_sweep_from_cells_in_another_order(cli, given, tiny_recipe, tmp_path, monkeypatch):
    del given["--model"]
    options = [*words(given), "--recipe", tiny_recipe, "--k", "2,3", "--trees", 2]
    grid = ["--cycles", "3,6,12,25", "--kmers", "2", "--baselines", "majority,markov,tfidf"]
    code, printed, stderr = cli("sweep", *options, *grid, "--print-cells")
    assert code == 0, stderr
    lines = printed.splitlines()
    assert len(lines) == 4 + 1 + 3
    for line in reversed(lines):
        command = [word for word in shlex.split(line)[3:] if word != "--no-progress"]
        at = command.index("--device")
        assert cli(*command[:at], *command[at + 2 :])[0] == 0
    out = given["--out"]
    assert not list(out.glob("models/*/states"))
    kept = files(out)
    assert len([name for name in kept if name.endswith("parquet")]) == 8 * 2

    def refused(*arguments, **options):
        raise AssertionError("a finished model was trained again")

    monkeypatch.setattr(training, "_tokenizer", refused)
    code, _, stderr = cli("sweep", *options, *grid)
    assert code == 0, stderr
    monkeypatch.undo()
    assert kept.items() <= files(out).items()
    names = {"nextkmer.tsv", "curves.tsv", "choice.json", "nextkmer.png", "nextkmer.svg", "nextkmer.run.json"}
    assert {path.name for path in out.iterdir() if path.is_file()} == names
    choice = json.loads((out / "choice.json").read_text())
    assert 3 <= choice["low"] <= choice["high"] <= 25
    assert "cycles (95 % of the draws" in stderr
    table, curves = (pd.read_csv(out / name, sep="\t") for name in ("nextkmer.tsv", "curves.tsv"))
    assert table["cycles"].dropna().unique().tolist() == [3, 6, 12, 25]
    assert (curves["low"] <= curves["high"]).all()
    assert curves.groupby("k").size().tolist() == [101, 101]
    straight = tmp_path / "straight"
    assert cli("sweep", *words(given | {"--out": straight}), *options[-6:], *grid)[0] == 0
    for name in ("nextkmer.tsv", "curves.tsv", "choice.json", "nextkmer.svg"):
        assert (straight / name).read_bytes() == (out / name).read_bytes()


BAD = {
    "k": ({"--k": "7"}, "k = 7: expected 2 to 6"),
    "k words": ({"--k": "two"}, "--k 'two': expected numbers"),
    "too many": ({"--n-test": 100_000}, "100,000 test sequences asked for, but there are"),
    "nothing outside": ({"--heldout": "chr1\t0\t9000\n"}, "there are 0 places outside of the held-out regions"),
    "held out too short": ({"--heldout": "chr1\t10\t50\n"}, "there are 0 places inside the held-out regions"),
    "other assembly": ({"--heldout": "chr1\t10\t90000\n"}, "runs past the end of chr1"),
    "no model": ({"--model": "no/such/model"}, "no such model folder"),
    "tokenizer": ({"--tokenizer": "nothing-here"}, "nothing-here"),
    "other tokenizer": ({"--tokenizer": "6-mer"}, "use the tokenizer that the model was trained with"),
    "mode": ({"--mode": "half"}, "--mode 'half': expected head or full"),
    "read": ({"--read": "first"}, "--read 'first'"),
    "align": ({"--align": "middle"}, "--align 'middle'"),
    "rate": ({"--learning-rate": 2}, "--learning-rate 2"),
    "epochs": ({"--epochs": 0}, "--epochs 0"),
    "baselines": ({"--baselines": "majority,magic"}, "baseline 'magic'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(cli, given, tmp_path, case):
    changes, message = BAD[case]
    if str(changes.get("--heldout", "")).startswith("chr1"):
        bed = tmp_path / "other.bed"
        bed.write_text(changes["--heldout"])
        changes = {"--heldout": bed}
    code, stdout, stderr = cli("run", *words(given | {"--baselines": ""} | changes))
    assert (code, stdout) == (2, "")
    last = stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert not given["--out"].exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--cycles": "3,900"}, "ask for fewer cycles"),
        ({"--cycles": "0"}, "expected 1 to"),
        ({"--recipe": "no.yaml"}, "not a training recipe"),
        ({"--metric": "luck"}, "--metric 'luck'"),
        ({"--span": 1.5}, "--span 1.5"),
        ({"--cycles": "", "--kmers": "", "--baselines": ""}, "nothing to compare"),
    ],
)
def test_bad_sweeps(cli, certain_fasta, given, tiny_recipe, changes, message):
    del given["--model"]
    options = given | {"--recipe": tiny_recipe, "--genome": certain_fasta, "--kmers": "", "--baselines": "", "--k": 2}
    code, _, stderr = cli("sweep", *words(options | changes))
    assert code == 2
    assert stderr.splitlines()[-1].startswith("error: ")
    assert message in stderr.splitlines()[-1]


def test_names_of_systems():
    assert parse_system("BPE600").name == "bpe-600"
    assert (parse_system("6mer").kind, parse_system("6-mer", 3).label) == ("kmer", "6-mer-seed3")
    assert parse_system("grover=PoetschLab/GROVER").model == "PoetschLab/GROVER"
    assert parse_system("PoetschLab/GROVER").name == "GROVER"
    with pytest.raises(InputError, match="NAME=MODEL"):
        parse_system("=x")
    with pytest.raises(InputError, match="given twice"):
        sweep_systems((), (), (), ("a/x", "b/x"), ())
    assert parse_numbers("2-4,3,6", "--k") == (2, 3, 4, 6)
    for text in ("4-2", "a", "2--3", "-2"):
        with pytest.raises(InputError, match="--k"):
            parse_numbers(text, "--k")
