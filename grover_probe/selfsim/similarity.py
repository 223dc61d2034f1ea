"""Contextual self-similarity of tokens, exact, over every occurrence.

The self-similarity of a token in a layer is the mean cosine between the hidden states of two of its occurrences
(Ethayarajh 2019). It is 1 when the model ignores context. With unit vectors u of n occurrences the mean over all pairs
is (|sum u|^2 - n) / (n (n - 1)), so one vector sum per token and layer gives it over every occurrence of a genome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.selfsim.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.corpus import Corpus
    from grover_probe.models.loading import LanguageModel

REPEAT_RICH_QUANTILE = 0.9  # the top tenth of tokens by `repeat_share` are called repeat-rich


@dataclass(frozen=True)
class SelfSimilarity(ShowsTable):
    """Self-similarity of every token in every layer.

    Attributes
    ----------
    tokens
        One row per token and layer; columns in `self_similarity`.
    layers
        One row per layer; see `grover_probe.selfsim.summary.summarise`.
    """

    tokens: "pd.DataFrame"
    layers: "pd.DataFrame"

    def __repr__(self) -> str:
        return f"SelfSimilarity({self.tokens['token'].nunique()} tokens, layers {list(self.layers['layer'])})"

    def to_frame(self) -> "pd.DataFrame":
        """The table of tokens and layers."""
        return self.tokens

    def overview(self) -> "pd.DataFrame":
        """One row per layer."""
        return self.layers

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``selfsim.parquet`` and ``selfsim.tsv``."""
        from grover_probe.files import atomic_path, make_folder

        folder = make_folder(folder)
        parquet, tsv = folder / "selfsim.parquet", folder / "selfsim.tsv"
        with atomic_path(parquet) as temporary:
            self.tokens.to_parquet(temporary, index=False)
        with atomic_path(tsv) as temporary:
            self.tokens.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        return [parquet, tsv]


