"""One piece of work, divided over threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MIN_PART = 1 << 15  # bases or junctions; fewer are not worth a thread


class Workers:
    """A number of threads for kernels that release the interpreter's lock."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def each(self, kernel: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a kernel with each of some arguments; results in their order."""
        if self._pool is None or len(calls) == 1:
            return [kernel(*call) for call in calls]
        return list(self._pool.map(lambda call: kernel(*call), calls))

    def cuts(self, begin: int, end: int, cut_from: Callable[[int], int]) -> list[int]:
        """Borders of at most `threads` parts of [begin, end).

        `cut_from` moves an even border to the next place where parts may be divided; `end` when there is none.
        """
        step = max((end - begin) // self.threads + 1, MIN_PART)
        cuts = [begin]
        for place in range(begin + step, end, step):
            cut = int(cut_from(max(place, cuts[-1])))
            if cuts[-1] < cut < end:
                cuts.append(cut)
        return [*cuts, end]

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
