"""All targets of one level, from the model and from every control, cell by cell."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from grover_probe.command import track
from grover_probe.display import brief
from grover_probe.probes import metrics
from grover_probe.probes.assess import assess, headline
from grover_probe.probes.cells import CellRow, CellStore, cell_key
from grover_probe.probes.description import code_lengths, parts_of
from grover_probe.probes.engine import BEST, Key, Predictions, most_chosen, nested_predictions
from grover_probe.probes.features import CONTROL_TASK, MODEL, PRIOR, SHUFFLED, Features, hash_array, single
from grover_probe.probes.folds import Folds
from grover_probe.probes.learners import Learner, Prior
from grover_probe.probes.targets import Target, TargetSkippedError, check_target

MOST_COLUMNS = 24  # predicted at once: bounds the memory, and what is lost when a run is stopped


@dataclass(frozen=True)
class Level:
    """Rows of one kind with their questions.

    Attributes
    ----------
    name
        ``tokens`` or ``windows``.
    targets
        What is asked.
    folds
        What is held out together.
    features
        The model first, then the controls.
    random_labels
        For the control task: makes random values of the rows that depend on token types alone, shape (n_rows,), from a
        seed.
    """

    name: str
    targets: Sequence[Target]
    folds: Folds
    features: Sequence[Features]
    random_labels: Callable[[int], np.ndarray]

    __repr__ = brief


@dataclass(frozen=True)
class Settings:
    """What every cell shares.

    Attributes
    ----------
    learners
        The kinds of probes.
    seed
        Decides shuffles, random labels, networks and resamples.
    n_resamples
        Bootstrap resamples of blocks.
    """

    learners: Sequence[Learner]
    seed: int = 0
    n_resamples: int = 200


@dataclass
class Found:
    """What a run found.

    Attributes
    ----------
    cells
        Rows of every cell.
    notes
        Targets and classes that were left out, and why.
    """

    cells: list[CellRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_level(level: Level, settings: Settings, store: CellStore, *, progress: bool = True) -> Found:
    """Probe all targets of a level.

    Parameters
    ----------
    level
        Rows, targets and features.
    settings
        Probes, seed, resamples.
    store
        Where finished cells are found and kept.
    progress
        Show a progress bar on stderr.
    """
    found = Found()
    targets = []
    for target in level.targets:
        try:
            kept, notes = check_target(target, level.folds)
            targets.append(kept)
            found.notes += [f"{level.name} {target.name}: {note}" for note in notes]
        except TargetSkippedError as reason:
            found.notes.append(f"{level.name} {target.name}: skipped, {reason}")
    steps = sum(len(features.parts) for features in level.features) + 2
    total = len(targets) * (steps * len(settings.learners) + 1)
    with track(total=total, label=f"probes of {level.name}", unit="cell", progress=progress) as bar:
        work = _Work(level, settings, store, bar.update)
        found.cells += work.prior(targets)
        for learner in settings.learners:
            for features in level.features:
                rows = work.cells(targets, features, learner)
                found.cells += [row for each in rows for row in each]
                if features.name == MODEL:
                    found.cells += work.other_labels(targets, rows, features, learner)
    return found


@dataclass(frozen=True)
class _Work:
    level: Level
    settings: Settings
    store: CellStore
    tick: Callable[[int], object]

    def prior(self, targets: Sequence[Target]) -> list[CellRow]:
        """Majority and mean."""
        nothing = np.zeros((len(self.level.folds.fold), 1), dtype=np.float32)
        found = []
        for name in PRIOR:
            own = [target for target in targets if bool(target.classes) == (name == "majority")]
            found += self.cells(own, single(name, nothing), Prior())
        return [row for rows in found for row in rows]

    def other_labels(
        self, targets: Sequence[Target], rows: Sequence[list[CellRow]], features: Features, learner: Learner
    ) -> list[CellRow]:
        """Shuffled labels and the control task, from the layer and pooling that inner folds chose for the target."""
        by_key = defaultdict(list)
        for target, own in zip(targets, rows, strict=True):
            layer, _, pooling = own[-1].row["chosen_layer"].partition(":")
            by_key[layer, pooling].append(target)
        found: list[CellRow] = []
        for name, relabel in ((SHUFFLED, self._shuffled), (CONTROL_TASK, self._control_task)):
            for key, own_targets in by_key.items():
                changed = [relabel(target) for target in own_targets]
                cells = self.cells(changed, replace(features, name=name).only(key), learner)
                found += [row for each in cells for row in each]
        return found

    def _shuffled(self, target: Target) -> Target:
        y, used = target.y.copy(), target.used
        y[used] = np.random.default_rng([self.settings.seed, 1]).permutation(y[used])
        return replace(target, y=y)

    def _control_task(self, target: Target) -> Target:
        """Random values of token types; cut into classes of the target's sizes where it has classes."""
        values = self.level.random_labels(self.settings.seed).astype(np.float64)
        y, used = np.full(len(values), np.nan), target.used
        y[used] = values[used]
        if target.classes:
            sizes = np.bincount(target.y[used].astype(np.int64), minlength=len(target.classes))
            labels = np.repeat(np.arange(len(sizes)), sizes)
            y[np.flatnonzero(used)[np.argsort(values[used], kind="stable")]] = labels
        return replace(target, y=y)

    def cells(self, targets: Sequence[Target], features: Features, learner: Learner) -> list[list[CellRow]]:
        """The cells of some targets, found or made: for each target its rows, that of the best layer last."""
        keys = [self._key(target, features, learner) for target in targets]
        found = [self.store.get(key) for key in keys]
        groups = defaultdict(list)
        for number, (target, rows) in enumerate(zip(targets, found, strict=True)):
            if rows is None:
                own = target.name if target.name in features.columns else ""
                groups[target.used.tobytes(), own].append(number)
            else:
                self.tick(len(features.parts))
        for (_, own), numbers in groups.items():
            for chunk in _chunks(numbers, targets):
                made = self._make([targets[number] for number in chunk], features, learner, own)
                for number, rows in zip(chunk, made, strict=True):
                    self.store.put(keys[number], rows)
                    found[number] = rows
        return [rows for rows in found if rows is not None]

    def _key(self, target: Target, features: Features, learner: Learner) -> str:
        folds = self.level.folds
        return cell_key(
            target=[target.name, target.level, target.classes, hash_array(target.y)],
            folds=[hash_array(folds.fold), hash_array(folds.block)],
            features=[features.name, features.digest],
            probe=[learner.name, learner.settings],
            seed=self.settings.seed,
            n_resamples=self.settings.n_resamples,
        )

    def _make(
        self, targets: Sequence[Target], features: Features, learner: Learner, leave_out: str
    ) -> list[list[CellRow]]:
        seed, used = self.settings.seed, targets[0].used
        folds = self.level.folds
        folds = replace(folds, fold=folds.fold[used], block=folds.block[used])
        kept = [at for at, column in enumerate(features.columns) if column != leave_out]

        part = parts_of(folds.block, seed)
        bits: dict[Key, np.ndarray] = {}

        def read(key: Key) -> np.ndarray:
            """The features of one layer; its code length is taken here, so that it is read once."""
            x = np.asarray(features.parts[key]())[used]
            x = x[:, kept] if leave_out else x
            bits[key] = code_lengths(x, targets, part, learner, seed=seed)
            return x

        predictions = nested_predictions(
            {key: partial(read, key) for key in features.parts}, targets, folds.fold, learner, seed=seed,
            tick=lambda: self.tick(len(targets)),
        )  # fmt: skip
        bits[BEST] = np.min(list(bits.values()), axis=0) + np.log2(len(features.parts))
        resamples = metrics.resample_blocks(folds.block, self.settings.n_resamples, seed)
        return [
            self._rows(
                target, found, {key: each[at] for key, each in bits.items()}, features, learner, folds, resamples
            )
            for at, (target, found) in enumerate(zip(targets, predictions, strict=True))
        ]

    def _rows(
        self,
        target: Target,
        predictions: dict[Key, Predictions],
        bits: dict[Key, float],
        features: Features,
        learner: Learner,
        folds: Folds,
        resamples: metrics.Resamples,
    ) -> list[CellRow]:
        n = int(target.used.sum())
        rows = []
        for key, predicted in predictions.items():
            if key == BEST and len(predictions) == 2 and features.name != MODEL:  # one layer, nothing to choose
                continue
            scores, drawn = assess(target, predicted, folds, resamples)
            chosen = predicted.chosen
            row: dict[str, Any] = {
                "target": target.name,
                "level": target.level,
                "probe": learner.name,
                "layer": key[0],
                "pooling": key[1],
                "features": features.name,
                "metric": headline(target),
                **scores,
                "bits_per_row": float(bits[key]) / n,
                "inner_score": float(np.mean(predicted.inner)),
                "chosen_layer": ":".join(most_chosen(predicted)),
                "chosen": ", ".join(f"{layer}:{pooling} {setting}".strip() for layer, pooling, setting in chosen),
                "n": n,
                "n_blocks": resamples.n_blocks,
                "n_folds": folds.n_folds,
                "classes": ",".join(target.classes),
            }
            rows.append(CellRow(row, drawn.tolist()))
        return rows


def _chunks(numbers: Sequence[int], targets: Sequence[Target]) -> list[list[int]]:
    """Targets in groups of at most `MOST_COLUMNS` columns."""
    found: list[list[int]] = [[]]
    width = 0
    for number in numbers:
        if found[-1] and width + targets[number].n_columns > MOST_COLUMNS:
            found.append([])
            width = 0
        found[-1].append(number)
        width += targets[number].n_columns
    return found
