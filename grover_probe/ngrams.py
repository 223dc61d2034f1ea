"""Counts of neighbouring tokens, and what they predict of a token between two others."""

from dataclasses import dataclass

import numpy as np

from grover_probe.display import brief

_PRIOR = 10.0  # pseudo-counts of a conditional distribution, spread like the unigram (Dirichlet smoothing)


def neighbour_counts(ids: np.ndarray, runs: np.ndarray, n_ids: int) -> np.ndarray:
    """How often one token directly follows another within runs: float64, shape (n_ids, n_ids), [left, right]."""
    counts = np.zeros(n_ids * n_ids, dtype=np.int64)
    for begin, stop in runs:
        part = np.asarray(ids[begin:stop], dtype=np.int64)
        counts += np.bincount(part[:-1] * n_ids + part[1:], minlength=n_ids * n_ids)
    return counts.reshape(n_ids, n_ids).astype(np.float64)


def token_counts(ids: np.ndarray, runs: np.ndarray, n_ids: int) -> np.ndarray:
    """Occurrences of each token within runs: int64, shape (n_ids,)."""
    counts = np.zeros(n_ids, dtype=np.int64)
    for begin, stop in runs:
        counts += np.bincount(ids[begin:stop], minlength=n_ids)
    return counts


@dataclass(frozen=True)
class NgramModel:
    """Log-probabilities of tokens without and with their direct neighbours.

    Attributes
    ----------
    unigram
        float64, shape (n_pieces,): log p(token).
    after
        float64, shape (n_pieces, n_pieces): log p(token | left neighbour), rows are left neighbours.
    before
        float64, shape (n_pieces, n_pieces): log p(token | right neighbour), rows are right neighbours.

    Notes
    -----
    Pieces are the ids that stand for sequence, numbered in id order. Each conditional is smoothed with a few
    pseudo-counts spread like the unigram, and the unigram with one half per piece.
    """

    unigram: np.ndarray
    after: np.ndarray
    before: np.ndarray

    __repr__ = brief

    @classmethod
    def count(cls, ids: np.ndarray, runs: np.ndarray, is_piece: np.ndarray) -> "NgramModel":
        """Estimate from the tokens of some runs.

        Parameters
        ----------
        ids
            Token ids of the corpus, shape (n_tokens,).
        runs
            Token ranges to count, shape (n_runs, 2).
        is_piece
            bool, shape (n_ids,): which ids stand for sequence.
        """
        unigram = token_counts(ids, runs, len(is_piece))[is_piece] + 0.5
        unigram /= unigram.sum()
        pairs = neighbour_counts(ids, runs, len(is_piece))[is_piece][:, is_piece]
        return cls(np.log(unigram), _conditional(pairs, unigram), _conditional(pairs.T, unigram))

    def left(self, left: np.ndarray) -> np.ndarray:
        """Log p(token | left neighbour).

        Parameters
        ----------
        left
            Neighbours as piece numbers, shape (n,); -1 where there is none.

        Returns
        -------
        np.ndarray
            float64, shape (n, n_pieces).
        """
        return np.where((left >= 0)[:, None], self.after[left], self.unigram)

    def both(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Product of both bigrams, p(token | left) p(token | right) / p(token), normalised; arguments as in `left`."""
        given_right = np.where((right >= 0)[:, None], self.before[right], self.unigram)
        product = self.left(left) + given_right - self.unigram
        return product - np.logaddexp.reduce(product, axis=1, keepdims=True)


def _conditional(pairs: np.ndarray, unigram: np.ndarray) -> np.ndarray:
    """Smoothed log of rows that sum to one."""
    smoothed = pairs + _PRIOR * unigram
    return np.log(smoothed) - np.log(smoothed.sum(1, keepdims=True))
