"""One row per token of the dictionary: targets, groups and controls."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.baselines.onehot import token_one_hot
from grover_probe.errors import InputError
from grover_probe.probes.features import MODEL, Features, constant, single
from grover_probe.probes.folds import N_FOLDS, make_folds
from grover_probe.probes.run import Level
from grover_probe.probes.scales import physical_properties
from grover_probe.probes.targets import Target, class_target
from grover_probe.probes.token_groups import token_groups

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.extract.results import PassResult

FEWEST_OCCURRENCES = 10  # a mean over fewer says more about its contexts than about the token
_POOLING = "mean"


def token_level(
    result: "PassResult",
    others: dict[str, "PassResult"],
    overlap: "pd.DataFrame | None" = None,
    *,
    n_folds: int = N_FOLDS,
    seed: int = 0,
) -> Level:
    """Everything that is asked of the mean embedding of each token.

    Parameters
    ----------
    result
        The pass of the model.
    others
        Passes of the same tokenizer by name of the control: ``random_model``, ``initial_model``.
    overlap
        Table of `grover_probe.overlap` (``token_id, annotation, class, share``), for the share in each class.
    n_folds, seed
        Folds of token groups.

    Raises
    ------
    InputError
        When a pass has another dictionary, or too few tokens occur.
    """
    counts = result.counts
    pieces = result.pieces
    ids = np.array([i for i, text in enumerate(pieces) if text and counts[i] >= FEWEST_OCCURRENCES], dtype=np.int64)
    for name, other in others.items():
        if other.pieces != pieces:
            raise InputError(
                f"{other.folder}: made with another tokenizer than {result.folder}; cannot be --{name[:-6]}"
            )
        ids = ids[other.counts[ids] > 0]
    if len(ids) < n_folds:
        raise InputError(
            f"{result.folder}: {len(ids)} tokens occur {FEWEST_OCCURRENCES} times or more; too few for token probes, "
            "use more sequence or --level windows"
        )
    texts = [pieces[i] for i in ids]
    groups = token_groups(texts)
    folds = make_folds(groups, n_folds, seed, rule="groups of tokens that share sequence")
    frequency = np.log10(counts[ids] / counts.sum())
    targets = [*sequence_targets(texts, frequency), *_share_targets(ids, overlap)]
    features = [_layers(MODEL, result, ids)]
    features += [_layers(name, other, ids) for name, other in others.items()]
    if 0 in result.layers:
        features.append(single("input_embeddings", result.token_means(0)[ids]))
    features += token_controls(texts, frequency)
    rows = len(ids)
    return Level("tokens", targets, folds, features, lambda s: np.random.default_rng([s, 2]).normal(size=rows))


def sequence_targets(texts: list[str], frequency: np.ndarray) -> list[Target]:
    """What a token's sequence and frequency say.

    Parameters
    ----------
    texts
        Sequence of each token.
    frequency
        log10 of its share of all tokens, shape (n_tokens,).
    """
    values = {"log_frequency": frequency, **_composition(texts), **physical_properties(texts)}
    found = [Target(name, "tokens", np.asarray(value, dtype=np.float64)) for name, value in values.items()]
    found.append(class_target("first_base", "tokens", np.array([text[0] for text in texts], dtype=object)))
    found.append(class_target("last_base", "tokens", np.array([text[-1] for text in texts], dtype=object)))
    return found


def token_controls(texts: list[str], frequency: np.ndarray) -> list[Features]:
    """Composition (GC, length, log frequency), shares of all 1- to 3-mers, and the bases at either end."""
    table = _composition(texts)
    composition = np.stack([table["gc"], table["length"], frequency], axis=1).astype(np.float32)
    return [
        single("composition", composition, ("gc", "length", "log_frequency")),
        single("kmer_spectrum", _kmers(texts)),
        single("one_hot", token_one_hot(texts)),
    ]


def read_overlap(path: Path) -> "pd.DataFrame":
    """The token table of `grover_probe.overlap`.

    Raises
    ------
    InputError
        When it is no such table.
    """
    import pandas as pd

    needed = {"token_id", "annotation", "class", "share"}
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a Parquet table ({error}); expected tokens.parquet") from error
    missing = needed - set(table.columns)
    if missing:
        raise InputError(
            f"{path}: no column {sorted(missing)[0]!r}; expected the tokens.parquet of grover_probe.overlap"
        )
    return table


def _share_targets(ids: np.ndarray, overlap: "pd.DataFrame | None") -> list[Target]:
    if overlap is None:
        return []
    found = []
    for (annotation, label), part in overlap.groupby(["annotation", "class"], sort=True):
        share = part.drop_duplicates("token_id").set_index("token_id")["share"].reindex(ids)
        name = f"share_{annotation}" if label == annotation else f"share_{annotation}_{label}"
        found.append(Target(name, "tokens", share.to_numpy(dtype=np.float64)))
    return found


def _composition(texts: list[str]) -> dict[str, np.ndarray]:
    from grover_probe.vocabulary.composition import token_table

    table = token_table(texts)
    return {name: table[name].to_numpy(dtype=np.float64) for name in ("length", "gc", "ag", "ac", "cpg")}


def _kmers(texts: list[str]) -> np.ndarray:
    """Share of each 1-, 2- and 3-mer among those of the token: float32, shape (n_tokens, 84)."""
    from grover_probe.baselines.composition import kmer_spectrum
    from grover_probe.genome import encode_bases

    codes = encode_bases("".join(texts))
    ends = np.cumsum([len(text) for text in texts])
    starts = ends - [len(text) for text in texts]
    return np.concatenate([kmer_spectrum(codes, starts, ends, k) for k in (1, 2, 3)], axis=1)


def _layers(name: str, result: "PassResult", ids: np.ndarray) -> Features:
    return Features(name, {(str(layer), _POOLING): constant(result.token_means(layer)[ids]) for layer in result.layers})
