"""Run every system on a task, cell by cell, and put the results into one table."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.command import note, track
from grover_probe.compare.cells import Cell, CellStore, cell_key
from grover_probe.compare.differences import paired_differences
from grover_probe.compare.learners import Budget, Learner, Task, open_learner
from grover_probe.compare.paper import paper_mcc
from grover_probe.compare.result import DONE, Comparison
from grover_probe.compare.systems import SYSTEMS, System
from grover_probe.compare.threshold import best_cut, move_cut
from grover_probe.errors import GroverProbeError, InputError
from grover_probe.finetune.metrics import METRICS, summarise
from grover_probe.finetune.results import prediction_table
from grover_probe.tasks.dataset import DataSet

CELLS = "cells"


def compare(
    dataset: DataSet,
    systems: Sequence[System] = SYSTEMS,
    out: Path | str = "compare-out",
    budget: Budget | None = None,
    *,
    seeds: Sequence[int] = (0,),
    draws: int = 1000,
    progress: bool = True,
) -> Comparison:
    """Compare systems with the same splits, seeds and budget. Finished cells in `out` are not made again.

    Parameters
    ----------
    dataset
        The task.
    systems
        As `grover_probe.compare.systems.choose_systems` gives them. The result does not depend on their order.
    out
        Its folder ``cells`` keeps the predictions of each (system, seed), under a hash of all that decides them.
    budget
        `Budget()` by default.
    seeds
        Each system that has any randomness is trained once with each.
    draws
        Of the bootstrap.
    progress
        Show progress bars on stderr.

    Returns
    -------
    Comparison
        With a row for each system, also for those that could not be run.

    Raises
    ------
    InputError
        When something that the user named cannot be used. What goes wrong while a system learns is its status.
    """
    budget = budget or Budget()
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds {', '.join(map(str, seeds))}: expected different whole numbers, 0 or more")
    if not budget.trees or min(budget.trees) < 1:
        raise InputError(f"--trees {','.join(map(str, budget.trees))}: expected numbers of at least 1")
    task = Task(dataset)
    learners = {system.name: open_learner(system, task, budget) for system in systems}
    store = CellStore(Path(out) / CELLS)
    rows, predictions, runs = [], {}, {}
    plan = [(system, learners[system.name]) for system in _in_order(systems)]
    total = sum(len(_seeds(learner, seeds)) for _, learner in plan if isinstance(learner, Learner))
    with track(total=total, label="compare", unit="cell", progress=progress) as bar:
        for system, learner in plan:
            row: dict[str, Any] = {"system": system.name, "title": system.title, "status": f"not run: {learner}"}
            if isinstance(learner, Learner):
                bar.set_postfix_str(system.name)
                try:
                    cells = {
                        seed: _cell(store, learner, dataset, seed, progress, bar) for seed in _seeds(learner, seeds)
                    }
                    row |= {"status": DONE, "reads": learner.reads, **_scores(task, cells, draws)}
                    tests = {seed: cell.predicted.test for seed, cell in cells.items()}
                    runs[system.name] = list(tests.values())
                    predictions[system.name] = prediction_table(task.tables.test, dataset.classes, tests)
                except GroverProbeError as error:
                    row["status"] = f"failed: {' '.join(str(error).split())}"
            if row["status"] != DONE:
                note(f"{system.name}: {row['status']}")
            rows.append(row | {"paper_mcc": paper_mcc(dataset.name, system)})
    content = {name: learner.content for name, learner in sorted(learners.items()) if isinstance(learner, Learner)}
    labels, groups = _truth(task)
    return Comparison(
        _table(rows), predictions, paired_differences(labels, runs, groups, draws=draws),
        {"task": {"name": dataset.name, "sha256": dataset.hash}, "systems": content},
        {"seeds": list(seeds), "draws": draws, "trees": list(budget.trees), **budget.settings.to_dict()},
    )  # fmt: skip


def _in_order(systems: Sequence[System]) -> list[System]:
    """In the order of the catalogue, systems that the user added after it by name."""
    place = {system.name: number for number, system in enumerate(SYSTEMS)}
    return sorted(systems, key=lambda system: (place.get(system.name, len(place)), system.name))


def _seeds(learner: Learner, seeds: Sequence[int]) -> Sequence[int]:
    return seeds if learner.seeded else seeds[:1]


def _cell(store: CellStore, learner: Learner, dataset: DataSet, seed: int, progress: bool, bar: Any) -> Cell:
    """One system with one seed, from the store or made now."""
    key = cell_key(task=dataset.hash, content=learner.content, seed=seed if learner.seeded else None)
    cell = store.get(key)
    if cell is None:
        begin = time.perf_counter()
        predicted = learner.learn(seed, store.work(key), progress)
        cell = Cell(predicted, round(time.perf_counter() - begin, 3))
        store.put(key, cell)
    bar.update(1)
    return cell


def _truth(task: Task) -> tuple[np.ndarray, np.ndarray | None]:
    """True classes of the test split, and its groups where it has some."""
    test = task.tables.test
    return test["label"].to_numpy(np.int64), test["group"].to_numpy(str) if "group" in test else None


def _scores(task: Task, cells: dict[int, Cell], draws: int) -> dict[str, Any]:
    """The metrics of one row."""
    labels, groups = _truth(task)
    found = summarise(labels, {seed: cell.predicted.test for seed, cell in cells.items()}, groups, draws=draws)
    row: dict[str, Any] = {"n_test": len(labels), "n_seeds": len(cells)}
    for name in METRICS:
        row[name] = found[name]
        row[f"{name}_low"], row[f"{name}_high"] = found["intervals"][name]
    row["mcc_sd"] = found["sd"]["mcc"] if "sd" in found else math.nan
    if task.tables.n_classes == 2:
        cuts = {
            seed: best_cut(task.tables.validation_labels, cell.predicted.validation[:, 1])
            for seed, cell in cells.items()
        }
        moved = {seed: move_cut(cell.predicted.test, cuts[seed]) for seed, cell in cells.items()}
        after = summarise(labels, moved, groups, draws=draws)
        row["mcc_cut"] = after["mcc"]
        row["mcc_cut_low"], row["mcc_cut_high"] = after["intervals"]["mcc"]
    row["top1_in_group"] = found.get("top1_in_group", {}).get("top1", math.nan)
    row["seconds"] = sum(cell.seconds for cell in cells.values())
    row["chosen"] = "; ".join(f"{seed}: {_words(cell.predicted.chosen)}" for seed, cell in cells.items())
    return row


def _words(chosen: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in chosen.items() if not isinstance(value, dict))


def _table(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    intervals = [f"{name}{end}" for name in (*METRICS, "mcc_cut") for end in ("", "_low", "_high")]
    columns = [
        "system", "title", "status", "reads", "n_test", "n_seeds", *intervals, "mcc_sd", "top1_in_group", "paper_mcc",
        "seconds", "chosen",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"n_test": "Int64", "n_seeds": "Int64"})
