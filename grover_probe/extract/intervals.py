"""Intervals of the genome as tokens: which tokens of which window lie in which interval, and with how many bases."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.corpus import Corpus
from grover_probe.genome import Region

if TYPE_CHECKING:
    import pandas as pd

_NONE = np.empty(0, dtype=np.int64)


class TokenIntervals:
    """Intervals against the windows of a pass.

    Parameters
    ----------
    corpus
        The tokens.
    taken
        int64, shape (n_windows, 2): token ranges taken from each window, in corpus order, apart from each other.
    regions
        The intervals, which may overlap, as the table of results names them.
    placed
        The same in the corpus's coordinates with the index of the interval that each belongs to: on two strands an
        interval stands twice.
    """

    def __init__(
        self,
        corpus: Corpus,
        taken: np.ndarray,
        regions: Sequence[Region],
        placed: Sequence[tuple[int, Region]],
    ) -> None:
        self.regions, self.n_regions = regions, len(regions)
        self._corpus, self._taken = corpus, taken
        self._region = np.array([index for index, _ in placed], dtype=np.int64)
        self._bases = np.array([(r.start, r.end) for _, r in placed], dtype=np.int64).reshape(-1, 2)
        self._tokens = _token_ranges(corpus, [region for _, region in placed])
        # Windows whose tokens begin before an interval's end and end after its start.
        first = np.searchsorted(taken[:, 1], self._tokens[:, 0], side="right")
        last = np.searchsorted(taken[:, 0], self._tokens[:, 1], side="left")
        counts = np.where(self._tokens[:, 0] < self._tokens[:, 1], np.maximum(last - first, 0), 0)
        entry = np.repeat(np.arange(len(counts)), counts)
        window = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(len(entry))
        order = np.argsort(window, kind="stable")
        self._entry, self._window = entry[order], window[order]

    def of_windows(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens of some windows that lie in intervals.

        Parameters
        ----------
        numbers
            Numbers of windows, whose tokens follow each other in a batch.

        Returns
        -------
        rows, regions, bases : np.ndarray
            int64: place of the token in the batch, index of the interval, bases of the token inside it.
        """
        sizes = self._taken[numbers, 1] - self._taken[numbers, 0]
        offsets = np.cumsum(sizes) - sizes
        rows, entries, positions = [_NONE], [_NONE], [_NONE]
        lows = np.searchsorted(self._window, numbers, side="left")
        highs = np.searchsorted(self._window, numbers, side="right")
        for number, offset, low, high in zip(numbers, offsets, lows, highs, strict=True):
            for entry in self._entry[low:high]:
                begin = max(self._tokens[entry, 0], self._taken[number, 0])
                stop = min(self._tokens[entry, 1], self._taken[number, 1])
                found = np.arange(begin, stop)
                rows.append(found - self._taken[number, 0] + offset)
                positions.append(found)
                entries.append(np.full(len(found), entry))
        entry, position = np.concatenate(entries), np.concatenate(positions)
        starts = self._corpus.starts[position].astype(np.int64)
        ends = starts + self._corpus.token_lengths[self._corpus.ids[position]]
        bases = np.minimum(ends, self._bases[entry, 1]) - np.maximum(starts, self._bases[entry, 0])
        return np.concatenate(rows), self._region[entry], bases

    def table(self, covered: np.ndarray) -> "pd.DataFrame":
        """One row per interval; `covered` are the bases met, by both strands together."""
        import pandas as pd

        return pd.DataFrame(
            {
                "region": np.arange(self.n_regions),
                "chrom": [region.chrom for region in self.regions],
                "start": [region.start for region in self.regions],
                "end": [region.end for region in self.regions],
                "name": [region.name for region in self.regions],
                "bases": covered,
            }
        )


def _token_ranges(corpus: Corpus, regions: Sequence[Region]) -> np.ndarray:
    """Tokens that share a base with each region: int64, shape (n, 2)."""
    found = np.zeros((len(regions), 2), dtype=np.int64)
    for index, chrom in enumerate(corpus.chroms):
        here = [i for i, region in enumerate(regions) if region.chrom == chrom]
        if not here:
            continue
        first, last = int(corpus.bounds[index]), int(corpus.bounds[index + 1])
        begins = np.array([regions[i].start for i in here])
        ends = np.array([regions[i].end for i in here])
        found[here, 0] = first + np.searchsorted(corpus.ends(first, last), begins, side="right")
        found[here, 1] = first + np.searchsorted(corpus.starts[first:last], ends, side="left")
    return found
