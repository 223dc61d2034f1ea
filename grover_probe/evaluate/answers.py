"""What a model or a baseline answered, and the numbers that follow: perplexity, accuracy, bits per base, AUC."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.display import brief

AUC_MOST_NUMBERS = 20_000_000  # probabilities kept for the AUC: 33,000 masked tokens of 604 pieces


@dataclass(frozen=True)
class Answers:
    """Predictions of masked tokens.

    Attributes
    ----------
    targets
        int64, shape (n_masked,): true tokens as piece numbers.
    nats
        float64, shape (n_masked,): minus the log-probability of the true token.
    ranks
        int64, shape (n_masked,): pieces that were held more likely than the true one; 0 is a correct prediction.
    scores
        float32, shape (n_scored, n_pieces): log-probabilities of the pieces for the first masked tokens, for the AUC.
    """

    targets: np.ndarray
    nats: np.ndarray
    ranks: np.ndarray
    scores: np.ndarray

    __repr__ = brief

    @classmethod
    def empty(cls, targets: np.ndarray, n_pieces: int) -> "Answers":
        """Room for answers that arrive block by block (`put`)."""
        n = len(targets)
        scored = min(n, AUC_MOST_NUMBERS // n_pieces)
        return cls(
            targets, np.full(n, np.nan), np.full(n, -1, np.int64), np.full((scored, n_pieces), np.nan, np.float32)
        )

    def put(self, rows: np.ndarray, log_p: np.ndarray) -> None:
        """Fill in some answers.

        Parameters
        ----------
        rows
            Which masked tokens, shape (n,).
        log_p
            Log-probabilities of the pieces, shape (n, n_pieces).
        """
        own = np.take_along_axis(log_p, self.targets[rows, None], axis=1)
        self.nats[rows] = -own[:, 0]
        self.ranks[rows] = (log_p > own).sum(1)
        kept = rows < len(self.scores)
        self.scores[rows[kept]] = log_p[kept]

    def where(self, chosen: np.ndarray, others: "Answers") -> "Answers":
        """These answers for chosen masked tokens (bool, shape (n_masked,)), those of another system for the rest."""
        scored = chosen[: len(self.scores), None]
        return Answers(
            self.targets,
            np.where(chosen, self.nats, others.nats),
            np.where(chosen, self.ranks, others.ranks),
            np.where(scored, self.scores, others.scores),
        )

    def metrics(self, piece_lengths: np.ndarray, chosen: np.ndarray | None = None) -> dict[str, Any]:
        """Summary over all or some masked tokens.

        Parameters
        ----------
        piece_lengths
            Bases of each piece, shape (n_pieces,).
        chosen
            bool, shape (n_masked,); all when None.

        Returns
        -------
        dict
            ``n_masked``, ``perplexity``, the same as ``percent_of_vocabulary``, ``bits_per_base`` (bits over the mean
            length of the masked tokens, comparable between vocabularies), ``top1`` and ``top60`` (the paper's).
        """
        rows = slice(None) if chosen is None else chosen
        nats, ranks, targets = self.nats[rows], self.ranks[rows], self.targets[rows]
        if not len(nats):
            return {"n_masked": 0}
        perplexity = float(np.exp(nats.mean()))
        return {
            "n_masked": len(nats),
            "perplexity": perplexity,
            "percent_of_vocabulary": 100 * perplexity / len(piece_lengths),
            "bits_per_base": float(nats.sum() / np.log(2) / piece_lengths[targets].sum()),
            "top1": float((ranks < 1).mean()),
            "top60": float((ranks < 60).mean()),
        }

    def top_k(self, n_pieces: int) -> np.ndarray:
        """Share of masked tokens among the first k of the prediction, for k = 1 to the number of pieces."""
        return np.cumsum(np.bincount(self.ranks, minlength=n_pieces)[:n_pieces]) / len(self.ranks)

    def per_token(self, pieces: Sequence[str], piece_ids: np.ndarray) -> pd.DataFrame:
        """One row per token that was masked.

        Parameters
        ----------
        pieces, piece_ids
            Sequence and token id of each piece.

        Returns
        -------
        pandas.DataFrame
            ``token``, ``token_id``, ``length`` (bases), ``count`` (times masked), ``accuracy`` (top-1), ``nats``,
            ``auc``: probability that the token is held more likely where it is than where it is not (NaN without
            either).
        """
        n_pieces = len(pieces)
        counts = np.bincount(self.targets, minlength=n_pieces)
        there = np.flatnonzero(counts).tolist()
        correct = np.bincount(self.targets, weights=self.ranks == 0, minlength=n_pieces)[there]
        nats = np.bincount(self.targets, weights=self.nats, minlength=n_pieces)[there]
        return pd.DataFrame(
            {
                "token": [pieces[number] for number in there],
                "token_id": piece_ids[there],
                "length": [len(pieces[number]) for number in there],
                "count": counts[there],
                "accuracy": correct / counts[there],
                "nats": nats / counts[there],
                "auc": self.auc()[there],
            }
        )

    def auc(self) -> np.ndarray:
        """Area under the ROC curve of each piece against all others (Mann-Whitney): float64, shape (n_pieces,)."""
        n, n_pieces = self.scores.shape
        targets = self.targets[:n]
        positive = np.bincount(targets, minlength=n_pieces).astype(np.float64)
        found = np.full(n_pieces, np.nan)
        for piece in np.flatnonzero((positive > 0) & (positive < n)):
            ranks = _average_ranks(self.scores[:, piece])
            n_positive = positive[piece]
            rank_sum = ranks[targets == piece].sum() - n_positive * (n_positive + 1) / 2
            found[piece] = rank_sum / (n_positive * (n - n_positive))
        return found


def _average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]
