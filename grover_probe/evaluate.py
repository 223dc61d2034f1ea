"""Masked-token perplexity and accuracy on held-out sequence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus


@dataclass(frozen=True)
class MaskedAccuracy:
    """How well masked tokens are predicted.

    Attributes
    ----------
    n_masked
        Tokens predicted.
    perplexity
        exp of the mean cross-entropy.
    top1, top60
        Share of masked tokens that are the first, or among the first 60, of the prediction (the paper states both).
    bits_per_base
        Cross-entropy in bits over the mean length of the masked tokens, comparable between vocabularies.
    """

    n_masked: int
    perplexity: float
    top1: float
    top60: float
    bits_per_base: float


def evaluate_masked(
    model: Any,
    corpus: "Corpus",
    runs: np.ndarray,
    *,
    mask_rate: float = 0.022,
    n_masked: int = 20_000,
    window: int = 510,
    batch_size: int = 8,
    seed: int = 0,
    progress: bool = True,
) -> MaskedAccuracy:
    """Predict masked tokens of full windows drawn at random from runs.

    Parameters
    ----------
    model
        `transformers` masked language model in evaluation mode.
    corpus, runs
        Held-out tokens.
    mask_rate
        Share of tokens masked; the paper's 2.2 %. 80 % of the selected become [MASK], a tenth a random token.
    n_masked
        Stop after so many masked tokens (or at the end of the runs).
    window
        Tokens per window.
    batch_size
        Windows per batch; masks are drawn per window, so the result does not depend on it.
    seed
        Decides windows and masks.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    InputError
        When the runs hold no full window.
    """
    import torch

    from grover_probe.batches import gather
    from grover_probe.bpe.merges import FIRST_PIECE_ID
    from grover_probe.command import track
    from grover_probe.masking import MaskRule, mask_tokens
    from grover_probe.windows import fixed_windows

    windows = fixed_windows(runs, window)
    windows = windows[windows[:, 1] - windows[:, 0] == window]
    if not len(windows):
        raise InputError(f"the held-out sequence has no window of {window} tokens")
    windows = windows[np.random.default_rng(seed).permutation(len(windows))]
    device = model.device
    nats = done = first = among = bases = 0.0
    with (
        track(total=n_masked, label="evaluate", unit="masked", progress=progress) as bar,
        torch.inference_mode(),
    ):
        for begin in range(0, len(windows), batch_size):
            part = windows[begin : begin + batch_size]
            ids = torch.from_numpy(gather(corpus.ids, part).input_ids)
            masked = [
                mask_tokens(row, len(corpus.token_lengths), MaskRule(mask_rate), _generator(seed, int(start)))
                for row, start in zip(ids, part[:, 0], strict=True)
            ]
            selected = torch.stack([chosen for _, chosen in masked])
            hidden = model.base_model(torch.stack([row for row, _ in masked]).to(device)).last_hidden_state
            logits = model.cls(hidden[selected.to(device)]).float().cpu()
            target = ids[selected]
            log_p = logits.log_softmax(1)
            own = log_p.gather(1, target[:, None])
            rank = (log_p[:, FIRST_PIECE_ID:] > own).sum(1)
            nats -= float(own.double().sum())
            first += int((rank < 1).sum())
            among += int((rank < 60).sum())
            bases += float(corpus.token_lengths[target.numpy()].sum())
            done += len(target)
            bar.update(len(target))
            if done >= n_masked:
                break
    return MaskedAccuracy(
        n_masked=int(done),
        perplexity=float(np.exp(nats / done)),
        top1=first / done,
        top60=among / done,
        bits_per_base=float(nats / np.log(2) / bases),
    )


def _generator(seed: int, start: int) -> Any:
    """A source of randomness that belongs to one window, whatever batch it is in."""
    import torch

    return torch.Generator().manual_seed(seed * 1_000_003 + start)
