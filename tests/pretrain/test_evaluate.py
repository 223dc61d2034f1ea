"""Held-out evaluation against a plain computation."""

import numpy as np
import pytest
import torch

from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.evaluate import _generator, evaluate_masked
from grover_probe.masking import MaskRule, mask_tokens
from grover_probe.pretrain.train import build_model
from grover_probe.windows import fixed_windows

from .conftest import TINY


@pytest.fixture(scope="module")
def model(corpus: Corpus) -> torch.nn.Module:
    return build_model(TINY, len(corpus.token_lengths), seed=1).eval()


def test_equals_a_plain_loop(corpus: Corpus, model: torch.nn.Module) -> None:
    """One window at a time through the whole model, all masked tokens of the corpus."""
    n_ids = len(corpus.token_lengths)
    windows = fixed_windows(corpus.runs(), 60)
    windows = windows[windows[:, 1] - windows[:, 0] == 60]
    nats, ranks, bases = [], [], 0
    for begin, stop in windows:
        ids = torch.tensor([[2, *corpus.ids[begin:stop].tolist(), 3]])
        corrupted, selected = mask_tokens(ids[0], n_ids, MaskRule(0.15), _generator(4, int(begin)))
        with torch.no_grad():
            logits = model(corrupted[None]).logits[0]
        for at in selected.nonzero()[:, 0].tolist():
            own = logits[at, ids[0, at]]
            nats.append((logits[at].logsumexp(0) - own).item())
            ranks.append(int((logits[at, 5:] > own).sum()))
            bases += int(corpus.token_lengths[ids[0, at]])
    found = evaluate_masked(
        model, corpus, corpus.runs(), mask_rate=0.15, n_masked=10**9, window=60, seed=4, progress=False
    )
    assert found.n_masked == len(nats)
    assert found.perplexity == pytest.approx(np.exp(np.mean(nats)), rel=1e-5)
    assert found.top1 == pytest.approx(np.mean(np.array(ranks) < 1))
    assert found.top60 == 1.0
    assert found.bits_per_base == pytest.approx(sum(nats) / np.log(2) / bases, rel=1e-5)


def test_does_not_depend_on_batch_size(corpus: Corpus, model: torch.nn.Module) -> None:
    small, large = (
        evaluate_masked(model, corpus, corpus.runs(), window=60, n_masked=10**9, batch_size=size, progress=False)
        for size in (1, 13)
    )
    assert small.n_masked == large.n_masked
    assert small.perplexity == pytest.approx(large.perplexity, rel=1e-6)
    assert small.top1 == large.top1


def test_model_that_knows_nothing_has_uniform_perplexity(corpus: Corpus) -> None:
    model = build_model(TINY, len(corpus.token_lengths), seed=1).eval()
    with torch.no_grad():
        model.cls.predictions.decoder.weight.zero_()
        model.cls.predictions.bias.zero_()
    found = evaluate_masked(model, corpus, corpus.runs(), window=60, progress=False)
    assert found.perplexity == pytest.approx(len(corpus.token_lengths), rel=1e-5)


def test_too_little_sequence_is_an_error(corpus: Corpus, model: torch.nn.Module) -> None:
    with pytest.raises(InputError, match="no window of 60 tokens"):
        evaluate_masked(model, corpus, np.array([[0, 40]]), window=60, progress=False)
