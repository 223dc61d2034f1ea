"""The order of examples in training."""

from collections.abc import Iterator

import numpy as np
import torch

_POOL = 50  # inputs are sorted by length within pools of so many batches


class LengthSampler(torch.utils.data.Sampler[int]):
    """Examples at random, but of similar length next to each other; a function of seed and epoch alone.

    Parameters
    ----------
    lengths
        Positions of each example.
    batch_size
        Examples per batch.
    seed
        Decides the order.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._epoch = lengths, batch_size, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch; a resumed run asks for the same order again."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._epoch))
        order = rng.permutation(len(self._lengths))
        pool = _POOL * self._batch
        batches: list[np.ndarray] = []
        for begin in range(0, len(order), pool):
            part = order[begin : begin + pool]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[low : low + self._batch] for low in range(0, len(part), self._batch)]
        short = [batch for batch in batches if len(batch) < self._batch]  # only the last may be short
        full = [batch for batch in batches if len(batch) == self._batch]
        mixed = [full[index] for index in rng.permutation(len(full))] + short
        return iter(np.concatenate(mixed).tolist() if mixed else [])
