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
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.kmer import AnyTokenizer
from grover_probe.vocabulary.composition import token_table


@dataclass(frozen=True)
class Vocabulary:
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
        return f"Vocabulary({len(self.tokens)} tokens, {self.summary['tokens emitted']} emitted)"

    def to_frame(self) -> pd.DataFrame:
        """The table of tokens."""
        return self.tokens

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
        (empty for bases and k-mers); ``emitted``, whether it occurs; ``count``; ``frequency``, its share of all tokens;
        ``expected_frequency``, for emitted tokens: the product of the frequencies p of its bases among all bases of
        the corpus, divided by the sum of this product over the emitted tokens,

            expected(t) = prod(p[b] for b in t) / sum(prod(p[b] for b in u) for u emitted);

        ``observed_expected``, the ratio of the two; and per class ``share_NAME``, the share of its occurrences that
        have at least one base inside.

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
    _add_counts(tokens, np.bincount(corpus.ids, minlength=tokenizer.n_ids)[ids])
    runs = corpus.runs()
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
        Tokens in the vocabulary and those that are emitted; tokens of the genome; their mean length in bases; share
        of the emitted tokens (each once) that begin with A or T; the longest emitted tokens; median and smallest count
        of an emitted token; emitted tokens with a CG inside.
    """
    emitted = tokens[tokens["emitted"]]
    longest = emitted.loc[emitted["length"] == emitted["length"].max(), "token"]
    return {
        "tokens": len(tokens),
        "tokens emitted": len(emitted),
        "never emitted": " ".join(tokens.loc[~tokens["emitted"], "token"].head(8)),
        "occurrences": int(emitted["count"].sum()),
        "mean length (bases)": float(np.average(emitted["length"], weights=emitted["count"])),
        "start with A or T": float(emitted["token"].str.match("[AT]").mean()),
        "longest": " ".join(longest.head(4)),
        "median count": float(emitted["count"].median()),
        "smallest count": int(emitted["count"].min()),
        "with CG inside": int((emitted["cpg"] > 0).sum()),
    }


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


def _add_counts(tokens: pd.DataFrame, count: np.ndarray) -> None:
    emitted = count > 0
    per_token = np.stack([tokens["token"].str.count(base).to_numpy() for base in BASES], axis=1)
    bases = count @ per_token
    with np.errstate(divide="ignore", invalid="ignore"):
        log_share = np.where(per_token > 0, per_token * np.log(bases / bases.sum()), 0.0).sum(axis=1)
    product = np.where(emitted, np.exp(log_share), 0.0)
    frequency = count / count.sum()
    expected = np.where(emitted, product / product.sum(), np.nan)
    tokens["emitted"], tokens["count"], tokens["frequency"] = emitted, count, frequency
    tokens["expected_frequency"], tokens["observed_expected"] = expected, frequency / expected
