"""Exact byte-pair encoding of whole genomes.

Pairs are counted once; after that each merge only changes the counts of the pairs around it. The result is
that of `grover_probe.bpe.reference.train`, of `tokenizers` and of `rustbpe`, bit for bit.
"""

from collections.abc import Sequence

import numpy as np

from grover_probe.bpe._marks import BREAK, MAX_TOKENS, PADDING, mark_bases, merge_scan
from grover_probe.bpe.merges import BASES, FIRST_PIECE_ID, Merges
from grover_probe.command import track
from grover_probe.errors import InputError

N_BASES = len(BASES)


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted; `merges` has what was learnt until then."""

    def __init__(self, merges: Merges) -> None:
        super().__init__(f"interrupted after {len(merges)} merges")
        self.merges = merges


def train(
    sequences: Sequence[np.ndarray],
    n_merges: int = 600,
    *,
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
    Method: Sennrich, Haddow and Birch, ACL 2016.
    """
    if not 1 <= n_merges <= MAX_TOKENS - N_BASES:
        raise InputError(f"{n_merges} merges asked for; expected 1 to {MAX_TOKENS - N_BASES}")
    state = _State(sequences, n_merges)
    if not state.counts.any():
        raise InputError("no two adjacent A, C, G or T in the sequences: nothing to learn merges from")
    given = [] if known is None else (known.pairs - FIRST_PIECE_ID).tolist()
    try:
        for rank in track(range(n_merges), label="merges", unit="merge", progress=progress):
            pair = given[rank] if rank < len(given) else state.best()
            if pair is None:
                break
            state.merge(*pair)
    except KeyboardInterrupt:
        raise TrainingInterrupted(state.merges()) from None
    return state.merges()


class _State:
    """The marked sequences with the counts of their pairs; token numbers are ids less 5."""

    def __init__(self, sequences: Sequence[np.ndarray], n_merges: int) -> None:
        n_tokens = N_BASES + n_merges
        self.size = sum(len(codes) + 1 for codes in sequences)
        self.marks = np.full(self.size + 2 * PADDING, BREAK, dtype=np.uint16)
        self.counts = np.zeros((n_tokens, n_tokens), dtype=np.int64)
        self.lengths = np.ones(n_tokens, dtype=np.int64)
        self.before = np.zeros(1 << 16, dtype=np.int64)
        self.after = np.zeros(1 << 16, dtype=np.int64)
        self.done: list[tuple[int, int, int]] = []
        begin = PADDING
        for codes in sequences:
            mark_bases(codes, self.marks[begin : begin + len(codes)], self.counts)
            begin += len(codes) + 1

    def best(self) -> tuple[int, int] | None:
        """The pair with the highest count; of several the smallest. None when no pair is left."""
        left, right = divmod(int(np.argmax(self.counts)), len(self.counts))  # the first of equal ones
        return (left, right) if self.counts[left, right] else None

    def merge(self, left: int, right: int) -> None:
        """Merge one pair everywhere."""
        new, count = N_BASES + len(self.done), int(self.counts[left, right])
        self.lengths[new] = self.lengths[left] + self.lengths[right]
        self.before[:] = 0
        self.after[:] = 0
        lengths = int(self.lengths[left]), int(self.lengths[right])
        merge_scan(self.marks, PADDING, PADDING + self.size, (left, right, new), lengths, self.before, self.after)
        self._recount(left, right, new)
        self.done.append((left, right, count))

    def _recount(self, left: int, right: int, new: int) -> None:
        before, after = self.before[: len(self.counts)], self.after[: len(self.counts)]
        self.counts[:, left] -= before
        self.counts[:, new] += before
        self.counts[right] -= after
        self.counts[new] += after
        self.counts[left, right] = 0

    def merges(self) -> Merges:
        """The merges so far, with token ids."""
        table = np.array(self.done, dtype=np.int64).reshape(-1, 3)
        return Merges((table[:, :2] + FIRST_PIECE_ID).astype(np.int32), table[:, 2])
