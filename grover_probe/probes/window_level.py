"""One row per window of the genome: targets from annotation, blocks and controls."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.baselines.composition import genome_composition
from grover_probe.baselines.onehot import central_one_hot
from grover_probe.errors import InputError
from grover_probe.probes.features import MODEL, Features, single
from grover_probe.probes.folds import BLOCK_SIZE, N_FOLDS, genomic_folds
from grover_probe.probes.genomic_targets import Source, genomic_targets
from grover_probe.probes.run import Level
from grover_probe.probes.targets import Target
from grover_probe.probes.window_tokens import static_means, token_counts

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.extract.results import PassResult
    from grover_probe.genome import Genome
    from grover_probe.kmer import AnyTokenizer

KMER = 4  # bases; 256 columns


def window_level(
    result: "PassResult",
    others: dict[str, "PassResult"],
    genome: "Genome",
    tokenizer: "AnyTokenizer",
    sources: list[Source],
    *,
    layers: tuple[int, ...] | None = None,
    max_windows: int | None = None,
    n_folds: int = N_FOLDS,
    block_size: int = BLOCK_SIZE,
    seed: int = 0,
) -> tuple[Level, list[str]]:
    """Everything that is asked of the embeddings of windows.

    Parameters
    ----------
    result
        The pass of the model, with window embeddings.
    others
        Passes of other models over the same windows by name of the control: ``random_model``, ``initial_model``.
    genome, tokenizer
        What the pass was made from.
    sources
        Files that give targets; GC content is always one.
    layers
        Layers to probe, all that were kept when None.
    max_windows
        Draw so many at random; all when None.
    n_folds, block_size, seed
        As in `genomic_folds`; the seed also draws the windows.

    Returns
    -------
    level : Level
        What `run_level` takes.
    notes : list of str
        Sources that could not be used, and what was left out of them.

    Raises
    ------
    InputError
        When passes, genome and tokenizer do not belong together, or folds cannot be formed.
    """
    table = result.windows
    for name, other in others.items():
        check_same(table, other.windows, f"{other.folder}: other windows than in {result.folder}", name)
    rows = draw_rows(len(table), max_windows, seed)
    table = table.iloc[rows].reset_index(drop=True)
    centres = (table["start"] + table["end"]).to_numpy() // 2
    folds = genomic_folds(table["chrom"].to_numpy(), centres, n_folds=n_folds, block_size=block_size, seed=seed)
    chroms, starts, ends = (table[name].to_numpy() for name in ("chrom", "start", "end"))
    gc, spectrum = genome_composition(genome, chroms, starts, ends, KMER)
    counts = token_counts(table, genome, tokenizer, result.pieces)
    targets, notes = genomic_targets(table, genome, sources, "windows")
    targets = [Target("gc", "windows", gc), *targets]
    features = [
        layer_features(name, each, rows, layers, {pooling: partial(each.window_embeddings, pooling=pooling)
                                                  for pooling in each.poolings})
        for name, each in {MODEL: result, **others}.items()
    ]  # fmt: skip
    if 0 in result.layers:
        features.append(single("input_embeddings", static_means(counts, result.token_means(0))))
    bases = ends - starts
    more = {"log_bases": np.log10(bases), "token_length": bases / table["n_tokens"].to_numpy()}
    features.append(composition(gc, spectrum, more))
    features.append(single("kmer_spectrum", spectrum))
    features.append(single("one_hot", central_one_hot(genome, chroms, starts, ends)))
    n_ids = counts.shape[1]

    def random_labels(number: int) -> np.ndarray:
        """Mean over the window's tokens of a random value per token type."""
        return static_means(counts, np.random.default_rng([number, 2]).normal(size=(n_ids, 1)))[:, 0]

    return Level("windows", targets, folds, features, random_labels), notes


def check_same(table: "pd.DataFrame", other: "pd.DataFrame", complaint: str, name: str) -> None:
    """Refuse a pass over other stretches as the control `name`.

    Raises
    ------
    InputError
        When chromosomes, starts or ends differ.
    """
    columns = ["chrom", "start", "end"]
    if len(other) != len(table) or not other[columns].reset_index(drop=True).equals(
        table[columns].reset_index(drop=True)
    ):
        raise InputError(f"{complaint}; cannot be --{name.removesuffix('_model')}")


def draw_rows(n: int, most: int | None, seed: int) -> np.ndarray:
    """All rows, or `most` of them at random, in order."""
    if most is None or most >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def composition(gc: np.ndarray, spectrum: np.ndarray, more: dict[str, np.ndarray]) -> Features:
    """The control that knows what share of a stretch is which base, and what else is given by name.

    Parameters
    ----------
    gc, spectrum
        Of `genome_composition`, k-mers of at least two bases.
    more
        Further columns, shape (n,) each.
    """
    cube = spectrum.reshape(len(spectrum), 4, 4, -1).sum(3)
    first = cube.sum(2)
    columns = {
        "gc": gc,
        "ag": first[:, 0] + first[:, 2],
        "ac": first[:, 0] + first[:, 1],
        "cpg": cube[:, 1, 2],
        **more,
    }
    values = np.stack([np.nan_to_num(each) for each in columns.values()], axis=1).astype(np.float32)
    return single("composition", values, tuple(columns))


def layer_features(
    name: str,
    result: "PassResult",
    rows: np.ndarray,
    layers: tuple[int, ...] | None,
    poolings: Mapping[str, Callable[[int], np.ndarray]],
) -> Features:
    """Embeddings of a pass, layer by layer and pooling by pooling; read when they are needed.

    Parameters
    ----------
    name
        Of the features.
    result
        The pass.
    rows
        Those wanted.
    layers
        Those wanted; all that were kept when None.
    poolings
        For each what gives the embeddings of a layer, shape (n, width).

    Raises
    ------
    InputError
        When none of the layers was kept.
    """
    kept = [layer for layer in result.window_layers if layers is None or layer in layers]
    if not kept:
        have = ", ".join(map(str, result.window_layers)) or "none"
        raise InputError(f"{result.folder}: none of the layers asked for has embeddings; it has {have}")

    def loader(read: Callable[[int], np.ndarray], layer: int) -> Callable[[], np.ndarray]:
        return lambda: np.asarray(read(layer)[rows], dtype=np.float32)

    parts = {(str(layer), pooling): loader(read, layer) for layer in kept for pooling, read in poolings.items()}
    return Features(name, parts)
