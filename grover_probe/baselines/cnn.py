"""A small convolutional network on one-hot bases: what a network finds without any pretraining.

Two convolutions (15 bases; then 7 of steps of 4 bases), each followed by ReLU, the maximum over the sequence, and one
linear layer: motifs, and short arrangements of them, anywhere in the sequence. Forward strand only.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from grover_probe.baselines.splits import Predicted, Splits
from grover_probe.command import track
from grover_probe.genome import N_CODE, encode_bases

_FILTERS, _WIDTH, _POOL = 64, 15, 4
_SECOND_FILTERS, _SECOND_WIDTH = 32, 7
_RATE, _DROPOUT = 1e-3, 0.2
_PREDICT_BATCH = 128


class MotifNetwork(nn.Module):
    """Logits of shape (n, n_classes) from one-hot bases of shape (n, 4, n_bases)."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(4, _FILTERS, _WIDTH, padding=_WIDTH // 2),
            nn.ReLU(),
            nn.MaxPool1d(_POOL, ceil_mode=True),
            nn.Conv1d(_FILTERS, _SECOND_FILTERS, _SECOND_WIDTH, padding=_SECOND_WIDTH // 2),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_SECOND_FILTERS, n_classes),
        )

    def forward(self, bases: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.layers(bases)


def one_hot(codes: np.ndarray) -> torch.Tensor:
    """Base codes of shape (n, n_bases) as float32 of shape (n, 4, n_bases); nothing stands for N."""
    return torch.nn.functional.one_hot(torch.from_numpy(codes.astype(np.int64)), N_CODE + 1)[..., :4].mT.float()


def convolutional_network(
    splits: Splits[list[str]],
    *,
    epochs: int = 10,
    patience: int = 3,
    batch_size: int = 32,
    class_weights: str = "none",
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: bool = True,
) -> Predicted:
    """Train the network; the epoch with the best validation MCC is kept.

    Parameters
    ----------
    splits
        Sequences.
    epochs, patience, batch_size, class_weights
        As in `grover_probe.finetune.settings.Settings`.
    seed
        Of weights, order and dropout.
    device
        A torch device.
    progress
        Show a progress bar on stderr.
    """
    from sklearn.metrics import matthews_corrcoef

    longest = max(len(text) for part in (splits.train, splits.validation, splits.test) for text in part)
    coded = splits.map(lambda texts: _padded(texts, longest))
    labels = torch.from_numpy(splits.train_labels).to(device)
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = MotifNetwork(splits.n_classes).to(device)
        loss_of = nn.CrossEntropyLoss(_weights(splits, class_weights, device))
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE)
        best_mcc, best_epoch, best = -np.inf, 0, {}
        for epoch in track(range(1, epochs + 1), label="cnn", unit="epoch", progress=progress):
            network.train()
            order = rng.permutation(len(labels))
            for begin in range(0, len(order), batch_size):
                rows = order[begin : begin + batch_size]
                optimiser.zero_grad()
                loss_of(network(one_hot(coded.train[rows]).to(device)), labels[rows]).backward()
                optimiser.step()
            guessed = _probabilities(network, coded.validation, device).argmax(axis=1)
            mcc = float(matthews_corrcoef(splits.validation_labels, guessed))
            if mcc > best_mcc:
                best_mcc, best_epoch = mcc, epoch
                best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            if patience and epoch - best_epoch >= patience:
                break
    network.load_state_dict(best)
    chosen = {"epoch": best_epoch, "validation_mcc": round(best_mcc, 4)}
    return Predicted(
        _probabilities(network, coded.validation, device), _probabilities(network, coded.test, device), chosen
    )


def _padded(texts: Sequence[str], longest: int) -> np.ndarray:
    """Base codes, N after the end: uint8, shape (n, longest)."""
    table = np.full((len(texts), longest), N_CODE, dtype=np.uint8)
    for row, text in enumerate(texts):
        table[row, : len(text)] = encode_bases(text)
    return table


def _weights(splits: Splits[list[str]], class_weights: str, device: str | torch.device) -> torch.Tensor | None:
    if class_weights != "balanced":
        return None
    counts = np.bincount(splits.train_labels, minlength=splits.n_classes)
    return torch.tensor(counts.sum() / (splits.n_classes * np.maximum(counts, 1)), dtype=torch.float32, device=device)


def _probabilities(network: nn.Module, codes: np.ndarray, device: str | torch.device) -> np.ndarray:
    network.eval()
    with torch.inference_mode():
        parts = [
            network(one_hot(codes[begin : begin + _PREDICT_BATCH]).to(device)).double().softmax(dim=1).cpu().numpy()
            for begin in range(0, len(codes), _PREDICT_BATCH)
        ]
    return np.concatenate(parts)
