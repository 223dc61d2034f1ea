"""A small neural network as probe: one hidden layer, one network per target, trained side by side."""

import numpy as np

from grover_probe.probes.learners import BOUND, Columns, principal_components

HIDDEN = 32
STEPS = (50, 150, 400)  # of the optimiser; when to stop is the setting that inner folds choose
_BATCH = 256
_LEARNING_RATE = 3e-3
_WEIGHT_DECAY = 1e-2


class Network:
    """A network with one hidden layer of 32 rectified units per target, trained with AdamW.

    Parameters
    ----------
    steps
        Numbers of steps after which training may stop.

    Notes
    -----
    The networks of several targets share nothing but the order of the rows: Adam treats each weight by itself, and
    every network starts from the same numbers, so what a target gets does not depend on which others are trained with
    it.
    """

    name = "mlp"

    def __init__(self, steps: tuple[int, ...] = STEPS) -> None:
        self.steps = steps
        self.settings = tuple(f"{each} steps" for each in steps)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(steps={self.steps})"

    def fit_predict(self, x_train: np.ndarray, train: Columns, x_test: np.ndarray, seed: int) -> np.ndarray:
        """Predictions after each number of steps."""
        import torch

        a, b, variance = principal_components(x_train, x_test)
        scale = np.float32(1 / np.sqrt(max(variance.mean(), 1e-12)))
        x, x_other = torch.from_numpy(a * scale), torch.from_numpy(b * scale)
        mean = np.where(train.is_class, 0.0, train.y.mean(0))
        sd = np.where(train.is_class, 1.0, np.maximum(train.y.std(0), 1e-12))
        y = torch.from_numpy(((train.y - mean) / sd).astype(np.float32))
        is_class, owner = torch.from_numpy(train.is_class), torch.from_numpy(train.target)
        weights = _start(x.shape[1], train, seed)
        optimiser = torch.optim.AdamW(weights, lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        rows = _batches(len(x), max(self.steps), seed)
        found = np.empty((len(self.steps), len(b), train.y.shape[1]), dtype=np.float32)
        for step, batch in enumerate(rows, start=1):
            output = _forward(x[batch], weights, owner)
            losses = torch.where(
                is_class,
                torch.nn.functional.binary_cross_entropy_with_logits(output, y[batch].clamp(0, 1), reduction="none"),
                (output - y[batch]) ** 2,
            )
            optimiser.zero_grad()
            losses.mean(0).sum().backward()
            optimiser.step()
            if step in self.steps:
                with torch.inference_mode():
                    output = _forward(x_other, weights, owner)
                    kept = torch.where(is_class, output.sigmoid().clamp(BOUND, 1 - BOUND), output).numpy()
                found[self.steps.index(step)] = np.where(train.is_class, kept, kept * sd + mean)
        return found


def _start(n_features: int, train: Columns, seed: int) -> list:
    """First weights: hidden (n_features, n_targets, HIDDEN), its bias, output (n_columns, HIDDEN), its bias."""
    import torch

    targets, place = np.unique(train.target, return_inverse=True)
    rng = np.random.default_rng(seed)
    one = rng.normal(0, np.sqrt(2 / n_features), (n_features, 1, HIDDEN))
    out = rng.normal(0, np.sqrt(1 / HIDDEN), HIDDEN)
    share = (train.y.sum(0) + 0.5) / (len(train.y) + 1)
    bias = np.where(train.is_class, np.log(np.clip(share, BOUND, None) / np.clip(1 - share, BOUND, None)), 0.0)
    arrays = (
        np.repeat(one, len(targets), axis=1),
        np.zeros((len(targets), HIDDEN)),
        np.repeat(out[None], len(place), axis=0),
        bias,
    )
    return [torch.from_numpy(array.astype(np.float32)).requires_grad_() for array in arrays]


def _forward(x, weights, owner):  # type: ignore[no-untyped-def]
    """Outputs, shape (n, n_columns)."""
    hidden, hidden_bias, out, out_bias = weights
    flat = x @ hidden.reshape(hidden.shape[0], -1)
    active = (flat.view(len(x), *hidden_bias.shape) + hidden_bias).relu()
    return (active[:, owner] * out).sum(2) + out_bias


def _batches(n: int, steps: int, seed: int) -> list[np.ndarray]:
    """Rows of each step: each row once per round, in a new order every round."""
    rng = np.random.default_rng(seed)
    size = min(_BATCH, n)
    rounds = -(-steps // (n // size))
    return [part for _ in range(rounds) for part in np.array_split(rng.permutation(n)[: n // size * size], n // size)][
        :steps
    ]
