"""How well k-mers were predicted: accuracy, top 5 and bits, with bootstrap intervals over blocks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.display import brief
from grover_probe.probes.metrics import Resamples, interval

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("accuracy", "top5", "bits")
TOP = 5
_SMALLEST = 1e-12  # probability; what was held to be impossible costs 40 bits


@dataclass(frozen=True)
class Outcome:
    """What a system said about each test sequence.

    Attributes
    ----------
    true, called
        Class that follows, and the most probable one, int64, shape (n,).
    rank
        Classes that were held to be more probable than the true one, shape (n,). Of equally probable classes the one
        that comes first in the alphabet counts as more probable, as for `called`.
    bits
        Negative log2 of the probability of the true class, shape (n,).
    """

    true: np.ndarray
    called: np.ndarray
    rank: np.ndarray
    bits: np.ndarray

    __repr__ = brief

    @classmethod
    def of(cls, probabilities: np.ndarray, true: np.ndarray) -> "Outcome":
        """From the probability of each class, shape (n, n_classes)."""
        own = probabilities[np.arange(len(true)), true][:, None]
        earlier = np.arange(probabilities.shape[1]) < true[:, None]
        rank = ((probabilities > own) | ((probabilities == own) & earlier)).sum(axis=1)
        bits = -np.log2(np.maximum(own[:, 0].astype(np.float64), _SMALLEST))
        return cls(true.astype(np.int64), probabilities.argmax(axis=1), rank, bits)

    @classmethod
    def joined(cls, parts: list["Outcome"]) -> "Outcome":
        """Outcomes of chunks as one."""
        names = ("true", "called", "rank", "bits")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def to_frame(self) -> "pd.DataFrame":
        """One row per test sequence."""
        import pandas as pd

        return pd.DataFrame({"true": self.true, "called": self.called, "rank": self.rank, "bits": self.bits})

    @classmethod
    def from_frame(cls, table: "pd.DataFrame") -> "Outcome":
        """Back from `to_frame`."""
        return cls(*(table[name].to_numpy() for name in ("true", "called", "rank", "bits")))

    def values(self, metric: str) -> np.ndarray:
        """What is averaged for a metric: float64, shape (n,)."""
        if metric == "bits":
            return self.bits.astype(np.float64)
        return (self.rank < (1 if metric == "accuracy" else TOP)).astype(np.float64)


def resampled(values: np.ndarray, resamples: Resamples) -> np.ndarray:
    """Mean in each bootstrap resample of blocks, the first with every block once: shape (1 + n_resamples,)."""
    total = np.bincount(resamples.block, weights=values, minlength=resamples.n_blocks)
    size = np.bincount(resamples.block, minlength=resamples.n_blocks)
    return (resamples.counts @ total) / (resamples.counts @ size)


def summary(outcome: Outcome, resamples: Resamples) -> dict[str, float]:
    """Every metric with the ends of its 95 % interval: ``accuracy``, ``accuracy_low``, ``accuracy_high``, ..."""
    found: dict[str, float] = {}
    for metric in METRICS:
        value, low, high = interval(resampled(outcome.values(metric), resamples))
        found |= {metric: value, f"{metric}_low": low, f"{metric}_high": high}
    return found
