"""Which tokens windows are made of, for the controls that know token types but no context."""

from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.genome import Genome
    from grover_probe.kmer import AnyTokenizer


def token_counts(table: "pd.DataFrame", genome: "Genome", tokenizer: "AnyTokenizer", pieces: list[str]) -> Any:
    """How often each token occurs in each window.

    Parameters
    ----------
    table
        Columns ``chrom``, ``start``, ``end``, ``strand`` of `PassResult.windows`.
    genome, tokenizer
        What the windows were made from; whole chromosomes are encoded again, so that tokens are the same.
    pieces
        Tokens of the pass by id, to see that it is the same tokenizer.

    Returns
    -------
    scipy.sparse.csr_array
        float64, shape (n_windows, n_ids).

    Raises
    ------
    InputError
        When windows do not begin and end where tokens do.
    """
    from scipy.sparse import csr_array

    from grover_probe.extract.strands import reverse_complement

    check_tokenizer(tokenizer, pieces)
    rows, ids = [], []
    chroms, strands = table["chrom"].to_numpy(dtype=object), table["strand"].to_numpy(dtype=object)
    for chrom, strand in sorted(set(zip(chroms.tolist(), strands.tolist(), strict=True))):
        own = np.flatnonzero((chroms == chrom) & (strands == strand))
        codes = genome.codes(chrom)
        first, last = table["start"].to_numpy()[own], table["end"].to_numpy()[own]
        if strand == "-":
            codes = reverse_complement(codes)
            first, last = len(codes) - last, len(codes) - first
        encoding = tokenizer.encode(codes)
        starts = np.append(encoding.starts.astype(np.int64), len(codes))
        begin, stop = np.searchsorted(starts, first), np.searchsorted(starts, last)
        wrong = np.flatnonzero(starts[begin] != first)
        if len(wrong):
            at = own[wrong[0]]
            raise InputError(
                f"window {chrom}:{table['start'][at]}-{table['end'][at]} of the pass does not begin at a token of this "
                f"tokenizer on {genome.path.name}; give the genome and the tokenizer that the pass used"
            )
        sizes = stop - begin
        place = np.repeat(begin - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        rows.append(np.repeat(own, sizes))
        ids.append(encoding.ids[place].astype(np.int64))
    row, number = np.concatenate(rows), np.concatenate(ids)
    n_ids = len(pieces)
    cells, counts = np.unique(row * n_ids + number, return_counts=True)
    return csr_array(
        (counts.astype(np.float64), (cells // n_ids, cells % n_ids)), shape=(len(table), n_ids)
    )  # fmt: skip


def check_tokenizer(tokenizer: "AnyTokenizer", pieces: list[str]) -> None:
    """Refuse a tokenizer whose tokens are not those of a pass (by id, special tokens first).

    Raises
    ------
    InputError
        When they differ.
    """
    texts = list(tokenizer.pieces)
    if pieces[FIRST_PIECE_ID : FIRST_PIECE_ID + len(texts)] != texts:
        raise InputError("the tokenizer has other tokens than the pass; give --tokenizer the one that the pass used")


def static_means(counts: Any, vectors: np.ndarray) -> np.ndarray:
    """Mean over the tokens of each window of one vector per token type: float32, shape (n_windows, width).

    Parameters
    ----------
    counts
        From `token_counts`.
    vectors
        Shape (n_ids, width); rows of tokens that occur nowhere may be NaN.
    """
    totals = np.maximum(np.asarray(counts.sum(axis=1)).reshape(-1, 1), 1)
    return (counts @ np.nan_to_num(vectors) / totals).astype(np.float32)
