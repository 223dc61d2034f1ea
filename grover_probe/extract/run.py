"""Windows of a corpus through a model, into reducers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from grover_probe.batches import Batch, gather, in_length_order
from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.extract.reducers.base import Reducer, TokenBatch
from grover_probe.models.loading import LanguageModel, check_fits


def run_pass(
    model: LanguageModel,
    corpus: Corpus,
    windows: np.ndarray,
    reducers: Sequence[Reducer],
    *,
    taken: np.ndarray | None = None,
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
    taken
        Token ranges that are passed on, each inside its window (`central_windows`); all tokens when None.
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
    check_windows(model, corpus, windows)
    table = window_table(windows, taken)
    total = int((table[:, 3] - table[:, 2]).sum())
    with track(total=total, label=f"{model.name}", unit="tok", unit_scale=True, progress=progress) as bar:
        run_windows(model, corpus, table, reducers, layers=layers, batch_size=batch_size, done=bar.update)


def check_windows(model: LanguageModel, corpus: Corpus, windows: np.ndarray) -> None:
    """Refuse token ids and windows that the model cannot take (see `run_pass`)."""
    check_fits(model, corpus.token_lengths, "corpus")
    longest = int((windows[:, 1] - windows[:, 0]).max()) if len(windows) else 0
    if longest > model.max_tokens:
        raise InputError(f"a window has {longest} tokens, but {model.name} takes up to {model.max_tokens}")


def window_table(windows: np.ndarray, taken: np.ndarray | None = None) -> np.ndarray:
    """Windows with what is taken from them and their number: int64, shape (n_windows, 5)."""
    return np.concatenate([windows, windows if taken is None else taken, np.arange(len(windows))[:, None]], axis=1)


def run_windows(
    model: LanguageModel,
    corpus: Corpus,
    table: np.ndarray,
    reducers: Sequence[Reducer],
    *,
    layers: Sequence[int] | None = None,
    batch_size: int = 8,
    done: Callable[[int], Any] = lambda n_tokens: None,
) -> None:
    """`run_pass` on rows of `window_table`, without checks; `done` hears the tokens taken from each batch."""
    longest = int((table[:, 1] - table[:, 0]).max()) if len(table) else 0
    for group in in_length_order(table, batch_size * (longest + 2)):
        batch = gather(corpus.ids, group[:, :2], model.specials)
        tokens = forward(model, batch, layers, taken=group[:, 2:4], numbers=group[:, 4])
        for reducer in reducers:
            reducer.update(tokens)
        done(len(tokens.ids))


@torch.inference_mode()
def forward(
    model: LanguageModel,
    batch: Batch,
    layers: Sequence[int] | None = None,
    *,
    taken: np.ndarray | None = None,
    numbers: np.ndarray | None = None,
) -> TokenBatch:
    """Hidden states of one batch, special tokens and padding left out.

    Parameters
    ----------
    model, batch, layers
        As in `run_pass`.
    taken
        Token ranges to keep, one per window; all when None.
    numbers
        Number of each window in the pass; their places in the batch when None.
    """
    ids = torch.from_numpy(batch.input_ids).to(model.device)
    mask = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask).to(model.device)
    states = model.hidden_states(ids, mask)
    kept = states if layers is None else tuple(states[layer] for layer in layers)
    taken = batch.windows if taken is None else taken
    begins = batch.windows[:, 0]
    # Which columns are taken is known here, so that the device need not be asked.
    columns = np.arange(ids.shape[1] - batch.specials.around)
    inside = (columns >= (taken[:, 0] - begins)[:, None]) & (columns < (taken[:, 1] - begins)[:, None])
    window, column = inside.nonzero()
    rows = torch.from_numpy(window * ids.shape[1] + column + batch.specials.before).to(model.device)
    return TokenBatch(
        ids=ids.view(-1)[rows],
        positions=torch.from_numpy(begins[window] + column).to(model.device),
        window=torch.from_numpy(window).to(model.device),
        n_windows=len(begins),
        hidden=tuple(layer.reshape(-1, layer.shape[-1]).index_select(0, rows) for layer in kept),
        first=tuple(layer[:, 0] for layer in kept) if batch.specials.cls is not None else (),
        numbers=np.arange(len(begins)) if numbers is None else numbers,
    )
