"""The state of a training: marked sequences, pair counts, and the index of junctions."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np

from grover_probe.bpe import _index, _marks
from grover_probe.bpe._marks import BREAK, PADDING
from grover_probe.bpe.merges import BASES

N_BASES = len(BASES)
INDEX_DENSITY = 1 / 200
LIST_SHARE = 1 / 16
SMALL = 1 << 15

_Pair = tuple[int, int, int]


class TrainingState:
    """Sequences being merged. Token numbers are ids less 5; `done` has (left, right, count) of every merge.

    The index lists the junctions of all pairs that occur at least `_threshold` times. When the best pair occurs less
    often the lists are made anew with a lower threshold, which also drops what has gone stale.
    """

    def __init__(self, sequences: Sequence[np.ndarray], n_merges: int, threads: int) -> None:
        n_tokens = N_BASES + n_merges
        self.done: list[tuple[int, int, int]] = []
        self.counts = np.zeros((n_tokens, n_tokens), dtype=np.int64)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._lengths = np.ones(n_tokens, dtype=np.int64)
        self._neighbours = np.zeros((threads, 2, 1 << 16), dtype=np.int64)
        self._free = np.full((threads, 2, 1 << 16), -1, dtype=np.int64)
        self._size = sum(len(codes) + 1 for codes in sequences)
        self._marks = np.empty(self._size + 2 * PADDING, dtype=np.uint16)
        self._marks[:PADDING] = self._marks[-PADDING:] = BREAK
        self._position = np.uint32 if len(self._marks) < 1 << 32 else np.int64
        self._threshold: int | None = None
        self._lists: dict[tuple[int, int], np.ndarray] = {}
        begin = PADDING
        for codes in sequences:
            _marks.mark_bases(codes, self._marks[begin : begin + len(codes)], self.counts)
            self._marks[begin + len(codes)] = BREAK
            begin += len(codes) + 1

    def __enter__(self) -> "TrainingState":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def best(self) -> tuple[int, int]:
        """The pair with the highest count, of several the smallest; (-1, -1) when no pair is left."""
        left, right = _index.best_pair(self.counts, N_BASES + len(self.done))
        return int(left), int(right)

    def merge(self, left: int, right: int) -> None:
        """Merge one pair everywhere."""
        pair = (left, right, N_BASES + len(self.done))
        count = int(self.counts[left, right])
        self._lengths[pair[2]] = self._lengths[left] + self._lengths[right]
        self._neighbours[:, :, : pair[2] + 1] = 0
        if self._threshold is None and count < INDEX_DENSITY * self._size:
            self._make_lists(max(int(count * LIST_SHARE), 1))
        elif self._threshold is not None and (left, right) not in self._lists:
            self._make_lists(max(int(count * LIST_SHARE), 1))
        if self._threshold is None:
            self._merge_scanning(pair)
        else:
            self._merge_listed(pair)
        self.done.append((left, right, count))

    def _merge_scanning(self, pair: _Pair) -> None:
        lengths = self._pair_lengths(pair)
        end = PADDING + self._size
        cuts = [PADDING]
        for begin in range(PADDING + self._size // self._threads, end, max(self._size // self._threads, SMALL)):
            if begin > cuts[-1]:
                cuts.append(_marks.quiet_cut(self._marks, begin, end, pair[0], pair[1], sum(lengths) + 2))
        cuts[1:] = [cut for cut in cuts[1:] if cut < end]
        self._each(
            _marks.merge_scan,
            [
                (self._marks, begin, stop, pair, lengths, *self._neighbours[part])
                for part, (begin, stop) in enumerate(zip(cuts, [*cuts[1:], end], strict=True))
            ],
        )
        self._recount(pair)

    def _merge_listed(self, pair: _Pair) -> None:
        lengths = self._pair_lengths(pair)
        junctions = self._lists.pop(pair[:2])
        cuts = [0]
        step = max(len(junctions) // self._threads + 1, SMALL)
        for begin in range(step, len(junctions), step):
            if begin > cuts[-1]:
                cuts.append(_index.list_cut(junctions, begin, sum(lengths) + 1))
        cuts[1:] = [cut for cut in cuts[1:] if cut < len(junctions)]
        parts = [junctions[begin:end] for begin, end in zip(cuts, [*cuts[1:], len(junctions)], strict=True)]
        made = [
            (
                np.empty(len(part), dtype=self._position),
                np.empty(len(part), dtype=np.uint16),
                np.empty(len(part), dtype=np.uint16),
            )
            for part in parts
        ]
        numbers = self._each(
            _index.merge_listed,
            [
                (self._marks, part, pair, lengths, *self._neighbours[i], made[i])
                for i, part in enumerate(parts)
            ],
        )
        self._recount(pair)
        self._list_new(pair[2], made, numbers)

    def _list_new(self, new: int, made: list[tuple[np.ndarray, ...]], numbers: list[int]) -> None:
        """Make lists for the frequent pairs of the new token."""
        n = new + 1
        listed_before = self.counts[:n, new] >= self._threshold
        listed_after = self.counts[new, :n] >= self._threshold
        listed_after[new] = False  # (new, new) is listed from its right token
        per_part = self._neighbours[: len(made), :, :n].copy()
        per_part[:, 0, ~listed_before] = 0
        per_part[:, 1, ~listed_after] = 0
        sizes = per_part.reshape(len(made), -1)
        ends = np.cumsum(sizes.sum(axis=0))
        begins = ends - sizes.sum(axis=0)
        free = begins + np.cumsum(sizes, axis=0) - sizes
        free = free.reshape(len(made), 2, n)
        self._free[: len(made), 0, :n] = np.where(listed_before, free[:, 0], -1)
        self._free[: len(made), 1, :n] = np.where(listed_after, free[:, 1], -1)
        junctions = np.empty(int(ends[-1]), dtype=self._position)
        self._each(
            _index.list_made,
            [
                (made[i], numbers[i], int(self._lengths[new]), *self._free[i], junctions)
                for i in range(len(made))
            ],
        )
        for x in np.flatnonzero(listed_before).tolist():
            self._lists[x, new] = junctions[begins[x] : ends[x]]
        for x in np.flatnonzero(listed_after).tolist():
            self._lists[new, x] = junctions[begins[n + x] : ends[n + x]]

    def _make_lists(self, threshold: int) -> None:
        """List the junctions of all pairs that occur at least `threshold` times."""
        self._threshold = threshold
        self._lists.clear()
        n = N_BASES + len(self.done)
        pairs = np.argwhere(self.counts[:n, :n] >= threshold)
        list_of = np.full((n, n), len(pairs), dtype=np.int32)  # the last list is that of all other pairs
        list_of[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
        end = PADDING + self._size
        cuts = [PADDING]
        for part in range(1, self._threads):
            begin = max(PADDING + part * self._size // self._threads, cuts[-1])
            cuts.append(_index.token_start(self._marks, begin, end))
        parts = list(zip(cuts, [*cuts[1:], end], strict=True))
        sizes = np.zeros((len(parts), len(pairs) + 1), dtype=np.int64)
        self._each(
            _index.count_junctions,
            [(self._marks, *part, self._lengths, list_of, sizes[i]) for i, part in enumerate(parts)],
        )
        sizes[:, -1] = 0
        ends = np.cumsum(sizes.sum(axis=0))
        begins = ends - sizes.sum(axis=0)
        free = begins + np.cumsum(sizes, axis=0) - sizes
        free[:, -1] += np.arange(len(parts))  # each part its own place to write what is not kept
        moves = np.ones(len(pairs) + 1, dtype=np.int64)
        moves[-1] = 0
        junctions = np.empty(int(ends[-1]) + len(parts), dtype=self._position)
        self._each(
            _index.list_junctions,
            [
                (self._marks, *part, self._lengths, list_of, free[i], moves, junctions)
                for i, part in enumerate(parts)
            ],
        )
        for i, (left, right) in enumerate(pairs.tolist()):
            self._lists[left, right] = junctions[begins[i] : ends[i]]

    def _recount(self, pair: _Pair) -> None:
        """Change the pair counts by what stood to the left and to the right of the merged pairs."""
        left, right, new = pair
        before, after = self._neighbours[:, :, : new + 1].sum(axis=0)
        counts = self.counts[: new + 1, : new + 1]
        counts[:, left] -= before
        counts[:, new] += before
        counts[right] -= after
        counts[new] += after
        counts[left, right] = 0

    def _pair_lengths(self, pair: _Pair) -> tuple[int, int]:
        return int(self._lengths[pair[0]]), int(self._lengths[pair[1]])

    def _each(self, kernel: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        """Call a kernel once per part, each part on a thread."""
        if self._pool is None or len(calls) == 1:
            return [kernel(*call) for call in calls]
        return list(self._pool.map(lambda call: kernel(*call), calls))
