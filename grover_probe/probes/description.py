"""Description length of a target given features: the online code of Voita and Titov (2020).

Blocks come in a random order. The first part is sent without a model; each further part is coded with the probe that
was trained on all parts before it. A probe that needs few rows to learn, and learns well, gives a short code.
"""

from collections.abc import Sequence

import numpy as np

from grover_probe.probes.engine import gather_columns
from grover_probe.probes.learners import BOUND, Columns, Learner
from grover_probe.probes.targets import Target

FIRST_PART = 32  # rows
_DOUBLINGS = 8


def parts_of(block: np.ndarray, seed: int) -> np.ndarray:
    """Cut rows into parts that double in size, whole blocks at a time.

    Parameters
    ----------
    block
        Block of each row, shape (n_rows,).
    seed
        Decides the order of the blocks.

    Returns
    -------
    np.ndarray
        int64, shape (n_rows,): part of each row, from 0. A block lies in one part.
    """
    labels, number, sizes = np.unique(block, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    before = np.cumsum(sizes[order]) - sizes[order]  # rows sent before each block, in sending order
    shares = 1 / 2.0 ** np.arange(_DOUBLINGS, 0, -1)
    edges = [edge for edge in shares * len(block) if edge >= FIRST_PART]
    part = np.empty(len(labels), dtype=np.int64)
    part[order] = np.searchsorted(edges, before, side="right")
    return np.unique(part, return_inverse=True)[1][number]


def code_lengths(
    x: np.ndarray, targets: Sequence[Target], part: np.ndarray, learner: Learner, *, seed: int = 0
) -> np.ndarray:
    """Bits that the online code needs for each target.

    Parameters
    ----------
    x
        Features, shape (n_rows, n_features).
    targets
        Questions about the same rows.
    part
        From `parts_of`.
    learner
        The kind of probe. The setting is sent first: the shortest code of all settings counts, and log2(number of
        settings) bits more.
    seed
        For learners that draw random numbers.

    Returns
    -------
    np.ndarray
        Shape (n_targets,), bits for all rows. For classes -log2 of the probability of each row's class; probabilities
        of more than two classes are scaled to a sum of 1, and in the first part all are equal. For a value, in standard
        deviations of the target, -log2 of a normal density around the prediction, whose spread is the probe's root mean
        square error on the part before (1 at first). This is a density, so only differences between codes of one target
        mean anything.
    """
    columns = gather_columns(targets)
    y = np.where(columns.is_class, columns.y, 0.0)
    values = ~columns.is_class
    y[:, values] = (columns.y[:, values] - columns.y[:, values].mean(0)) / columns.y[:, values].std(0)
    columns = Columns(y, columns.is_class, columns.target)
    n_settings = len(learner.settings)
    bits = np.zeros((n_settings, len(targets)))
    spread = np.ones((n_settings, y.shape[1]))
    for at in range(int(part.max()) + 1):
        now, before = part == at, part < at
        if at == 0:
            predicted = np.where(columns.is_class, 0.5, 0.0) * np.ones((n_settings, now.sum(), 1))
        else:
            predicted = learner.fit_predict(x[before], columns[before], x[now], seed).astype(np.float64)
        bits += _bits(predicted, columns[now], spread, len(targets))
        errors = ((predicted - columns.y[now]) ** 2).sum(1)
        spread = (errors + 1) / (now.sum() + 1)
    return bits.min(0) + np.log2(n_settings)


def _bits(predicted: np.ndarray, columns: Columns, variance: np.ndarray, n_targets: int) -> np.ndarray:
    """Bits of some rows: shape (n_settings, n_targets)."""
    found = np.zeros((len(predicted), n_targets))
    for target in range(n_targets):
        own = np.flatnonzero(columns.target == target)
        y, p = columns.y[:, own], predicted[:, :, own]
        if not columns.is_class[own[0]]:
            v = variance[:, own[0]][:, None]
            nats = 0.5 * np.log(2 * np.pi * v) + (p[:, :, 0] - y[:, 0]) ** 2 / (2 * v)
        elif len(own) == 1:
            nats = -np.log(np.clip(np.where(y[:, 0] > 0.5, p[:, :, 0], 1 - p[:, :, 0]), BOUND, None))
        else:
            p = np.clip(p, BOUND, None)
            nats = -np.log(((p / p.sum(2, keepdims=True)) * y).sum(2))
        found[:, target] = nats.sum(1) / np.log(2)
    return found
