"""The index of a training: for each frequent pair the places where it is, or was."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from grover_probe.bpe import _index
from grover_probe.bpe._workers import Workers
from grover_probe.display import brief


@dataclass(frozen=True)
class Made:
    """New tokens that one thread made, in the order of the sequence.

    Attributes
    ----------
    last
        Place of each one's last base.
    previous, following
        uint16: the marks to its left and right when it was made.
    """

    last: np.ndarray
    previous: np.ndarray
    following: np.ndarray

    __repr__ = brief

    @classmethod
    def room(cls, n: int, place_type: type) -> "Made":
        """Room for n tokens."""
        return cls(np.empty(n, dtype=place_type), np.empty(n, dtype=np.uint16), np.empty(n, dtype=np.uint16))

    def first(self, n: int) -> "Made":
        """The first n tokens."""
        return Made(self.last[:n], self.previous[:n], self.following[:n])


class JunctionLists:
    """Junctions of all pairs that occur at least `threshold` times, by pair and in the order of the sequence.

    A list may hold junctions that have gone since; none is missing.
    """

    def __init__(self, workers: Workers, place_type: type) -> None:
        self.threshold: int | None = None  # None: nothing is listed yet
        self._workers = workers
        self._type = place_type
        self._lists: dict[tuple[int, int], np.ndarray] = {}
        self._free = np.full((workers.threads, 2, 1 << 16), -1, dtype=np.int64)  # by mark, hence for 16 bits

    def pop(self, left: int, right: int) -> np.ndarray | None:
        """Take out the list of a pair; None when it has none."""
        return self._lists.pop((left, right), None)

    def rebuild(
        self, threshold: int, marks: np.ndarray, span: tuple[int, int], counts: np.ndarray, lengths: np.ndarray
    ) -> None:
        """List the junctions of all pairs with at least `threshold` occurrences in marks[span]; forget the others."""
        self.threshold = threshold
        self._lists.clear()  # before the new ones are made: both together need not fit into memory
        pairs = np.argwhere(counts >= threshold)
        list_of = np.full(counts.shape, len(pairs), dtype=np.int32)  # the last list is that of all other pairs
        list_of[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
        cuts = self._workers.cuts(*span, lambda begin: _index.token_start(marks, begin, span[1]))
        parts = list(pairwise(cuts))
        sizes = np.zeros((len(parts), len(pairs) + 1), dtype=np.int64)
        self._workers.each(
            _index.count_junctions, [(marks, *part, lengths, list_of, sizes[i]) for i, part in enumerate(parts)]
        )
        sizes[:, -1] = 0
        begins, ends, free = _places(sizes)
        free[:, -1] += np.arange(len(parts))  # where each thread writes what is not kept
        moves = np.ones(len(pairs) + 1, dtype=np.int64)
        moves[-1] = 0
        places: np.ndarray = np.empty(int(ends[-1]) + len(parts), dtype=self._type)
        self._workers.each(
            _index.list_junctions,
            [(marks, *part, lengths, list_of, free[i], moves, places) for i, part in enumerate(parts)],
        )
        for i, (left, right) in enumerate(pairs.tolist()):
            self._lists[left, right] = places[begins[i] : ends[i]]

    def add(self, new: int, length: int, made: list[Made], neighbours: np.ndarray, counts: np.ndarray) -> None:
        """List the frequent pairs of a new token.

        Parameters
        ----------
        new, length
            The token and its bases.
        made
            Its occurrences, by thread.
        neighbours
            int64, shape (n_threads, 2, new + 1): how often each token was seen before and after it.
        counts
            Pair counts, shape (new + 1, new + 1), with the new token's.
        """
        assert self.threshold is not None
        n = new + 1
        listed = np.stack([counts[:, new] >= self.threshold, counts[new] >= self.threshold])
        listed[1, new] = False  # (new, new) is listed from its right token
        sizes = np.where(listed, neighbours, 0).reshape(len(made), 2 * n)
        begins, ends, free = _places(sizes)
        self._free[: len(made), :, :n] = np.where(listed, free.reshape(-1, 2, n), -1)
        places: np.ndarray = np.empty(int(ends[-1]), dtype=self._type)
        self._workers.each(
            _index.list_made,
            [(part.last, part.previous, part.following, length, *self._free[i], places) for i, part in enumerate(made)],
        )
        for side, x in np.argwhere(listed).tolist():
            pair = (new, x) if side else (x, new)
            self._lists[pair] = places[begins[side * n + x] : ends[side * n + x]]


def _places(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where lists begin and end that follow each other, and where in them each thread's part begins.

    `sizes` has the entries by thread (rows) and list (columns).
    """
    ends = np.cumsum(sizes.sum(axis=0))
    begins = ends - sizes.sum(axis=0)
    return begins, ends, begins + np.cumsum(sizes, axis=0) - sizes
