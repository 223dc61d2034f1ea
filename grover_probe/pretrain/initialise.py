"""Weights to start pretraining from: random, or what neighbour counts of the corpus already tell."""

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover_probe.bpe.merges import FIRST_PIECE_ID

_STD = 0.02  # BERT's standard deviation of initial weights


def neighbour_counts(ids: np.ndarray, runs: np.ndarray, n_ids: int) -> np.ndarray:
    """How often one token directly follows another within runs: float64, shape (n_ids, n_ids), [left, right]."""
    counts = np.zeros(n_ids * n_ids, dtype=np.int64)
    for begin, stop in runs:
        part = np.asarray(ids[begin:stop], dtype=np.int64)
        counts += np.bincount(part[:-1] * n_ids + part[1:], minlength=n_ids * n_ids)
    return counts.reshape(n_ids, n_ids).astype(np.float64)


def neighbour_vectors(counts: np.ndarray, width: int) -> np.ndarray:
    """Token vectors from an SVD of the log-PMI with the left and the right neighbour (Levy and Goldberg 2014).

    Parameters
    ----------
    counts
        Neighbour counts of the pieces, shape (n, n), [left, right].
    width
        Components kept.

    Returns
    -------
    np.ndarray
        float64, shape (n, width), standard deviation `_STD`.
    """
    smoothed = counts + 1.0
    joint = smoothed / smoothed.sum()
    log_pmi = np.log(joint) - np.log(joint.sum(1, keepdims=True)) - np.log(joint.sum(0, keepdims=True))
    profile = np.concatenate([log_pmi, log_pmi.T], axis=1)
    left, strength, _ = np.linalg.svd(profile - profile.mean(0), full_matrices=False)
    vectors = left * np.sqrt(strength)
    vectors = np.pad(vectors, ((0, 0), (0, max(0, width - vectors.shape[1]))))[:, :width]
    # One component dominates the variance; a random rotation spreads it over the dimensions that heads share out.
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))
    rotated = vectors @ rotation
    return rotated * (_STD / rotated.std())


def sinusoids(n_positions: int, width: int) -> np.ndarray:
    """Sinusoidal positions (Vaswani et al. 2017) with standard deviation `_STD`: shape (n_positions, width)."""
    rates = np.exp(-np.log(10_000.0) * np.arange(0, width, 2) / width)
    angles = np.arange(n_positions)[:, None] * rates
    table = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(n_positions, -1)[:, :width]
    return table * (_STD / table.std())


@torch.no_grad()
def start_from_corpus(model: BertForMaskedLM, ids: np.ndarray, runs: np.ndarray) -> None:
    """Set output bias, token embeddings and positions from corpus statistics, in place.

    The bias becomes the log frequency of each token, the embeddings `neighbour_vectors`, the positions `sinusoids`.
    Frequency and neighbourhood are therefore in the embeddings before any training: an analysis of such a model
    must be compared with its untrained start.
    """
    n_ids, width = model.bert.embeddings.word_embeddings.weight.shape
    counts = neighbour_counts(ids, runs, n_ids)
    unigram = counts.sum(0)[FIRST_PIECE_ID:] + 1.0
    bias = torch.full((n_ids,), float(np.log(1.0 / unigram.sum())))
    bias[FIRST_PIECE_ID:] = torch.from_numpy(np.log(unigram / unigram.sum())).float()
    model.cls.predictions.bias.copy_(bias)
    vectors = neighbour_vectors(counts[FIRST_PIECE_ID:, FIRST_PIECE_ID:], width)
    model.bert.embeddings.word_embeddings.weight[FIRST_PIECE_ID:] = torch.from_numpy(vectors).float()
    positions = model.bert.embeddings.position_embeddings.weight
    positions.copy_(torch.from_numpy(sinusoids(*positions.shape)).float())
