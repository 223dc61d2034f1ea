"""Markov models of DNA with back-off: what the last few bases alone say about the next ones.

The probability of a base after a context of m bases is ``(N(context, base) + s P(base | context without its oldest
base)) / (N(context) + s)``: where a context was seen often its own counts decide, else those of the shorter one, down
to the composition (Dirichlet prior centred on the next lower order; MacKay and Peto, Nat. Lang. Eng. 1, 1995).
Order and strength s are chosen by the likelihood of sequence that was held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from grover_probe.errors import InputError
from grover_probe.genome import N_CODE

MAX_ORDER = 11  # 4^12 counts are 64 MiB
STRENGTHS = (1.0, 4.0, 16.0, 64.0)


@dataclass(frozen=True)
class MarkovModel:
    """Probability of each base after each context.

    Attributes
    ----------
    order
        Bases of a context.
    strength
        Pseudo-counts with which the next lower order counts.
    probability
        float32, shape (4^order, 4): rows are contexts in alphabetical order.
    """

    order: int
    strength: float
    probability: np.ndarray

    def __repr__(self) -> str:
        return f"MarkovModel(order {self.order}, strength {self.strength:g})"

    @classmethod
    def fit(cls, sequences: Sequence[np.ndarray], order: int, strength: float) -> "MarkovModel":
        """Estimate from sequences.

        Parameters
        ----------
        sequences
            Base codes, uint8; values above 3 are breaks that no context or base spans.
        order
            Bases of a context, 0 to 11.
        strength
            Pseudo-counts, above 0.

        Raises
        ------
        InputError
            When order or strength is out of range.
        """
        _check(order, strength)
        return cls(order, strength, _smoothed(_all_counts(sequences, order), strength)[-1])

    @classmethod
    def choose(
        cls,
        learn: Sequence[np.ndarray],
        choose: Sequence[np.ndarray],
        orders: Sequence[int] = tuple(range(MAX_ORDER + 1)),
        strengths: Sequence[float] = STRENGTHS,
    ) -> "MarkovModel":
        """Estimate from all sequences with the order and strength that predict some of them best from the others.

        Parameters
        ----------
        learn, choose
            Sequences that are counted, and sequences whose likelihood decides; then both are counted.
        orders, strengths
            What to choose from. Of equally good ones the lowest order is taken.

        Raises
        ------
        InputError
            When `choose` has no base after a context of the highest order.
        """
        for order in orders:
            for strength in strengths:
                _check(order, strength)
        highest = max(orders)
        counts, test = _all_counts(learn, highest), _all_counts(choose, highest)
        if not test[highest].any():
            raise InputError(f"the sequence to choose an order by has no {highest + 1} bases without N")
        best = (-np.inf, 0, 0.0)
        for strength in strengths:
            tables = _smoothed(counts, strength)
            for order in sorted(orders):
                # Every order is judged by the same bases, those with a full context of the highest order.
                seen = test[highest].reshape(-1, 4**order, 4).sum(axis=0)
                score = float((seen * np.log(tables[order].astype(np.float64))).sum())
                if score > best[0] + 1e-9 * abs(score):
                    best = (score, order, strength)
        _, order, strength = best
        both = [one + other for one, other in zip(counts[: order + 1], test[: order + 1], strict=True)]
        return cls(order, strength, _smoothed(both, strength)[-1])

    def kmer_probabilities(self, contexts: np.ndarray, k: int) -> np.ndarray:
        """Probability of each k-mer after each context.

        Parameters
        ----------
        contexts
            Base codes without N, shape (n, at least `order` bases); the last ones count.
        k
            Bases ahead.

        Returns
        -------
        np.ndarray
            float64, shape (n, 4^k), k-mers in alphabetical order; rows sum to 1.

        Raises
        ------
        InputError
            When the contexts are shorter than the order.
        """
        if contexts.shape[1] < self.order:
            raise InputError(f"contexts of {contexts.shape[1]} bases, but the model has order {self.order}")
        n, n_contexts = len(contexts), 4**self.order
        state = np.zeros((n, 1), dtype=np.int64)
        for place in range(contexts.shape[1] - self.order, contexts.shape[1]):
            state = state * 4 + contexts[:, place, None]
        found = np.ones((n, 1))
        for _ in range(k):
            found = (found[:, :, None] * self.probability[state]).reshape(n, -1)
            state = ((state[:, :, None] * 4 + np.arange(4)) % n_contexts).reshape(n, -1)
        return found


def _check(order: int, strength: float) -> None:
    if not 0 <= order <= MAX_ORDER:
        raise InputError(f"Markov order {order}: expected 0 to {MAX_ORDER}")
    if not strength > 0:
        raise InputError(f"strength {strength:g}: expected pseudo-counts above 0")


def _all_counts(sequences: Sequence[np.ndarray], order: int) -> list[np.ndarray]:
    """Counts of bases after contexts for orders 0 to `order`: int32, shape (4^m, 4) each."""
    found = []
    for m in range(order + 1):
        counts = np.zeros(4 ** (m + 1), dtype=np.int32)
        for codes in sequences:
            _count(np.ascontiguousarray(codes, dtype=np.uint8), m, counts)
        found.append(counts.reshape(-1, 4))
    return found


def _smoothed(counts: list[np.ndarray], strength: float) -> list[np.ndarray]:
    """Probabilities of every order, each backed by the one below it: float32, shape (4^m, 4)."""
    below = np.full((1, 4), 0.25, dtype=np.float32)
    tables = []
    for seen in counts:
        shorter = np.tile(below, (len(seen) // len(below), 1))  # the newest bases are the lowest digits
        table = (seen + strength * shorter) / (seen.sum(axis=1, keepdims=True) + strength)
        below = table.astype(np.float32)
        tables.append(below)
    return tables


@njit(nogil=True, cache=True)
def _count(codes: np.ndarray, order: int, counts: np.ndarray) -> None:
    """Add the (order + 1)-mers of a sequence."""
    n, value, run = len(counts), 0, 0
    for code in codes:
        if code >= N_CODE:
            value = run = 0
            continue
        value = (value * 4 + code) % n
        run += 1
        if run > order:
            counts[value] += 1
