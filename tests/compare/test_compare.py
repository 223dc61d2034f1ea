"""All systems on a tiny task: numbers against outside ones, and what must not change them."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

import grover_probe.compare.run as running
from grover_probe.baselines.kmer_linear import gc_content
from grover_probe.compare.learners import Budget, Task, open_learner
from grover_probe.compare.run import compare
from grover_probe.compare.systems import choose_systems
from grover_probe.finetune import fine_tune
from grover_probe.finetune.metrics import METRICS, bootstrap
from grover_probe.finetune.settings import Settings

SETTINGS = Settings(epochs=2, learning_rate=3e-3)
BUDGET = Budget(SETTINGS, trees=(5, 20), device="cpu")
QUICK = "tfidf-3mer,tfidf-bpe,cnn,motif-score,gc"


def go(task, names, out, models=(), budget=BUDGET, **options):
    return compare(task, choose_systems(names, models), out, budget, draws=50, progress=False, **options)


@pytest.fixture(scope="module")
def result(task, tiny_model_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    models = [f"tiny={tiny_model_folder}", f"random={tiny_model_folder}"]
    found = go(task, f"{QUICK},tiny,random,6-mer", out, models, seeds=(0, 1))
    found.save(out)
    return found, out


def test_what_is_in_it(result, task):
    found, out = result
    assert found.table["system"].tolist() == [
        "6-mer", "random", "cnn", "tfidf-3mer", "tfidf-bpe", "motif-score", "gc", "tiny",
    ]  # fmt: skip
    status = found.table.set_index("system")["status"]
    assert status["6-mer"].startswith("not run: weights absent; ") and (status.drop("6-mer") == "done").all()
    assert sorted(path.name for path in out.iterdir()) == [
        "cells", "compare.run.json", "differences.tsv", "predictions", "systems.png", "systems.svg", "systems.tsv",
    ]  # fmt: skip
    assert {path.stem for path in (out / "predictions").iterdir()} == set(status.index) - {"6-mer"}
    seeds = found.table.set_index("system")["n_seeds"]
    assert seeds["gc"] == 1 and seeds["cnn"] == seeds["tiny"] == 2
    assert found.failed == [] and not list((out / "cells").glob("*.work"))


def test_random_weights_of_a_model_by_its_name(result, task, tiny_model_folder):
    found, out = result
    cells = sorted((out / "cells").iterdir())
    named = go(task, "random-tiny", out, [f"tiny={tiny_model_folder}"], seeds=(0, 1))
    scores = [table.set_index("system")[["mcc", "auroc", "mcc_low"]] for table in (named.table, found.table)]
    assert scores[0].loc["random-tiny"].tolist() == scores[1].loc["random"].tolist()
    assert sorted((out / "cells").iterdir()) == cells


def test_shows_itself(result, task):
    found, _ = result
    assert repr(found) == f"Comparison(7 of 8 systems on {task.name})"
    assert found.overview()["system"].tolist() == found.table["system"].tolist()
    assert "weights absent" in found._repr_html_()


def test_numbers_against_scikit_learn(result, task):
    """From the predictions as they are on disk."""
    found, out = result
    for row in found.table[found.table["status"] == "done"].itertuples():
        table = pd.read_csv(out / "predictions" / f"{row.system}.tsv", sep="\t")
        assert len(table) == row.n_test * row.n_seeds
        by_seed = [part for _, part in table.groupby("seed")]
        expected = np.mean([matthews_corrcoef(part["label"], part["prediction"]) for part in by_seed])
        assert row.mcc == pytest.approx(expected, abs=1e-9)
        assert row.auroc == pytest.approx(np.mean([roc_auc_score(part["label"], part["p_1"]) for part in by_seed]))
        groups = task.part("test")["group"].to_numpy(str)
        low, high = bootstrap(
            task.part("test")["label"].to_numpy(), [part[["p_0", "p_1"]].to_numpy() for part in by_seed], groups,
            draws=50,
        )["mcc"]  # fmt: skip
        assert (row.mcc_low, row.mcc_high) == pytest.approx((low, high), abs=1e-6)


def test_composition_is_found_and_the_score_says_nothing(result):
    mcc = result[0].table.set_index("system")["mcc"]
    assert mcc["gc"] > 0.7 and mcc["tfidf-3mer"] > 0.6 and abs(mcc["motif-score"]) < 0.45


def test_a_model_does_as_in_finetune(result, task, tiny_model_folder, tmp_path):
    """Same seeds, same splits: bit for bit the predictions of `grover-probe finetune`."""
    found = fine_tune(task, tiny_model_folder, tmp_path, SETTINGS, seeds=(0, 1), device="cpu", progress=False)
    pd.testing.assert_frame_equal(found.predictions, result[0].predictions["tiny"])
    row = result[0].table.set_index("system").loc["tiny"]
    assert {name: row[name] for name in METRICS} == {name: found.metrics[name] for name in METRICS}


def test_differences_are_of_the_table(result):
    mcc = result[0].table.set_index("system")["mcc"].dropna()
    found = pd.read_csv(result[1] / "differences.tsv", sep="\t")
    assert len(found) == len(mcc) * (len(mcc) - 1) // 2
    for row in found.itertuples():
        assert row.mcc == pytest.approx(mcc[row.system] - mcc[row.against], abs=1e-5)
        assert row.mcc_low <= row.mcc_high


def test_order_and_company_change_nothing(result, task, tmp_path):
    first = go(task, "gc,tfidf-3mer,cnn", tmp_path / "a", seeds=(1, 0))
    for name in ("gc", "tfidf-3mer", "cnn"):
        same = result[0].predictions[name].sort_values(["seed", "id"], ignore_index=True)
        own = first.predictions[name].sort_values(["seed", "id"], ignore_index=True)
        own["seed"] = own["seed"] if name != "gc" else same["seed"]  # which seed it stands for is of no account
        pd.testing.assert_frame_equal(own, same)
    reverse = choose_systems(QUICK)[::-1]
    again = compare(task, reverse, result[1], BUDGET, seeds=(0, 1), draws=50, progress=False)
    whole = result[0].table
    expected = whole[whole["system"].isin(again.table["system"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.table, expected)


def test_resume_gives_the_same_bytes(result, task, tiny_model_folder, tmp_path, monkeypatch):
    """Stopped in the middle, continued, then finished cells only: files as those of the run in one piece."""
    models = [f"tiny={tiny_model_folder}", f"random={tiny_model_folder}"]
    made = running._cell
    calls = 0

    def stops(*arguments):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return made(*arguments)

    monkeypatch.setattr(running, "_cell", stops)
    names = f"{QUICK},tiny,random,6-mer"
    with pytest.raises(KeyboardInterrupt):
        go(task, names, tmp_path, models, seeds=(0, 1))
    assert len(list((tmp_path / "cells").glob("*.npz"))) == 3
    monkeypatch.setattr(running, "_cell", made)
    learnt = []
    found = go(task, names, tmp_path, models, seeds=(0, 1))
    found.save(tmp_path)
    for path in sorted((result[1] / "predictions").iterdir()):
        assert path.read_bytes() == (tmp_path / "predictions" / path.name).read_bytes()
    pd.testing.assert_frame_equal(found.table.drop(columns="seconds"), result[0].table.drop(columns="seconds"))
    before = (tmp_path / "systems.tsv").read_bytes()
    monkeypatch.setattr(running.CellStore, "put", lambda *arguments: learnt.append(arguments))
    go(task, names, tmp_path, models, seeds=(0, 1)).save(tmp_path)
    assert not learnt and (tmp_path / "systems.tsv").read_bytes() == before


def test_a_damaged_cell_is_made_again(task, tmp_path):
    first = go(task, "gc", tmp_path).predictions["gc"]
    (cell,) = (tmp_path / "cells").glob("*.npz")
    cell.write_bytes(cell.read_bytes()[:100])
    pd.testing.assert_frame_equal(go(task, "gc", tmp_path).predictions["gc"], first)
    assert cell.stat().st_size > 100


def test_content_decides_a_cell_not_names(task, tiny_model_folder, tmp_path):
    def keys(**changes):
        folder = changes.pop("folder", tiny_model_folder)
        (system,) = choose_systems("a", [f"a={folder}"])
        return open_learner(system, Task(task), replace(BUDGET, **changes)).content

    shutil.copytree(tiny_model_folder, tmp_path / "copy")
    assert keys() == keys(folder=tmp_path / "copy") == keys(trees=(7,), threads=2)
    assert keys() != keys(settings=Settings(epochs=3))
    config = tmp_path / "copy" / "config.json"
    config.write_text(config.read_text().replace("}", " }"))
    assert keys() != keys(folder=tmp_path / "copy")


def test_fed_tokens_go_only_to_their_own_tokenizer(tiny_model_folder, tiny_tokenizer, task):
    table = task.table.assign(
        tokens=[" ".join(map(str, tiny_tokenizer.encode_text(text).ids)) for text in task.table["sequence"]]
    )
    card = {"details": {"Tokens": {"tokenizer_sha256": tiny_tokenizer.hash}}}
    fed = Task(replace(task, table=table, card=card))
    budget = replace(BUDGET, tokenizer=str(tiny_model_folder))
    systems = choose_systems("embedded,tiny,tfidf-bpe,gc", [f"tiny={tiny_model_folder}"])
    reads = {system.name: open_learner(system, fed, budget).reads for system in systems}
    assert reads == {"embedded": "sequence", "tiny": "tokens", "tfidf-bpe": "tokens", "gc": "sequence"}


def test_a_system_that_fails_does_not_stop_the_others(task, tiny_model_folder, tmp_path):
    budget = replace(BUDGET, settings=replace(SETTINGS, learning_rate=0.99, epochs=1, dtype="fp16"))
    found = go(task, "tiny,gc", tmp_path, [f"tiny={tiny_model_folder}"], budget=budget)
    assert found.failed == ["tiny"]
    assert "failed: --dtype fp16 needs a GPU" in found.table["status"].iloc[1]
    assert found.table["system"].tolist() == ["gc", "tiny"]


def test_three_classes_have_no_cut(tmp_path):
    from grover_probe.tasks.reading import read_task

    rng = np.random.default_rng(1)
    lines = [f"{''.join(rng.permutation(list('ACGT' * 4 + 'G' * 8 * (n % 3))))},{'abc'[n % 3]}" for n in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["sequence,label", *lines]))
    found = go(read_task(tmp_path / "t.csv"), "gc,motif-score", tmp_path)
    row = found.table.set_index("system").loc["gc"]
    assert row["mcc"] > 0.9 and np.isnan(row["mcc_cut"])
    assert found.table["status"].iloc[0].startswith("not run: the data set has no 'score' column")


def test_gc_row_by_hand(result, task):
    """One number per sequence and a monotone curve: the ranking is that of GC content itself."""
    part = task.part("test")
    area = roc_auc_score(part["label"], -gc_content(part["sequence"].tolist()))
    assert result[0].table.set_index("system").loc["gc", "auroc"] == pytest.approx(area)
