"""Maximum explainable variance: how far one direction can stand for all occurrences of a token."""

from pathlib import Path
from typing import Self

import numpy as np
import torch

from grover_probe.extract.reducers.base import RowWriter, Setup, TokenBatch, hash_positions

_BLOCK = 1 << 22  # tokens looked at together when the sample is drawn


class OccurrenceSample(RowWriter):
    """Hidden states of at most so many occurrences of each token, from which second moments follow.

    Parameters
    ----------
    slots
        int64, shape (n_slots,): sorted positions in the corpus of the occurrences to keep (`choose_by_hash`).
    slot_ids
        int64, shape (n_slots,): their token ids.
    n_ids, n_layers, width
        Rows of the embedding table, layers per batch, hidden size.
    path
        As in `RowWriter`.

    Notes
    -----
    The sample is bounded by the size of the vocabulary, not of the genome.

    References
    ----------
    Ethayarajh (2019), How contextual are contextualized word representations?, EMNLP.
    """

    name = "explainable"

    def __init__(
        self, slots: np.ndarray, slot_ids: np.ndarray, n_ids: int, n_layers: int, width: int, path: Path | None = None
    ) -> None:
        super().__init__((len(slots), n_layers, width), path)
        self.slots, self.slot_ids, self.n_ids = slots, slot_ids, n_ids

    @classmethod
    def for_pass(cls, setup: Setup) -> Self:
        """With the pass's ``sample_per_token``."""
        slots = choose_by_hash(setup.corpus.ids, setup.taken, setup.n_ids, setup.options["sample_per_token"])
        ids = setup.corpus.ids[slots].astype(np.int64)
        path = None if setup.folder is None else setup.folder / "occurrences.npy"
        return cls(slots, ids, setup.n_ids, len(setup.layers), setup.width, path)

    def update(self, batch: TokenBatch) -> None:
        """Keep the chosen occurrences among the tokens of a batch."""
        positions = batch.positions.cpu().numpy()
        slot = np.minimum(np.searchsorted(self.slots, positions), max(len(self.slots) - 1, 0))
        found = np.flatnonzero(self.slots[slot] == positions) if len(self.slots) else np.empty(0, dtype=np.int64)
        if len(found):
            rows = torch.from_numpy(found).to(batch.ids.device)
            for layer, states in enumerate(batch.hidden):
                self.rows[slot[found], layer] = states[rows].float().cpu().numpy()

    def finalize(self) -> dict[str, np.ndarray]:
        """Per layer and token, NaN below two occurrences.

        ``mev`` (n_layers, n_ids): largest squared singular value of the occurrences' matrix over the sum of all;
        ``mev_centred``: the same less the mean, the share of the first principal component; ``count`` (n_ids):
        occurrences in the sample.
        """
        n_layers = self.rows.shape[1]
        mev, centred = (np.full((n_layers, self.n_ids), np.nan) for _ in range(2))
        order = np.argsort(self.slot_ids, kind="stable")
        edges = np.searchsorted(self.slot_ids[order], np.arange(self.n_ids + 1))
        for token in range(self.n_ids):
            states = self.rows[order[edges[token] : edges[token + 1]]].astype(np.float64)
            if len(states) > 1:
                mev[:, token] = [first_share(states[:, layer]) for layer in range(n_layers)]
                centred[:, token] = [first_share(s - s.mean(0)) for s in states.transpose(1, 0, 2)]
        return {"mev": mev, "mev_centred": centred, "count": np.diff(edges)}


def first_share(matrix: np.ndarray) -> float:
    """Largest squared singular value over the sum of all; NaN for zeros. Shape (n, width)."""
    total = float((matrix**2).sum())
    small = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
    return float(np.linalg.eigvalsh(small)[-1]) / total if total > 0 else float("nan")


def choose_by_hash(ids: np.ndarray, ranges: np.ndarray, n_ids: int, most: int) -> np.ndarray:
    """Positions of at most `most` occurrences of each token, those with the smallest hash of their position.

    Parameters
    ----------
    ids
        Token ids of the corpus, in memory or memory-mapped.
    ranges
        int64, shape (n, 2): token ranges that count, apart from each other.

    Returns
    -------
    np.ndarray
        int64, sorted. Neither the order of the ranges nor the way they are cut matters.
    """
    best = np.empty(0, dtype=np.int64)
    limit = np.full(n_ids, np.iinfo(np.int64).max)
    for begin in range(0, len(ranges), max(1, _BLOCK // 512)):
        part = ranges[begin : begin + max(1, _BLOCK // 512)]
        sizes = part[:, 1] - part[:, 0]
        positions = np.arange(sizes.sum()) + np.repeat(part[:, 0] - (np.cumsum(sizes) - sizes), sizes)
        own = hash_positions(torch.from_numpy(positions)).numpy()
        candidates = np.concatenate([best, positions[own < limit[ids[positions]]]])
        hashes = hash_positions(torch.from_numpy(candidates)).numpy()
        tokens = ids[candidates]
        order = np.lexsort((hashes, tokens))
        counts = np.bincount(tokens, minlength=n_ids)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        best = candidates[order[rank < most]]
        last = order[rank == most - 1]
        limit[tokens[last]] = hashes[last]
    return np.sort(best)
