"""The state of a training: marked sequences and pair counts, merged by scanning or by an index."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import TracebackType

import numpy as np

from grover_probe.bpe import _index, _marks
from grover_probe.bpe._lists import JunctionLists, Made
from grover_probe.bpe._marks import BREAK, PADDING
from grover_probe.bpe._workers import Workers
from grover_probe.bpe.merges import BASES

N_BASES = len(BASES)

# Scanning costs about 0.2 ns a base, listing 15 ns a token. On chr20 (600 merges, 1 thread, single runs on a busy
# machine) indexing below a density of 1/100, 1/200, 1/400, 1/800 took 2.3, 2.5, 2.7, 3.4 CPU s; and the later it starts
# the fewer junctions there are to list: 4.3, 3.6, 3.4, 3.1 bytes a base at the most, marks included.
INDEX_DENSITY = 1 / 200  # occurrences of the best pair per base
# Few of the pairs that are listed get merged. Listing those that occur 1/8 as often as the best one makes the lists
# three times on chr20, 1/16 twice (0.3 s each) for 0.4 bytes a base more, and 1/32 saves nothing beyond that.
LIST_SHARE = 1 / 16


def place_type(size: int) -> type:
    """What holds a place in marks of this size."""
    return np.uint32 if size < 1 << 32 else np.int64


class TrainingState:
    """Sequences that are being merged. Token numbers are ids less 5.

    Attributes
    ----------
    counts
        int64, shape (n_tokens, n_tokens): occurrences of each pair, overlapping ones included.
    done
        Left token, right token and count of each merge so far.
    """

    def __init__(self, sequences: Iterable[np.ndarray], lengths: Sequence[int], n_merges: int, threads: int) -> None:
        n_tokens = N_BASES + n_merges
        self.counts = np.zeros((n_tokens, n_tokens), dtype=np.int64)
        self.done: list[tuple[int, int, int]] = []
        self._lengths = np.ones(n_tokens, dtype=np.int64)
        self._marks, self._span = _marked(sequences, lengths, self.counts)
        # Value and column of the first largest entry of each row of `counts`.
        self._tops = np.zeros((n_tokens, 2), dtype=np.int64)
        self._tops[:N_BASES, 0] = self.counts[:N_BASES].max(axis=1)
        self._tops[:N_BASES, 1] = self.counts[:N_BASES].argmax(axis=1)
        self._workers = Workers(threads)
        self._lists = JunctionLists(self._workers, place_type(len(self._marks)))
        # What stood before and after the merged pairs, by thread and mark.
        self._neighbours = np.zeros((threads, 2, 1 << 16), dtype=np.int64)

    def __enter__(self) -> "TrainingState":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.close()

    def best(self) -> tuple[int, int]:
        """The pair with the highest count, of several the smallest; (-1, -1) when no pair is left."""
        tops = self._tops[: N_BASES + len(self.done)]
        left = int(np.argmax(tops[:, 0]))  # the first of equal ones
        return (left, int(tops[left, 1])) if tops[left, 0] else (-1, -1)

    def merge(self, left: int, right: int) -> None:
        """Merge one pair everywhere."""
        new, count = N_BASES + len(self.done), int(self.counts[left, right])
        self._lengths[new] = self._lengths[left] + self._lengths[right]
        self._neighbours[:, :, : new + 1] = 0
        junctions = self._junctions(left, right, count)
        if junctions is None:
            self._merge_scanning(left, right, new)
        else:
            self._merge_listed(left, right, new, junctions)
        self.done.append((left, right, count))

    def _junctions(self, left: int, right: int, count: int) -> np.ndarray | None:
        """Where the pair may be; None while it is better to scan."""
        if self._lists.threshold is None and count >= INDEX_DENSITY * len(self._marks):
            return None
        found = self._lists.pop(left, right)
        if found is None:  # there are no lists yet, or the pair is rarer than those that have one
            n = N_BASES + len(self.done)
            threshold = max(int(count * LIST_SHARE), 1)
            self._lists.rebuild(threshold, self._marks, self._span, self.counts[:n, :n], self._lengths)
            found = self._lists.pop(left, right)
        return np.empty(0, dtype=np.uint32) if found is None else found

    def _merge_scanning(self, left: int, right: int, new: int) -> None:
        pair, lengths = (left, right), self._lengths_of(left, right)
        end = self._span[1]
        cuts = self._workers.cuts(*self._span, lambda begin: _marks.quiet_cut(self._marks, begin, end, pair, lengths))
        self._workers.each(
            _marks.merge_scan,
            [
                (self._marks, *part, (*pair, new), lengths, *self._neighbours[i])
                for i, part in enumerate(pairwise(cuts))
            ],
        )
        self._recount(left, right, new)

    def _merge_listed(self, left: int, right: int, new: int, junctions: np.ndarray) -> None:
        lengths = self._lengths_of(left, right)
        gap = sum(lengths) + 1
        cuts = self._workers.cuts(0, len(junctions), lambda begin: _index.list_cut(junctions, begin, gap))
        parts = [junctions[begin:end] for begin, end in pairwise(cuts)]
        made = [Made.room(len(part), place_type(len(self._marks))) for part in parts]
        numbers = self._workers.each(
            _index.merge_listed,
            [
                (self._marks, part, (left, right, new), lengths, *self._neighbours[i],
                 (made[i].last, made[i].previous, made[i].following))
                for i, part in enumerate(parts)
            ],
        )  # fmt: skip
        self._recount(left, right, new)
        self._lists.add(
            new,
            sum(lengths),
            [part.first(n) for part, n in zip(made, numbers, strict=True)],
            self._neighbours[: len(parts), :, : new + 1],
            self.counts[: new + 1, : new + 1],
        )

    def _recount(self, left: int, right: int, new: int) -> None:
        """Change the pair counts by what stood before and after the merged pairs."""
        before, after = self._neighbours[:, :, : new + 1].sum(axis=0)
        counts = self.counts[: new + 1, : new + 1]
        counts[:, left] -= before
        counts[:, new] += before
        counts[right] -= after
        counts[new] += after
        counts[left, right] = 0
        _index.update_tops(counts, (left, right), before, self._tops)

    def _lengths_of(self, left: int, right: int) -> tuple[int, int]:
        return int(self._lengths[left]), int(self._lengths[right])


def _marked(
    sequences: Iterable[np.ndarray], lengths: Sequence[int], counts: np.ndarray
) -> tuple[np.ndarray, tuple[int, int]]:
    """The sequences as marks, one break between two; where they are; their pairs are added to `counts`."""
    end = PADDING + sum(lengths) + len(lengths)
    marks: np.ndarray = np.empty(end + PADDING, dtype=np.uint16)
    marks[:PADDING] = marks[end:] = BREAK
    begin = PADDING
    for codes, length in zip(sequences, lengths, strict=True):
        if len(codes) != length:
            raise ValueError(f"a sequence of {len(codes)} bases where `lengths` has {length}")
        _marks.mark_bases(codes, marks[begin : begin + length], counts)
        marks[begin + length] = BREAK
        begin += length + 1
    return marks, (PADDING, end)
