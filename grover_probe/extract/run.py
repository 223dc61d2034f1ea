"""Windows of a corpus through a model, into reducers."""

from collections.abc import Sequence

import numpy as np
import torch

from grover_probe.batches import Batch, gather, in_length_order
from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.extract.reducers import Reducer, TokenBatch
from grover_probe.models.loading import LanguageModel, check_fits


def run_pass(
    model: LanguageModel,
    corpus: Corpus,
    windows: np.ndarray,
    reducers: Sequence[Reducer],
    *,
    layers: Sequence[int] | None = None,
    batch_size: int = 8,
    progress: bool = True,
) -> None:
    """Feed hidden states of all windows to all reducers.

    Parameters
    ----------
    model
        From `grover_probe.models.load`.
    corpus
        Where the tokens are.
    windows
        Token ranges, shape (n_windows, 2), none longer than the model's `max_tokens`.
    reducers
        Updated in place; hidden states are freed after each batch.
    layers
        Layers to pass on, in this order: 0 is the embedding output, the last the output of the last block. All when
        None.
    batch_size
        Full windows per batch; shorter windows are put together up to the same number of tokens.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    InputError
        When the corpus has token ids that the model cannot embed, or a window is too long for it.
    """
    check_fits(model, corpus.token_lengths, "corpus")
    longest = int((windows[:, 1] - windows[:, 0]).max()) if len(windows) else 0
    if longest > model.max_tokens:
        raise InputError(f"a window has {longest} tokens, but {model.name} takes up to {model.max_tokens}")
    total = int((windows[:, 1] - windows[:, 0]).sum())
    with track(total=total, label=f"{model.name}", unit="tok", unit_scale=True, progress=progress) as bar:
        for group in in_length_order(windows, batch_size * (longest + 2)):
            batch = gather(corpus.ids, group, model.specials)
            tokens = forward(model, batch, layers)
            for reducer in reducers:
                reducer.update(tokens)
            bar.update(batch.n_tokens)


@torch.inference_mode()
def forward(model: LanguageModel, batch: Batch, layers: Sequence[int] | None = None) -> TokenBatch:
    """Hidden states of one batch, special tokens and padding left out."""
    ids = torch.from_numpy(batch.input_ids).to(model.device)
    mask = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask).to(model.device)
    states = model.hidden_states(ids, mask)
    sizes = torch.from_numpy(batch.windows[:, 1] - batch.windows[:, 0]).to(model.device)
    inside = torch.arange(ids.shape[1] - batch.specials.around, device=ids.device) < sizes[:, None]
    window, column = inside.nonzero(as_tuple=True)
    begins = torch.from_numpy(batch.windows[:, 0]).to(model.device)
    before = batch.specials.before
    kept = states if layers is None else tuple(states[layer] for layer in layers)
    return TokenBatch(
        ids=ids[window, column + before],
        positions=begins[window] + column,
        window=window,
        n_windows=len(sizes),
        hidden=tuple(layer[window, column + before] for layer in kept),
    )
