"""One row per token: sequence, merge, frequency and where on the genome it lies."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.annotation import Intervals, share_per_token
from grover_probe.bpe.merges import BASES, FIRST_MERGE_ID, FIRST_PIECE_ID
from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.kmer import AnyTokenizer
from grover_probe.vocabulary.composition import token_table

_BLOCK = 1 << 24  # tokens


@dataclass(frozen=True)
class Vocabulary(ShowsTable):
    """The tokens of a tokenizer on a genome.

    Attributes
    ----------
    tokens
        One row per token; columns in `vocabulary_table`.
    summary
        The numbers of `summarise`.
    """

    tokens: pd.DataFrame
    summary: dict[str, Any]

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.tokens)} tokens, {self.summary['emitted']} emitted)"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""
        return ("vocabulary.parquet", "vocabulary.tsv")

    def to_frame(self) -> pd.DataFrame:
        """The table of tokens."""
        return self.tokens

    def overview(self) -> pd.DataFrame:
        """The numbers of `summary`, one a row."""
        return pd.DataFrame(list(self.summary.items()), columns=["number", "value"])

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``vocabulary.parquet`` and ``vocabulary.tsv`` (numbers with five digits)."""
        folder = make_folder(folder)
        parquet, tsv = folder / "vocabulary.parquet", folder / "vocabulary.tsv"
        with atomic_path(parquet) as temporary:
            self.tokens.to_parquet(temporary, index=False)
        with atomic_path(tsv) as temporary:
            self.tokens.to_csv(temporary, sep="\t", index=False, float_format="%.5g")
        return [parquet, tsv]


def vocabulary_table(
    tokenizer: AnyTokenizer, corpus: Corpus, annotation: Iterable[Intervals] = (), *, progress: bool = True
) -> Vocabulary:
    """Describe every token of a tokenizer by its sequence and its occurrences in a corpus.

    Parameters
    ----------
    tokenizer
        BPE or k-mers.
    corpus
        A genome encoded with it.
    annotation
        Classes of intervals; each gives one column.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    Vocabulary
        Columns: those of `token_table`; ``merge_rank`` (from 1), ``left`` and ``right``, the tokens that were merged
        (empty for bases and k-mers); ``emitted``, whether it occurs; ``count``; ``count_at_ends``, how often it is the
        first or the last between two N or ends of a sequence, where a token may be what is left over; ``frequency``,
        its share of all tokens; ``expected_frequency``, for emitted tokens: the product of the frequencies p of its
        bases among all bases of the corpus, divided by the sum of this product over the emitted tokens,

            expected(t) = prod(p[b] for b in t) / sum(prod(p[b] for b in u) for u emitted);

        ``observed_expected``, the ratio of the two; and per class ``share_NAME``, the share of its occurrences that
        have at least one base inside.

    Notes
    -----
    The expectation treats bases as independent and every emitted token as equally available at each place; it is
    the frequency of tokens in a text drawn token by token in proportion to this product, not what the tokenizer gives
    on a shuffled genome.

    Raises
    ------
    InputError
        When the corpus was made with another tokenizer, or two classes have one name.
    """
    if corpus.tokenizer_hash != tokenizer.hash:
        raise InputError(
            f"the corpus was made with tokenizer {corpus.tokenizer_hash[:12]}, not with {tokenizer.hash[:12]}; "
            "encode the genome again"
        )
    classes = list(annotation)
    names = [intervals.name for intervals in classes]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise InputError(f"two annotations are called {sorted(repeated)[0]}; rename one of the files")
    tokens = token_table(tokenizer.pieces)
    _add_merges(tokens, tokenizer)
    ids = tokens["token_id"].to_numpy()
    runs = corpus.runs()
    at_ends = np.unique(np.concatenate([runs[:, 0], runs[:, 1] - 1]))
    _add_counts(tokens, *(_counts(each, tokenizer.n_ids)[ids] for each in (corpus.ids, corpus.ids[at_ends])))
    for intervals in track(classes, label="annotation", unit="class", progress=progress):
        tokens[f"share_{intervals.name}"] = share_per_token(corpus, runs, intervals)[ids]
    return Vocabulary(tokens, summarise(tokens))