def mean_pair_cosine(unit_sum: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Mean cosine over all pairs of n vectors from the sum of their unit vectors.

    Parameters
    ----------
    unit_sum
        Sums of unit vectors, shape (..., width).
    count
        Number of vectors n in each sum, shape (...,).

    Returns
    -------
    np.ndarray
        (|sum|^2 - n) / (n (n - 1)), shape (...,); NaN where n < 2.
    """
    n = np.asarray(count, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 1, ((unit_sum**2).sum(-1) - n) / (n * (n - 1)), np.nan)


def choose_occurrences(corpus: "Corpus", runs: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw at most `most` occurrences of each token, uniformly and without replacement.

    Returns
    -------
    np.ndarray
        bool, shape (n_tokens,): True for the chosen positions of the corpus.
    """
    inside = np.zeros(len(corpus), dtype=bool)
    for begin, stop in runs:
        inside[begin:stop] = True
    positions = np.flatnonzero(inside)
    np.random.default_rng(seed).shuffle(positions)
    ids = corpus.ids[positions]
    order = np.argsort(ids, kind="stable")  # each token's occurrences together, in random order
    sizes = np.bincount(ids)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(len(corpus), dtype=bool)
    chosen[positions[order[rank < most]]] = True
    return chosen


def self_similarity(
    model: "LanguageModel",
    corpus: "Corpus",
    pieces: Sequence[str],
    runs: np.ndarray | None = None,
    *,
    layers: list[int] | None = None,
    repeat_share: np.ndarray | None = None,
    max_per_token: int | None = None,
    batch_size: int = 8,
    seed: int = 0,
    progress: bool = True,
) -> SelfSimilarity:
    """Self-similarity of each token in each layer over all its occurrences.

    Parameters
    ----------
    model
        From `grover_probe.models.load`.
    corpus
        Tokens, in memory or from disk.
    pieces
        Token sequences by id, special tokens left out.
    runs
        Token ranges to use (`Corpus.runs`); the whole corpus when None.
    layers
        Layers, 0 being the embedding output; all when None.
    repeat_share
        Share of each token's occurrences inside repeats, by id (`annotation.share_per_token`).
    max_per_token
        Use at most so many occurrences of each token, drawn at random (the paper's estimate takes 5,000); all when
        None.
    batch_size
        Full windows per batch; the result does not depend on it.
    seed
        Decides the draw of `max_per_token`.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    SelfSimilarity
        Columns of the token table: ``token, token_id, layer, count`` (occurrences used), ``self_similarity``,
        ``self_similarity_adjusted`` (less anisotropy), ``anisotropy`` (mean cosine over all pairs of occurrences of any
        two tokens in the layer), ``intra_window_similarity`` (mean cosine with the mean of the window),
        ``length`` (bases), ``gc`` (share), ``frequency`` (share of all tokens in the runs), and when given
        ``repeat_share`` and ``repeat_rich`` (the tenth of tokens with the largest share, none of them zero). Tokens
        that do not occur have no rows; those that occur once have no self-similarity (NaN).

    Raises
    ------
    InputError
        When a layer does not exist, the model cannot embed all token ids, no token occurs twice, or the model gives
        numbers that are not finite.

    References
    ----------
    Ethayarajh (2019), How contextual are contextualized word representations?, EMNLP.
    """
    import torch

    from grover_probe.extract.reducers import DirectionSums
    from grover_probe.extract.run import run_pass
    from grover_probe.models.loading import check_fits
    from grover_probe.windows import MAX_WINDOW_TOKENS, fixed_windows

    runs = corpus.runs() if runs is None else runs
    if not len(runs):
        raise InputError("no whole token lies inside the regions given; widen them")
    wanted = _check_layers(layers, model.n_layers)
    check_fits(model, corpus.token_lengths, "corpus")
    occurrences = count_tokens(corpus, runs, model.n_ids)
    if occurrences.max() < 2:
        raise InputError(f"no token occurs twice among the {occurrences.sum()} tokens given; widen the regions")
    windows = fixed_windows(runs, min(MAX_WINDOW_TOKENS, model.max_tokens))
    chosen = None if max_per_token is None else choose_occurrences(corpus, runs, max_per_token, seed)
    sums = DirectionSums(
        model.n_ids,
        len(wanted),
        model.width,
        selected=None if chosen is None else torch.from_numpy(chosen),
        device=model.device,
    )
    run_pass(model, corpus, windows, [sums], layers=wanted, batch_size=batch_size, progress=progress)
    if not all(torch.isfinite(tensor).all() for tensor in sums.sums.values()):
        raise InputError(f"{model.name}: hidden states are not finite; use fp32, or check the weights")
    tokens = token_rows(sums.finalize(), wanted, pieces, occurrences, repeat_share)
    return SelfSimilarity(tokens, summarise(tokens))


def count_tokens(corpus: "Corpus", runs: np.ndarray, n_ids: int) -> np.ndarray:
    """Occurrences of each token in the runs: int64, shape (n_ids,)."""
    counts = np.zeros(n_ids, dtype=np.int64)
    for begin, stop in runs:
        counts += np.bincount(corpus.ids[begin:stop], minlength=n_ids)
    return counts


def _check_layers(layers: list[int] | None, n_layers: int) -> list[int]:
    if layers is None:
        return list(range(n_layers))
    for layer in layers:
        if not 0 <= layer < n_layers:
            raise InputError(f"layer {layer} does not exist: the model has layers 0 (embeddings) to {n_layers - 1}")
    return sorted(set(layers))


def token_rows(
    state: Mapping[str, np.ndarray],
    layers: list[int],
    pieces: Sequence[str],
    occurrences: np.ndarray,
    repeat_share: np.ndarray | None,
) -> "pd.DataFrame":
    """The token table of `self_similarity` from the sums of `DirectionSums`."""
    import pandas as pd

    from grover_probe.vocabulary import token_table

    count = state["count"].astype(np.int64)
    vocabulary = token_table(pieces)
    vocabulary = vocabulary[count[vocabulary["token_id"]] > 0]
    ids = vocabulary["token_id"].to_numpy()
    parts = []
    for index, layer in enumerate(layers):
        unit = state["unit"][index]
        similarity = mean_pair_cosine(unit[ids], count[ids])
        anisotropy = float(mean_pair_cosine(unit.sum(0), count.sum()))
        columns: dict[str, Any] = {
            "token": vocabulary["token"].to_numpy(),
            "token_id": ids,
            "layer": layer,
            "count": count[ids],
            "self_similarity": similarity,
            "self_similarity_adjusted": similarity - anisotropy,
            "anisotropy": anisotropy,
            "intra_window_similarity": state["to_window"][index][ids] / count[ids],
            "length": vocabulary["length"].to_numpy(),
            "gc": vocabulary["gc"].to_numpy(),
            "frequency": occurrences[ids] / occurrences.sum(),
        }
        if repeat_share is not None:
            columns["repeat_share"] = repeat_share[ids]
            threshold = np.quantile(repeat_share[ids], REPEAT_RICH_QUANTILE)
            columns["repeat_rich"] = (repeat_share[ids] >= threshold) & (repeat_share[ids] > 0)
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
