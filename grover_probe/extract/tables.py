"""The tables that go with every pass: its windows and its vocabulary."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.corpus import Corpus
from grover_probe.extract.strands import base_name, is_reverse
from grover_probe.genome import Genome

if TYPE_CHECKING:
    import pandas as pd


def window_frame(corpus: Corpus, taken: np.ndarray, genome: Genome) -> "pd.DataFrame":
    """One row per window, in coordinates of the forward strand.

    Parameters
    ----------
    corpus
        The tokens.
    taken
        Token ranges taken from each window, shape (n_windows, 2).
    genome
        Gives the length of chromosomes, which the coordinates of a reverse strand are counted from.
    """
    import pandas as pd

    chroms = np.array(corpus.chroms, dtype=object)[corpus.chrom_of(taken[:, 0])]
    last = taken[:, 1] - 1
    starts = corpus.starts[taken[:, 0]].astype(np.int64)
    ends = corpus.starts[last].astype(np.int64) + corpus.token_lengths[corpus.ids[last]]
    reverse = np.array([is_reverse(chrom) for chrom in chroms], dtype=bool)
    lengths = np.array([genome.lengths[chrom] for chrom in chroms], dtype=np.int64)
    return pd.DataFrame(
        {
            "window": np.arange(len(taken)),
            "chrom": [base_name(chrom) for chrom in chroms],
            "start": np.where(reverse, lengths - ends, starts),
            "end": np.where(reverse, lengths - starts, ends),
            "strand": np.where(reverse, "-", "+"),
            "first_token": taken[:, 0],
            "n_tokens": taken[:, 1] - taken[:, 0],
        }
    )


def write_vocabulary(tokenizer: Any, n_ids: int, path: Path) -> None:
    """Write ``token_id`` and ``token``; special tokens and rows that no token has are empty."""
    pieces = ["" for _ in range(n_ids)]
    pieces[FIRST_PIECE_ID : FIRST_PIECE_ID + len(tokenizer.pieces)] = tokenizer.pieces
    lines = [f"{number}\t{piece}" for number, piece in enumerate(pieces[:n_ids])]
    path.write_text("\n".join(["token_id\ttoken", *lines, ""]), encoding="utf-8")