def summarise(tokens: pd.DataFrame) -> dict[str, Any]:
    """The numbers by which vocabularies are compared.

    Parameters
    ----------
    tokens
        The table of `vocabulary_table`.

    Returns
    -------
    dict
        Tokens in the vocabulary and those that are emitted, at all and elsewhere than at ends; tokens of the genome;
        their mean length in bases; share of the emitted tokens (each once) that begin with A or T; the longest emitted
        tokens; median and smallest count of an emitted token; emitted tokens with a CG inside. In the last five,
        tokens that occur at ends alone do not count as emitted.
    """
    elsewhere = tokens["count"] > tokens["count_at_ends"]
    emitted = tokens[elsewhere]
    longest = emitted.loc[emitted["length"] == emitted["length"].max(), "token"]
    return {
        "tokens": len(tokens),
        "emitted": int(tokens["emitted"].sum()),
        "emitted elsewhere than at ends": len(emitted),
        "not emitted, or at ends alone": " ".join(tokens.loc[~elsewhere, "token"].head(8)),
        "occurrences": int(tokens["count"].sum()),
        "mean length (bases)": float(np.average(tokens["length"], weights=tokens["count"])),
        "start with A or T": float(emitted["token"].str.match("[AT]").mean()) if len(emitted) else float("nan"),
        "longest": " ".join(longest.head(4)),
        "median count": float(emitted["count"].median()),
        "smallest count": int(emitted["count"].min()) if len(emitted) else 0,
        "with CG inside": int((emitted["cpg"] > 0).sum()),
    }


def _counts(ids: np.ndarray, n_ids: int) -> np.ndarray:
    """Occurrences of each id, block by block: bincount makes eight bytes of every id."""
    found = np.zeros(n_ids, dtype=np.int64)
    for begin in range(0, len(ids), _BLOCK):
        found += np.bincount(ids[begin : begin + _BLOCK], minlength=n_ids)
    return found


def _add_merges(tokens: pd.DataFrame, tokenizer: AnyTokenizer) -> None:
    rank = pd.array([pd.NA] * len(tokens), dtype="Int32")
    left, right = np.full((2, len(tokens)), "", dtype=object)
    merges = getattr(tokenizer, "merges", None)
    if merges is not None:
        sequences = tokens["token"].to_numpy(dtype=object)
        first = FIRST_MERGE_ID - FIRST_PIECE_ID
        rank[first:] = np.arange(1, len(merges) + 1)
        left[first:] = sequences[merges.pairs[:, 0] - FIRST_PIECE_ID]
        right[first:] = sequences[merges.pairs[:, 1] - FIRST_PIECE_ID]
    tokens["merge_rank"], tokens["left"], tokens["right"] = rank, left, right


def _add_counts(tokens: pd.DataFrame, count: np.ndarray, at_ends: np.ndarray) -> None:
    emitted = count > 0
    per_token = np.stack([tokens["token"].str.count(base).to_numpy() for base in BASES], axis=1)
    bases = count @ per_token
    with np.errstate(divide="ignore", invalid="ignore"):
        log_share = np.where(per_token > 0, per_token * np.log(bases / bases.sum()), 0.0).sum(axis=1)
    product = np.where(emitted, np.exp(log_share), 0.0)
    frequency = count / count.sum()
    expected = np.where(emitted, product / product.sum(), np.nan)
    tokens["emitted"], tokens["count"], tokens["count_at_ends"], tokens["frequency"] = (
        emitted,
        count,
        at_ends,
        frequency,
    )
    tokens["expected_frequency"], tokens["observed_expected"] = expected, frequency / expected
