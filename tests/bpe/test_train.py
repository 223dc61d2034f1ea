"""Training against the readable reference and against other exact trainers."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grover_probe.bpe import _state, _workers, reference
from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.train import TrainingInterrupted, train
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases

texts = st.lists(st.text("ACGTN", min_size=1, max_size=60), min_size=1, max_size=4)
tie_rich = st.lists(
    st.builds(lambda unit, n: unit * n, st.text("ACGT", min_size=1, max_size=4), st.integers(1, 30)),
    min_size=1,
    max_size=4,
)


def as_table(merges):
    return [(*pair, count) for pair, count in zip(merges.pairs.tolist(), merges.counts.tolist(), strict=True)]


@settings(max_examples=150, deadline=None)
@given(texts | tie_rich, st.integers(1, 25))
def test_equals_reference(sequences, n_merges):
    expected = reference.train(sequences, n_merges)
    if not expected:
        with pytest.raises(InputError, match="nothing to learn"):
            train([encode_bases(text) for text in sequences], n_merges, progress=False)
        return
    assert as_table(train([encode_bases(text) for text in sequences], n_merges, progress=False)) == expected


@pytest.fixture
def everything_indexed(monkeypatch):
    """Use the index from the first merge on, with parts as small as can be."""
    monkeypatch.setattr(_state, "INDEX_DENSITY", 2.0)
    monkeypatch.setattr(_workers, "MIN_PART", 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts | tie_rich, st.integers(1, 25), st.integers(1, 4), st.sampled_from([1.0, 0.5, 0.01]))
def test_index_equals_reference(everything_indexed, sequences, n_merges, threads, share):
    expected = reference.train(sequences, n_merges)
    if expected:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_state, "LIST_SHARE", share)
            found = train([encode_bases(text) for text in sequences], n_merges, threads=threads, progress=False)
        assert as_table(found) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts | tie_rich, st.integers(1, 25), st.integers(2, 4))
def test_scanning_on_threads_equals_reference(monkeypatch, sequences, n_merges, threads):
    monkeypatch.setattr(_workers, "MIN_PART", 1)
    monkeypatch.setattr(_state, "INDEX_DENSITY", 0.0)
    expected = reference.train(sequences, n_merges)
    if expected:
        found = train([encode_bases(text) for text in sequences], n_merges, threads=threads, progress=False)
        assert as_table(found) == expected


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("density", [0.0, 1 / 200, 2.0])
@pytest.mark.parametrize("position", [np.uint32, np.int64])
def test_way_of_merging_changes_nothing(sequence, tokenizer, monkeypatch, threads, density, position):
    monkeypatch.setattr(_workers, "MIN_PART", 100)
    monkeypatch.setattr(_state, "INDEX_DENSITY", density)
    monkeypatch.setattr(_state, "place_type", lambda size: position)
    found = train([sequence], 600, threads=threads, progress=False)
    assert as_table(found) == as_table(tokenizer.merges)


def test_counts_are_those_of_the_text(tokenizer, sequence):
    """The last pair's count, counted in the encoding with all merges but the last."""
    before = BPETokenizer(tokenizer.merges.first(599)).encode(sequence).ids
    left, right = tokenizer.merges.pairs[-1]
    assert np.count_nonzero((before[:-1] == left) & (before[1:] == right)) == tokenizer.merges.counts[-1]


def test_known_merges_are_taken_over(sequence, tokenizer):
    found = train([sequence], 600, known=tokenizer.merges.first(123), progress=False)
    assert as_table(found) == as_table(tokenizer.merges)


def test_interruption_keeps_the_merges(sequence, tokenizer, monkeypatch):
    calls = iter(range(50))
    best = _state.TrainingState.best

    def interrupted(state):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return best(state)

    with monkeypatch.context() as patch:
        patch.setattr(_state.TrainingState, "best", interrupted)
        with pytest.raises(TrainingInterrupted) as caught:
            train([sequence], 600, progress=False)
    assert as_table(caught.value.merges) == as_table(tokenizer.merges.first(50))


@settings(max_examples=60, deadline=None)
@given(texts | tie_rich, st.integers(1, 25))
def test_equals_tokenizers(sequences, n_merges):
    tokenizers = pytest.importorskip("tokenizers")
    words = [run for text in sequences for run in text.split("N") if run]
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=4 + n_merges, initial_alphabet=list("ACGT"), show_progress=False, special_tokens=[]
    )
    peer.train_from_iterator(words, trainer)
    expected = ["".join(pair) for pair in json.loads(peer.to_str())["model"]["merges"]]
    if not expected:
        return
    found = train([encode_bases(text) for text in sequences], n_merges, progress=False)
    assert list(found.pieces[4:]) == expected


@settings(max_examples=60, deadline=None)
@given(texts | tie_rich, st.integers(1, 25))
def test_equals_rustbpe(sequences, n_merges):
    rustbpe = pytest.importorskip("rustbpe", reason="rustbpe is not installed (extra `bench`)")
    words = [run for text in sequences for run in text.split("N") if run]
    peer = rustbpe.Tokenizer()
    peer.train_from_iterator(iter(words), 256 + n_merges, pattern="[ACGT]+")
    expected = [
        bytes(piece).decode("latin1") for piece, _ in sorted(peer.get_mergeable_ranks(), key=lambda item: item[1])
    ]
    if len(expected) > 256:
        found = train([encode_bases(text) for text in sequences], n_merges, progress=False)
        assert list(found.pieces[4:]) == expected[256:]


@pytest.mark.parametrize("n_merges", [0, -1, 65_000])
def test_refuses_number_of_merges(n_merges):
    with pytest.raises(InputError, match="expected 1 to"):
        train([encode_bases("ACGT")], n_merges, progress=False)


@pytest.mark.parametrize("text", ["", "N", "ANCNG"])
def test_refuses_nothing_to_learn(text):
    with pytest.raises(InputError, match="nothing to learn"):
        train([encode_bases(text)], 3, progress=False)
