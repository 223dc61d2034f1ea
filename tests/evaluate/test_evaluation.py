"""Held-out evaluation against plain computations and scikit-learn."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from grover_probe.bpe import BPETokenizer
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.evaluate.answers import Answers
from grover_probe.evaluate.evaluation import evaluate
from grover_probe.evaluate.masked import ask_model, ask_ngrams
from grover_probe.evaluate.questions import corrupted, draw_questions
from grover_probe.ngrams import NgramModel
from grover_probe.pretrain.model import build_model, masked_logits

from .conftest import TINY


def _all(corpus: Corpus, **how: float) -> dict[str, float]:
    return {"window": 60, "n_masked": 10**9, "mask_rate": 0.15, "seed": 4} | how


def test_equals_a_plain_loop(corpus: Corpus, model: torch.nn.Module) -> None:
    """One window at a time through the whole model, all masked tokens of the corpus."""
    questions = draw_questions(corpus, corpus.runs(), **_all(corpus))
    nats, ranks = [], []
    for number, (begin, stop) in enumerate(questions.windows):
        ids, selected = corrupted(questions, corpus, np.array([number]))
        with torch.no_grad():
            logits = model(ids).logits[0]
        for at in selected[0].nonzero()[:, 0].tolist():
            true = int(corpus.ids[begin + at - 1])
            nats.append((logits[at].logsumexp(0) - logits[at, true]).item())
            ranks.append(int((logits[at, 5:] > logits[at, true]).sum()))
        assert ids[0, 0] == 2 and ids[0, -1] == 3 and ids.shape[1] == stop - begin + 2
    answers = ask_model(partial(masked_logits, model), corpus, questions, progress=False)
    assert answers.nats == pytest.approx(nats, abs=1e-4)
    assert answers.ranks.tolist() == ranks
    found = answers.metrics(corpus.token_lengths[5:])
    bases = corpus.token_lengths[corpus.ids[questions.positions]].sum()
    assert found["n_masked"] == len(nats)
    assert found["perplexity"] == pytest.approx(np.exp(np.mean(nats)), rel=1e-5)
    assert found["top1"] == pytest.approx(np.mean(np.array(ranks) < 1))
    assert found["bits_per_base"] == pytest.approx(sum(nats) / np.log(2) / bases, rel=1e-5)
    assert found["percent_of_vocabulary"] == pytest.approx(100 * found["perplexity"] / 44)
    top_k = answers.top_k(44)
    assert top_k[0] == pytest.approx(found["top1"]) and top_k[-1] == 1.0
    assert top_k[9] == pytest.approx(np.mean(np.array(ranks) < 10))


def test_does_not_depend_on_batch_size(corpus: Corpus, model: torch.nn.Module) -> None:
    questions = draw_questions(corpus, corpus.runs(), **_all(corpus, n_masked=300))
    small, large = (
        ask_model(partial(masked_logits, model), corpus, questions, batch_size=size, progress=False) for size in (1, 13)
    )
    assert small.nats == pytest.approx(large.nats, abs=1e-5)
    assert 300 <= len(questions) < 330


def test_masks_belong_to_the_window_and_the_seed(corpus: Corpus) -> None:
    few, many = (draw_questions(corpus, corpus.runs(), **_all(corpus, n_masked=n)) for n in (200, 600))
    assert np.array_equal(many.positions[: len(few)], few.positions)
    other = draw_questions(corpus, corpus.runs(), **_all(corpus, n_masked=200, seed=5))
    assert not np.array_equal(few.positions[:50], other.positions[:50])


def test_model_that_knows_nothing_has_uniform_perplexity(corpus: Corpus, tokenizer: BPETokenizer) -> None:
    model = build_model(TINY, len(corpus.token_lengths), seed=1).eval()
    with torch.no_grad():
        model.cls.predictions.decoder.weight.zero_()
        model.cls.predictions.bias.zero_()
    found = evaluate(partial(masked_logits, model), corpus, corpus.runs(), tokenizer.pieces, window=60, progress=False)
    assert found.metrics()["perplexity"] == pytest.approx(len(corpus.token_lengths), rel=1e-5)


def test_ngrams_equal_counting_by_hand(corpus: Corpus) -> None:
    """Each answer from dictionaries of counts."""
    questions = draw_questions(corpus, corpus.runs(), **_all(corpus, n_masked=60))
    training = corpus.runs()[:1]
    is_piece = corpus.token_lengths > 0
    answers = ask_ngrams(NgramModel.count(corpus.ids, training, is_piece), corpus, questions)
    ids = corpus.ids[training[0, 0] : training[0, 1]].tolist()
    n = int(is_piece.sum())
    unigram = {x: (ids.count(x) + 0.5) / (len(ids) + 0.5 * n) for x in range(5, 5 + n)}
    pairs = list(pairwise(ids))

    def after(left: int, x: int) -> float:
        return (pairs.count((left, x)) + 10 * unigram[x]) / (sum(a == left for a, _ in pairs) + 10)

    def before(right: int, x: int) -> float:
        return (pairs.count((x, right)) + 10 * unigram[x]) / (sum(b == right for _, b in pairs) + 10)

    for row in range(0, 60, 7):
        at = int(questions.positions[row])
        begin, stop = questions.windows[questions.window_of[row]]
        true = int(corpus.ids[at])
        left = {x: after(int(corpus.ids[at - 1]), x) if at > begin else unigram[x] for x in unigram}
        right = {x: before(int(corpus.ids[at + 1]), x) if at + 1 < stop else unigram[x] for x in unigram}
        both = {x: left[x] * right[x] / unigram[x] for x in unigram}
        assert answers["unigram"].nats[row] == pytest.approx(-np.log(unigram[true]))
        assert answers["left bigram"].nats[row] == pytest.approx(-np.log(left[true]))
        assert answers["both bigrams"].nats[row] == pytest.approx(-np.log(both[true] / sum(both.values())))
        assert answers["both bigrams"].ranks[row] == sum(p > both[true] for p in both.values())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 5))
def test_auc_equals_scikit_learn(seed: int, n: int, n_pieces: int) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, n_pieces, n)
    scores = rng.integers(-3, 3, (n, n_pieces)).astype(np.float32)  # with ties
    found = Answers(targets, np.zeros(n), np.zeros(n, np.int64), scores).auc()
    for piece in range(n_pieces):
        labels = targets == piece
        if labels.any() and not labels.all():
            assert found[piece] == pytest.approx(roc_auc_score(labels, scores[:, piece]))
        else:
            assert np.isnan(found[piece])


def test_without_training_sequence_each_half_is_judged_by_the_other(
    corpus: Corpus, model: torch.nn.Module, tokenizer: BPETokenizer
) -> None:
    """An n-gram never sees what it is asked: a half that is one repeated token is not predicted from itself."""
    found = evaluate(partial(masked_logits, model), corpus, corpus.runs(), tokenizer.pieces, window=60, progress=False)
    unigram = found.answers["unigram"]
    cut = len(corpus) // 2
    is_piece = corpus.token_lengths > 0
    second = NgramModel.count(corpus.ids, np.array([[cut, len(corpus)]]), is_piece)
    early = found.questions.positions < cut - 60
    assert unigram.nats[early] == pytest.approx(-second.unigram[found.questions.targets[early]], abs=0.02)


def test_tables_agree_with_each_other(corpus: Corpus, model: torch.nn.Module, tokenizer: BPETokenizer) -> None:
    from grover_probe.annotation import Intervals

    repeats = Intervals("half", {"chr1": np.array([[0, 10_000]])}, 1, 0)
    found = evaluate(
        partial(masked_logits, model), corpus, corpus.runs(), tokenizer.pieces, repeats=repeats, progress=False,
        **_all(corpus),
    )  # fmt: skip
    systems = found.to_frame().set_index(["system", "part"])
    assert list(found.answers) == ["model", "unigram", "left bigram", "both bigrams"]
    parts = systems.loc["model"]
    assert parts.n_masked["repeat"] + parts.n_masked["other"] == parts.n_masked["all"]
    predictions = found.predictions()
    inside = (predictions.chrom == "chr1") & (predictions.start < 10_000)
    assert predictions.in_repeat.tolist() == inside.tolist()
    assert np.exp(predictions.nats[inside].mean()) == pytest.approx(parts.perplexity["repeat"])
    assert (predictions.end - predictions.start).tolist() == predictions.token.str.len().tolist()
    assert "model, unigram" in repr(found) and "perplexity" in found._repr_html_()
    tokens = found.tokens()
    assert tokens["count"].sum() == len(predictions)
    assert (tokens.accuracy * tokens["count"]).sum() / len(predictions) == pytest.approx(parts.top1["all"])
    metrics = found.metrics()
    assert metrics["top_k"][0] == pytest.approx(metrics["top1"], abs=1e-6)
    assert metrics["parts"]["repeat"]["unigram"]["n_masked"] == parts.n_masked["repeat"]


def test_too_little_sequence_is_an_error(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="no stretch of 20 tokens"):
        draw_questions(corpus, np.array([[0, 12]]), window=60)
