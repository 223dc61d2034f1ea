"""The one pass: each token of each window meets the reducers once, with the hidden state that the model gives it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grover_probe.batches import gather
from grover_probe.bpe.merges import CLS_ID, SEP_ID
from grover_probe.errors import InputError
from grover_probe.extract.reducers import Reducer, TokenBatch
from grover_probe.extract.run import forward, run_pass
from grover_probe.windows import fixed_windows


class Collector(Reducer):
    """Keeps what it is given, by position in the corpus."""

    def __init__(self, n_tokens: int, n_layers: int, width: int) -> None:
        super().__init__(hidden=(n_tokens, n_layers, width), seen=(n_tokens,), ids=(n_tokens,))
        self.n_batches = 0

    def update(self, batch: TokenBatch) -> None:
        self.sums["hidden"][batch.positions] += torch.stack(batch.hidden, 1).double()
        self.sums["seen"][batch.positions] += 1
        self.sums["ids"][batch.positions] += batch.ids
        self.n_batches += 1


@pytest.fixture(scope="module")
def windows(tiny_corpus) -> np.ndarray:
    """Windows of 64 tokens and shorter ones, some of a single token, with gaps."""
    found = fixed_windows(tiny_corpus.runs(), 64)[::7]
    short = np.array([[5, 6], [70, 71], [80, 99], [len(tiny_corpus) - 3, len(tiny_corpus)]])
    return np.concatenate([found[2:], short])


@pytest.fixture(scope="module")
def expected(tiny_network, tiny_corpus, windows) -> np.ndarray:
    """Hidden states window by window, nothing padded: (n_tokens, n_layers, width), NaN where there is no window."""
    states = np.full((len(tiny_corpus), 3, 16), np.nan)
    for begin, stop in windows:
        ids = torch.tensor([[CLS_ID, *tiny_corpus.ids[begin:stop].tolist(), SEP_ID]])
        with torch.no_grad():
            layers = tiny_network(input_ids=ids, output_hidden_states=True).hidden_states
        states[begin:stop] = torch.stack([layer[0, 1:-1] for layer in layers], 1)
    return states


@pytest.mark.parametrize("batch_size", [1, 3, 1_000])
@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
def test_each_token_once_with_its_hidden_state(tiny_model, tiny_corpus, windows, expected, batch_size, reverse):
    sink = Collector(len(tiny_corpus), 3, 16)
    given = windows[::-1] if reverse else windows
    run_pass(tiny_model, tiny_corpus, given, [sink], batch_size=batch_size, progress=False)
    inside = ~np.isnan(expected[:, 0, 0])
    np.testing.assert_array_equal(sink.sums["seen"], inside)
    np.testing.assert_array_equal(sink.sums["ids"][inside], tiny_corpus.ids[inside])
    np.testing.assert_allclose(sink.sums["hidden"][inside], expected[inside], rtol=0, atol=5e-6)


@pytest.mark.parametrize("layers", [[0], [2], [2, 0], [1, 1], [0, 1, 2]])
def test_layers_in_the_order_asked_for(tiny_model, tiny_corpus, windows, expected, layers):
    sink = Collector(len(tiny_corpus), len(layers), 16)
    run_pass(tiny_model, tiny_corpus, windows, [sink], layers=layers, progress=False)
    inside = ~np.isnan(expected[:, 0, 0])
    np.testing.assert_allclose(sink.sums["hidden"][inside], expected[inside][:, layers], rtol=0, atol=5e-6)


def test_several_reducers_in_one_pass(tiny_model, tiny_corpus, windows):
    sinks = [Collector(len(tiny_corpus), 3, 16) for _ in range(2)]
    run_pass(tiny_model, tiny_corpus, windows, sinks, progress=False)
    assert torch.equal(sinks[0].sums["hidden"], sinks[1].sums["hidden"])
    assert sinks[0].n_batches == sinks[1].n_batches > 1


def test_windows_of_a_batch(tiny_model, tiny_corpus):
    batch = gather(tiny_corpus.ids, np.array([[10, 15], [40, 42]]))
    found = forward(tiny_model, batch, [2])
    assert found.window.tolist() == [0] * 5 + [1] * 2
    assert found.positions.tolist() == [10, 11, 12, 13, 14, 40, 41]
    assert (found.n_windows, len(found.hidden), tuple(found.hidden[0].shape)) == (2, 1, (7, 16))
    assert not found.hidden[0].requires_grad


def test_progress_goes_to_stderr(tiny_model, tiny_corpus, windows, capsys):
    sink = Collector(len(tiny_corpus), 3, 16)
    run_pass(tiny_model, tiny_corpus, windows, [sink])
    assert capsys.readouterr().out == ""


def test_no_windows(tiny_model, tiny_corpus):
    sink = Collector(len(tiny_corpus), 3, 16)
    run_pass(tiny_model, tiny_corpus, np.empty((0, 2), dtype=np.int64), [sink], progress=False)
    assert sink.n_batches == 0


def test_windows_that_the_model_cannot_take(tiny_model, tiny_corpus):
    with pytest.raises(InputError, match="a window has 65 tokens, but tiny model takes up to 64"):
        run_pass(tiny_model, tiny_corpus, np.array([[0, 65]]), [], progress=False)


def test_token_ids_beyond_the_embedding_rows(tiny_model, tiny_corpus, windows):
    corpus = replace(tiny_corpus, token_lengths=np.append(tiny_corpus.token_lengths, 9))
    with pytest.raises(InputError, match="the tokenizer has ids up to 39, but tiny model has 39 embedding rows"):
        run_pass(tiny_model, corpus, windows, [], progress=False)
