"""One row per interval of ``extract --bed``, a single base as a rule: the embedding of the token at a position."""

from typing import TYPE_CHECKING

import numpy as np

from grover_probe.baselines.composition import genome_composition
from grover_probe.baselines.onehot import central_one_hot
from grover_probe.errors import InputError
from grover_probe.probes.features import MODEL, single
from grover_probe.probes.folds import BLOCK_SIZE, N_FOLDS, genomic_folds
from grover_probe.probes.genomic_targets import Source, genomic_targets
from grover_probe.probes.run import Level
from grover_probe.probes.targets import Target
from grover_probe.probes.window_level import KMER, check_same, composition, layer_features
from grover_probe.probes.window_tokens import check_tokenizer

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.extract.results import PassResult
    from grover_probe.genome import Genome
    from grover_probe.kmer import AnyTokenizer

FLANK = 256  # bases on both sides of the middle, of which the controls know the composition


def position_level(
    result: "PassResult",
    others: dict[str, "PassResult"],
    genome: "Genome",
    tokenizer: "AnyTokenizer",
    sources: list[Source],
    *,
    layers: tuple[int, ...] | None = None,
    n_folds: int = N_FOLDS,
    block_size: int = BLOCK_SIZE,
    seed: int = 0,
) -> tuple[Level, list[str]]:
    """Everything that is asked of the embedding at a position.

    Parameters
    ----------
    result
        The pass of the model, with region means.
    others
        Passes of other models over the same intervals by name of the control.
    genome, tokenizer
        What the pass was made from.
    sources
        Files that give targets; GC content of the surroundings is always one.
    layers
        Layers to probe, all that were kept when None.
    n_folds, block_size, seed
        As in `genomic_folds`.

    Returns
    -------
    level : Level
        What `run_level` takes. Composition, k-mers and one-hot bases are those of the 512 bases around the middle.
    notes : list of str
        Sources that could not be used, intervals that no token covers.

    Raises
    ------
    InputError
        When passes, genome and tokenizer do not belong together, or folds cannot be formed.
    """
    strand = result.record.get("parameters", {}).get("strand", "forward")
    if strand != "forward":
        raise InputError(f"{result.folder}: a pass of strand {strand}; positions are probed on a forward pass")
    whole = result.regions
    for name, other in others.items():
        check_same(whole, other.regions, f"{other.folder}: other intervals than in {result.folder}", name)
    covered = np.flatnonzero(whole["bases"].to_numpy() > 0)
    lost = len(whole) - len(covered)
    notes = [f"positions: {lost:,} that no token covers are left out"] if lost else []
    table = whole.iloc[covered].reset_index(drop=True)
    chroms, middles = table["chrom"].to_numpy(), ((table["start"] + table["end"]) // 2).to_numpy(np.int64)
    folds = genomic_folds(chroms, middles, n_folds=n_folds, block_size=block_size, seed=seed)
    lengths = np.array([genome.length(name) for name in chroms])
    around = np.maximum(middles - FLANK, 0), np.minimum(middles + FLANK, lengths)
    gc, spectrum = genome_composition(genome, chroms, *around, KMER)
    tokens = tokens_at(table.assign(middle=middles), genome, tokenizer, result.pieces)
    targets, more = genomic_targets(table, genome, sources, "positions")
    features = [
        layer_features(name, each, covered, layers, {"token": each.region_means})
        for name, each in {MODEL: result, **others}.items()
    ]
    if 0 in result.layers:
        features.append(single("input_embeddings", np.nan_to_num(result.token_means(0)[tokens]).astype(np.float32)))
    token_lengths = np.array([len(result.pieces[token]) for token in tokens])
    features.append(composition(gc, spectrum, {"token_length": token_lengths}))
    features.append(single("kmer_spectrum", spectrum))
    features.append(single("one_hot", central_one_hot(genome, chroms, *around)))

    def random_labels(number: int) -> np.ndarray:
        """A random value of the token at the position."""
        return np.random.default_rng([number, 2]).normal(size=len(result.pieces))[tokens]

    targets = [Target("gc", "positions", gc), *targets]
    return Level("positions", targets, folds, features, random_labels), [*notes, *more]


def tokens_at(table: "pd.DataFrame", genome: "Genome", tokenizer: "AnyTokenizer", pieces: list[str]) -> np.ndarray:
    """Id of the token that covers the middle base of each row: int64, shape (n_rows,).

    Parameters
    ----------
    table
        Columns ``chrom`` and ``middle`` (0-based, bases).
    genome, tokenizer
        What the pass was made from, read forward.
    pieces
        Tokens of the pass by id, to see that it is the same tokenizer.

    Raises
    ------
    InputError
        For another tokenizer, or where no token lies.
    """
    check_tokenizer(tokenizer, pieces)
    found = np.zeros(len(table), dtype=np.int64)
    lengths = np.array([len(piece) for piece in pieces])
    chroms, middles = table["chrom"].to_numpy(dtype=object), table["middle"].to_numpy(np.int64)
    for chrom in dict.fromkeys(chroms.tolist()):
        own = np.flatnonzero(chroms == chrom)
        encoding = tokenizer.encode(genome.codes(chrom))
        at = np.searchsorted(encoding.starts, middles[own], side="right") - 1
        ids = encoding.ids[np.maximum(at, 0)].astype(np.int64)
        outside = (at < 0) | (middles[own] >= encoding.starts[np.maximum(at, 0)].astype(np.int64) + lengths[ids])
        if outside.any():
            place = middles[own[np.flatnonzero(outside)[0]]]
            raise InputError(f"{chrom}:{place}: the middle of an interval has no token; leave out positions beside N")
        found[own] = ids
    return found
