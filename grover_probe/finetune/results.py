"""The result of a fine-tuning, in memory and on disk."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.display import ShowsTable
from grover_probe.files import atomic_path, make_folder, sha256_of, staged_files
from grover_probe.finetune.metrics import METRICS
from grover_probe.provenance import write_run

if TYPE_CHECKING:
    import pandas as pd

RECORD = "finetune.run.json"
RESULTS = ("metrics.json", "predictions.tsv", "history.tsv")
_PLACE = ("chrom", "start", "end", "strand", "group")


@dataclass(frozen=True)
class FineTuned(ShowsTable):
    """The result of a fine-tuning.

    Attributes
    ----------
    metrics
        As `grover_probe.finetune.metrics.summarise` gives them, of the test split.
    predictions
        One row per test example and seed: ``id``, ``seed``, ``label``, ``prediction``, ``p_CLASS`` for each class.
    history
        One row per epoch and seed: ``loss``, ``validation_mcc``, ``learning_rate``.
    """

    metrics: dict[str, Any]
    predictions: "pd.DataFrame"
    history: "pd.DataFrame"

    def __repr__(self) -> str:
        low, high = self.metrics["intervals"]["mcc"]
        return (
            f"FineTuned(MCC {self.metrics['mcc']:.3f}, {low:.3f} to {high:.3f}, of {self.metrics['n_test']:,} test "
            f"examples; seeds {', '.join(map(str, self.metrics['seeds']))})"
        )

    def to_frame(self) -> "pd.DataFrame":
        """The predictions."""
        return self.predictions

    def overview(self) -> "pd.DataFrame":
        """The metrics of the test split with their 95 % intervals."""
        import pandas as pd

        rows = [(name, self.metrics[name], *self.metrics["intervals"][name]) for name in METRICS]
        return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])

    def save(self, folder: Path | str) -> None:
        """Write ``metrics.json``, ``predictions.tsv`` and ``history.tsv``."""
        folder = make_folder(folder)
        with atomic_path(folder / RESULTS[0]) as temporary:
            temporary.write_text(json.dumps(self.metrics, indent=1) + "\n", encoding="utf-8")
        for name, table in zip(RESULTS[1:], (self.predictions, self.history), strict=True):
            with atomic_path(folder / name) as temporary:
                table.to_csv(temporary, sep="\t", index=False, lineterminator="\n", float_format="%.6g")


def prediction_table(part: "pd.DataFrame", classes: tuple[str, ...], runs: dict[int, np.ndarray]) -> "pd.DataFrame":
    """Probabilities by seed as one table, with the place of each example."""
    import pandas as pd

    tables = []
    for seed, probabilities in runs.items():
        table = part[["id", *(name for name in _PLACE if name in part)]].copy()
        table["seed"], table["label"] = seed, part["label"]
        table["prediction"] = probabilities.argmax(axis=1)
        for number, name in enumerate(classes):
            table[f"p_{name}"] = probabilities[:, number]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def write_result(
    result: FineTuned, out: Path, model: Path, key: dict[str, Any], seeds: Sequence[int], best: int
) -> None:
    """Move results and model into place together, with their record last."""
    names = sorted(path.name for path in model.iterdir())
    with staged_files(out, (*names, *RESULTS, RECORD)) as staging:
        for name in names:
            shutil.copyfile(model / name, staging / name)
        result.save(staging)
        write_run(
            staging / RECORD,
            inputs={name: key[name] for name in ("task", "model", "tokenizer")},
            parameters={**key["settings"], "seeds": list(seeds)},
            model_of_seed=best,
            outputs={name: sha256_of(staging / name) for name in (*names, *RESULTS)},
        )


def stored(out: Path, key: dict[str, Any], seeds: Sequence[int]) -> FineTuned | None:
    """The finished result in a folder, when it was made from the same and its files are whole."""
    import pandas as pd

    wanted = json.loads(json.dumps(key, default=str))
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        same = all(record["inputs"][name] == wanted[name] for name in ("task", "model", "tokenizer"))
        if not same or record["parameters"] != {**wanted["settings"], "seeds": list(seeds)}:
            return None
        if any(sha256_of(out / name) != sha256 for name, sha256 in record["outputs"].items()):
            return None
        metrics = json.loads((out / RESULTS[0]).read_text(encoding="utf-8"))
        return FineTuned(metrics, *(pd.read_csv(out / name, sep="\t") for name in RESULTS[1:]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
