"""Exact byte-pair encoding of whole genomes.

Pairs are counted once; after that each merge only changes the counts of the pairs around it. While tokens are
dense a merge scans the sequence; later an index says where the pair is. The result is that of
`grover_probe.bpe.reference.train`, of `tokenizers` and of `rustbpe`, bit for bit.
"""

import os
from collections.abc import Iterable, Sequence

import numpy as np

from grover_probe.bpe._marks import MAX_TOKENS
from grover_probe.bpe._state import TrainingState
from grover_probe.bpe.merges import BASES, FIRST_PIECE_ID, Merges
from grover_probe.command import track
from grover_probe.errors import InputError


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted; `merges` has what was learnt until then."""

    def __init__(self, merges: Merges) -> None:
        super().__init__(f"interrupted after {len(merges)} merges")
        self.merges = merges


def train(
    sequences: Iterable[np.ndarray],
    n_merges: int = 600,
    *,
    lengths: Sequence[int] | None = None,
    known: Merges | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> Merges:
    """Learn the merges of a byte-pair encoding from one or many sequences.

    Parameters
    ----------
    sequences
        Base codes, uint8, each of shape (n_bases,): A, C, G, T = 0, 1, 2, 3. Any other value breaks the
        sequence, as its ends do: no pair spans a break.
    n_merges
        Merges to learn. Fewer are returned when no pair is left.
    lengths
        Bases of each sequence. When given, `sequences` is read once, one by one, so that they need not be in memory
        together (an iterator over a genome's chromosomes).
    known
        Merges that an earlier training on the same sequences gave: they are applied, not searched for again.
    threads
        Threads to use; all processors when None. The result does not depend on it.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    Merges
        Pairs and their counts in rank order. Of pairs with the same count the one with the smallest ids comes
        first.

    Raises
    ------
    InputError
        When `n_merges` is out of range or no sequence has two adjacent bases.
    TrainingInterrupted
        On Ctrl-C; it carries the merges so far.

    Notes
    -----
    Counts include overlapping occurrences (AAA counts the pair A, A twice), as the usual trainers count.
    Memory: 2 bytes a base for the marks and about 1.6 for the index (hg19 chr20, 600 merges).
    Method: Sennrich, Haddow and Birch, ACL 2016.
    """
    if not 1 <= n_merges <= MAX_TOKENS - len(BASES):
        raise InputError(f"{n_merges} merges asked for; expected 1 to {MAX_TOKENS - len(BASES)}")
    given = [] if known is None else (known.pairs - FIRST_PIECE_ID).tolist()
    if lengths is None:
        sequences = list(sequences)
        lengths = [len(codes) for codes in sequences]
    with TrainingState(sequences, lengths, n_merges, threads or os.cpu_count() or 1) as state:
        if not state.counts.any():
            raise InputError("no two adjacent A, C, G or T in the sequences: nothing to learn merges from")
        try:
            for rank in track(range(n_merges), label="merges", unit="merge", progress=progress):
                left, right = given[rank] if rank < len(given) else state.best()
                if left < 0:
                    break
                state.merge(left, right)
        except KeyboardInterrupt:
            raise TrainingInterrupted(_as_merges(state.done)) from None
        return _as_merges(state.done)


def _as_merges(done: list[tuple[int, int, int]]) -> Merges:
    table = np.array(done, dtype=np.int64).reshape(-1, 3)
    return Merges((table[:, :2] + FIRST_PIECE_ID).astype(np.int32), table[:, 2])
