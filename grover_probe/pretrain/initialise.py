"""Weights to start pretraining from: random, or what is known beforehand of the corpus and of sequences."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover_probe.bpe.merges import FIRST_PIECE_ID
from grover_probe.display import brief
from grover_probe.ngrams import neighbour_counts

_STD = 0.02  # BERT's standard deviation of initial weights
_HEAD_SCALE = 2.0  # makes a head give most of its weight to the distance it begins with


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


def frequencies(width: int) -> np.ndarray:
    """Angular frequencies of the positions, in radians a token: float64, shape (width // 2,), spread over (0, pi).

    Evenly spread (and jittered, so that nothing repeats) they make the dot product of two positions a sharp peak at
    distance 0; the usual geometric series has hardly a difference between neighbours.
    """
    n = width // 2
    return np.pi * (np.arange(n) + np.random.default_rng(0).random(n)) / n


def sinusoids(n_positions: int, width: int) -> np.ndarray:
    """Sine and cosine of each position in turn, with standard deviation `_STD`: shape (n_positions, width)."""
    angles = np.arange(n_positions)[:, None] * frequencies(width)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(n_positions, -1)
    return table * (_STD / table.std())


@torch.no_grad()
def attend_to_neighbours(model: BertForMaskedLM) -> None:
    """Let four heads of each block begin by looking at given distances, in place.

    Keys read positions as they are and queries read them turned by a fixed angle a frequency, which is what moving by
    that many tokens does to sinusoids; so a head attends to the token at its distance, wherever in the window. To find
    out where the neighbours are is what a random start spends its first millions of tokens on.
    """
    config = model.config
    size = config.hidden_size // config.num_attention_heads
    angles = torch.from_numpy(frequencies(config.hidden_size))
    for depth, block in enumerate(model.bert.encoder.layer):
        query, key = block.attention.self.query.weight, block.attention.self.key.weight
        for head, distance in zip(range(config.num_attention_heads), (-1, 1, -depth - 2, depth + 2), strict=False):
            # Each head reads frequencies of its own, as many as it has pairs of dimensions.
            column = 2 * torch.arange(head, len(angles), config.num_attention_heads)[: size // 2]
            row = head * size + 2 * torch.arange(len(column))
            turn = angles[column // 2] * distance
            cosine, sine = _HEAD_SCALE * turn.cos().float(), _HEAD_SCALE * turn.sin().float()
            for weight, along, across in ((key, _HEAD_SCALE, 0.0), (query, cosine, sine)):
                weight[row, column] += along
                weight[row + 1, column + 1] += along
                weight[row, column + 1] += across
                weight[row + 1, column] -= across


@dataclass(frozen=True)
class CorpusStart:
    """What a corpus says of its tokens before any training.

    Attributes
    ----------
    vectors
        float32, shape (n_pieces, width): `neighbour_vectors`.
    bias
        float32, shape (n_ids,): log frequency of each token.
    """

    vectors: torch.Tensor
    bias: torch.Tensor

    __repr__ = brief

    @classmethod
    def count(cls, ids: np.ndarray, runs: np.ndarray, n_ids: int, width: int) -> "CorpusStart":
        """From the tokens of some runs."""
        counts = neighbour_counts(ids, runs, n_ids)
        unigram = counts.sum(0)[FIRST_PIECE_ID:] + 1.0
        bias = torch.full((n_ids,), float(np.log(1.0 / unigram.sum())))
        bias[FIRST_PIECE_ID:] = torch.from_numpy(np.log(unigram / unigram.sum())).float()
        vectors = neighbour_vectors(counts[FIRST_PIECE_ID:, FIRST_PIECE_ID:], width)
        return cls(torch.from_numpy(vectors).float(), bias)


@torch.no_grad()
def begin_with(model: BertForMaskedLM, start: CorpusStart) -> None:
    """Set output bias, token embeddings, positions and attention from what is known before training, in place.

    Bias and embeddings come from the corpus, the positions are `sinusoids`, and `attend_to_neighbours` points heads at
    near tokens. Frequency and neighbourhood are therefore in the embeddings before any training: an analysis of such a
    model must be compared with its untrained start.
    """
    model.cls.predictions.bias.copy_(start.bias)
    model.bert.embeddings.word_embeddings.weight[FIRST_PIECE_ID:] = start.vectors
    positions = model.bert.embeddings.position_embeddings.weight
    positions.copy_(torch.from_numpy(sinusoids(*positions.shape)).float())
    attend_to_neighbours(model)
