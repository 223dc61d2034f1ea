"""An example of byte-pair encoding, merge by merge, on sequence of the sample."""

from typing import TYPE_CHECKING

import numpy as np

from grover_probe.bpe.merges import BASES, FIRST_PIECE_ID
from grover_probe.bpe.reference import encode, merge_pair
from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE_BASES = 34
FIRST_MERGES = 6  # shown one by one
LATER = (20, 50, 100, 200, 400, 600, 1_000, 2_000, 5_000)  # then the encoding after so many
_SEARCHED = 100_000  # bases


def example_of_sample(vocabulary: "pd.DataFrame") -> "tuple[pd.DataFrame, str]":
    """Steps of the encoding of the first stretch of the demo region in which each of the first merges happens.

    Parameters
    ----------
    vocabulary
        ``token``, ``merge_rank``, ``left``, ``right`` of a byte-pair encoding.

    Returns
    -------
    pandas.DataFrame, str
        As `steps_of`; and where the stretch is in hg19 (from 0, half-open).

    Raises
    ------
    InputError
        When the vocabulary has no merges.
    """
    from grover_probe.data.sample import GENOME, SLICE_CHROMOSOME, SLICE_NAME, sample_path, to_genome
    from grover_probe.genome import decode_bases, open_genome

    merges = merge_pairs(vocabulary)
    begin = 2_000_000  # of demo_region.bed
    text = decode_bases(open_genome(sample_path(GENOME)).codes(SLICE_NAME)[begin : begin + _SEARCHED])
    at = _first_with_all(text, merges[:FIRST_MERGES])
    where = f"{SLICE_CHROMOSOME}:{to_genome(begin + at):,}-{to_genome(begin + at + EXAMPLE_BASES):,}"
    return steps_of(text[at : at + EXAMPLE_BASES], merges), where


def merge_pairs(vocabulary: "pd.DataFrame") -> list[tuple[int, int]]:
    """Ids of the two tokens of each merge, best rank first.

    Raises
    ------
    InputError
        When there are none, as in a table of k-mers.
    """
    merged = vocabulary.dropna(subset=["merge_rank"]).sort_values("merge_rank")
    if not len(merged):
        raise InputError("vocabulary: a table without merges; figure 1 needs that of a byte-pair encoding")
    ids = dict(zip(vocabulary["token"], vocabulary["token_id"], strict=True))
    return [(ids[left], ids[right]) for left, right in zip(merged["left"], merged["right"], strict=True)]


def steps_of(text: str, merges: list[tuple[int, int]]) -> "pd.DataFrame":
    """Encode a text step by step.

    Parameters
    ----------
    text
        A, C, G, T only.
    merges
        Pairs of ids, best rank first.

    Returns
    -------
    pandas.DataFrame
        One row per token and step: ``step``, ``merges`` (done so far), ``label``, ``token``, ``start``, ``end``
        (bases of the text).
    """
    import pandas as pd

    pieces = list(BASES)
    for left, right in merges:
        pieces.append(pieces[left - FIRST_PIECE_ID] + pieces[right - FIRST_PIECE_ID])
    first = min(FIRST_MERGES, len(merges))
    later = [number for number in (*LATER, len(merges)) if first < number <= len(merges)]
    shown = sorted({*range(first + 1), *later})
    rows = []
    for step, done in enumerate(shown):
        found = [pieces[number - FIRST_PIECE_ID] for number in encode(text, merges[:done])]
        ends = np.cumsum([len(piece) for piece in found]).tolist()
        label = _label(done, len(merges), pieces, merges)
        rows += [(step, done, label, piece, end - len(piece), end) for piece, end in zip(found, ends, strict=True)]
    return pd.DataFrame(rows, columns=["step", "merges", "label", "token", "start", "end"])


def _label(done: int, total: int, pieces: list[str], merges: list[tuple[int, int]]) -> str:
    if done == 0:
        return "bases"
    if done <= FIRST_MERGES:
        left, right = (pieces[number - FIRST_PIECE_ID] for number in merges[done - 1])
        return f"merge {done}: {left} + {right}"
    return f"after all {done:,}" if done == total else f"after {done:,}"


def _first_with_all(text: str, merges: list[tuple[int, int]]) -> int:
    """Start of the first stretch in which each of these merges happens; 0 where there is none."""
    for at in range(0, len(text) - EXAMPLE_BASES, EXAMPLE_BASES):
        window = text[at : at + EXAMPLE_BASES]
        if set(window) <= set(BASES) and _all_happen(window, merges):
            return at
    return 0


def _all_happen(window: str, merges: list[tuple[int, int]]) -> bool:
    tokens = [FIRST_PIECE_ID + BASES.index(letter) for letter in window]
    for rank, pair in enumerate(merges):
        merged = merge_pair(tokens, pair, FIRST_PIECE_ID + len(BASES) + rank)
        if len(merged) == len(tokens):
            return False
        tokens = merged
    return True
