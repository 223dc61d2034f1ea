"""A classification head on fixed features: multinomial logistic regression over 4^k classes."""

import copy
from dataclasses import dataclass

import numpy as np
import torch

from grover_probe.display import brief
from grover_probe.nextkmer.scores import Outcome

_CHUNK = 1 << 22  # probabilities at a time
_PATIENCE = 3


@dataclass(frozen=True)
class Head:
    """A linear layer on standardised features.

    Attributes
    ----------
    mean, scale
        Of the training features, shape (width,).
    linear
        `torch.nn.Linear`.
    epochs
        Epochs after which the choosing examples were predicted best; 0 is the class frequencies alone.
    """

    mean: np.ndarray
    scale: np.ndarray
    linear: torch.nn.Linear
    epochs: int

    __repr__ = brief

    def outcome(self, x: np.ndarray, y: np.ndarray) -> Outcome:
        """What the head says about examples, a chunk at a time.

        Parameters
        ----------
        x
            Features, shape (n, width).
        y
            True classes, shape (n,).
        """
        parts = []
        size = max(1, _CHUNK // self.linear.out_features)
        for begin in range(0, len(x), size):
            part = torch.from_numpy((x[begin : begin + size] - self.mean) / self.scale)
            with torch.inference_mode():
                probabilities = torch.softmax(self.linear(part), dim=1).numpy()
            parts.append(Outcome.of(probabilities, y[begin : begin + size]))
        return Outcome.joined(parts)


def new_linear(width: int, labels: np.ndarray, n_classes: int) -> torch.nn.Linear:
    """A head that says the class frequencies of the training examples, whatever it reads."""
    linear = torch.nn.Linear(width, n_classes)
    torch.nn.init.zeros_(linear.weight)
    counts = np.bincount(labels, minlength=n_classes) + 0.5
    with torch.no_grad():
        linear.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
    return linear


def fit_head(
    x: np.ndarray,
    labels: np.ndarray,
    learn: np.ndarray,
    choose: np.ndarray,
    n_classes: int,
    *,
    epochs: int = 30,
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    weight_decay: float = 0.01,
    seed: int = 0,
) -> Head:
    """Fit a head with AdamW; the epoch that predicts the choosing examples best (log loss) is kept.

    Parameters
    ----------
    x
        Features, float32, shape (n, width).
    labels
        Classes, shape (n,).
    learn, choose
        Rows to learn from and rows to choose the epoch by.
    n_classes
        4^k.
    epochs
        At most; it stops after three epochs in a row without a better one.
    learning_rate, batch_size, weight_decay
        Of AdamW.
    seed
        Decides the order.
    """
    mean, scale = x[learn].mean(axis=0), x[learn].std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1).astype(np.float32)
    data = torch.from_numpy((x - mean) / scale)
    target = torch.from_numpy(labels)
    linear = new_linear(x.shape[1], labels[learn], n_classes)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    best = (_loss(linear, data, target, choose), 0, copy.deepcopy(linear.state_dict()))
    for epoch in range(1, epochs + 1):
        order = np.random.default_rng((seed, epoch)).permutation(learn)
        for begin in range(0, len(order), batch_size):
            rows = torch.from_numpy(order[begin : begin + batch_size])
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(linear(data[rows]), target[rows]).backward()
            optimizer.step()
        loss = _loss(linear, data, target, choose)
        if loss < best[0]:
            best = (loss, epoch, copy.deepcopy(linear.state_dict()))
        elif epoch - best[1] >= _PATIENCE:
            break
    linear.load_state_dict(best[2])
    return Head(mean, scale, linear, best[1])


def _loss(linear: torch.nn.Linear, data: torch.Tensor, target: torch.Tensor, rows: np.ndarray) -> float:
    """Mean log loss in nats over some rows."""
    total, size = 0.0, max(1, _CHUNK // linear.out_features)
    with torch.inference_mode():
        for part in torch.from_numpy(rows).split(size):
            logits = linear(data[part])
            total += float(torch.nn.functional.cross_entropy(logits, target[part], reduction="sum"))
    return total / len(rows)
