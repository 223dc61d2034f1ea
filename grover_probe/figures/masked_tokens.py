"""Tables of masked-token prediction for figures, from the folders of ``python -m grover_probe.evaluate``."""

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.figures import paper
from grover_probe.figures.results import Results

if TYPE_CHECKING:
    import pandas as pd

CHECKPOINT = "checkpoint"
MEASURES = ("perplexity", "percent_of_vocabulary", "bits_per_base")
_BLOCK = 100_000  # bases that are drawn together in the bootstrap
_RESAMPLES = 1_000
_NAME = re.compile(r"(?:bpe-(\d+)|(\d+)-mer)", re.IGNORECASE)


def kind_of(system: str) -> str:
    """``bpe`` or ``kmer`` from the name of a system; a checkpoint is taken for byte pairs."""
    found = _NAME.fullmatch(system)
    return "kmer" if found and found[2] else "bpe"


def label_of(system: str) -> str:
    """Name of a system in figures: BPE-600 for bpe-600."""
    return system.upper() if system.lower().startswith("bpe-") else system


def in_order(systems: list[str]) -> list[str]:
    """The checkpoint, other models, byte pairs by cycles, k-mers by k."""

    def rank(system: str) -> tuple[int, int, str]:
        found = _NAME.fullmatch(system)
        if found:
            return (2, int(found[1]), system) if found[1] else (3, int(found[2]), system)
        return (0 if system == CHECKPOINT else 1, 0, system)

    return sorted(systems, key=rank)


def evaluated(results: Results) -> list[str]:
    """Systems that were evaluated, in order.

    Raises
    ------
    InputError
        When there is none.
    """
    names = [name for name in results.names("evaluate") if results.has(f"evaluate/{name}/systems.tsv")]
    if not names:
        results.path(f"evaluate/{CHECKPOINT}/systems.tsv")  # says what is missing, and what makes it
    return in_order(names)


def top_n(results: Results) -> "pd.DataFrame":
    """Share of masked tokens among the first n: ``label``, ``kind``, ``n``, ``share``.

    All models, and the n-grams of the tokens of the first one.
    """
    import pandas as pd

    parts = []
    for number, system in enumerate(evaluated(results)):
        table = results.table(f"evaluate/{system}/top_k.tsv")
        columns = {"model": (label_of(system), kind_of(system))}
        if number == 0:
            columns |= {name: (name, "ngram") for name in table.columns if name not in ("k", "model")}
        for column, (label, kind) in columns.items():
            parts.append(pd.DataFrame({"label": label, "kind": kind, "n": table["k"], "share": table[column]}))
    return pd.concat(parts, ignore_index=True)


def perplexities(results: Results) -> "pd.DataFrame":
    """Perplexity of each system, also as per cent of its vocabulary and in bits per base.

    Returns
    -------
    pandas.DataFrame
        ``system``, ``label``, ``kind``, ``n_masked``, ``n_blocks``; each of `MEASURES` with ``_low`` and ``_high`` (95
        % of bootstrap draws of blocks of 100 kb), that of the best n-gram of the same tokens (``ngrams_``, its name in
        ``ngrams``) and the paper's (``paper_``; bits per base follow from its perplexity and mean length of a token).
    """
    import pandas as pd

    return pd.DataFrame([_perplexity(results, system) for system in evaluated(results)])


def _perplexity(results: Results, system: str) -> dict[str, Any]:
    systems = results.table(f"evaluate/{system}/systems.tsv")
    whole = systems[systems["part"] == "all"].set_index("system")
    row: dict[str, Any] = {"system": system, "label": label_of(system), "kind": kind_of(system)}
    row["n_masked"] = int(whole.at["model", "n_masked"])
    row |= _intervals(results.table(f"evaluate/{system}/predictions.parquet"), whole.loc["model"])
    ngrams = whole.drop(index="model")
    best = ngrams["perplexity"].idxmin() if len(ngrams) else ""
    row["ngrams"] = best
    for name in MEASURES:
        row[f"ngrams_{name}"] = ngrams.at[best, name] if best else math.nan
    known = paper.PERPLEXITY.get(system, paper.PERPLEXITY["GROVER"] if system in (CHECKPOINT, "bpe-600") else None)
    perplexity, percent, length = known or (math.nan,) * 3
    row |= {"paper_perplexity": perplexity, "paper_percent_of_vocabulary": percent}
    return row | {"paper_bits_per_base": math.log2(perplexity) / length}


def _intervals(predictions: "pd.DataFrame", model: "pd.Series[Any]") -> dict[str, Any]:
    """The measures of a model with intervals from bootstrap draws of blocks."""
    from grover_probe.probes.metrics import interval, resample_blocks

    block = predictions["chrom"].astype(str) + ":" + (predictions["start"] // _BLOCK).astype(str)
    resamples = resample_blocks(block.to_numpy(), _RESAMPLES, seed=0)
    lengths = (predictions["end"] - predictions["start"]).to_numpy()
    sums = [
        np.bincount(resamples.block, weights=values, minlength=resamples.n_blocks)
        for values in (np.ones(len(lengths)), predictions["nats"].to_numpy(), lengths)
    ]
    n, nats, bases = (resamples.counts @ each for each in sums)
    size = 100 * model["perplexity"] / model["percent_of_vocabulary"]
    drawn = {"perplexity": np.exp(nats / n), "bits_per_base": nats / np.log(2) / bases}
    drawn["percent_of_vocabulary"] = 100 * drawn["perplexity"] / size
    row: dict[str, Any] = {"n_blocks": resamples.n_blocks}
    for name in MEASURES:
        row[name], row[f"{name}_low"], row[f"{name}_high"] = interval(drawn[name])
    return row
