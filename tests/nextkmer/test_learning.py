"""Heads, fine-tuning, Markov models, the forest: certain when the next bases are, at chance when nothing is known."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from grover_probe.models import load
from grover_probe.nextkmer import baselines
from grover_probe.nextkmer.heads import fit_head
from grover_probe.nextkmer.reading import features, make_inputs
from grover_probe.nextkmer.scores import Outcome
from grover_probe.nextkmer.tuning import Rates, Tuned


def accuracy(outcome: Outcome) -> float:
    return float(outcome.values("accuracy").mean())


def near_chance(outcome: Outcome, k: int) -> bool:
    """Within 4 standard errors of 4^-k (and at least three hits of it)."""
    n, p = len(outcome.true), 4.0**-k
    return abs(accuracy(outcome) - p) < max(4 * np.sqrt(p * (1 - p) / n), 3 / n)


@pytest.mark.parametrize("whole", (True, False))
@pytest.mark.parametrize("k", (2, 6))
def test_markov(certain, chance, whole, k):
    outcome, facts = baselines.markov(baselines.fit_markov(certain, whole), certain, k)
    assert accuracy(outcome) == 1
    assert facts["order"] <= 6
    model = baselines.fit_markov(chance, whole)
    outcome, _ = baselines.markov(model, chance, k)
    assert near_chance(outcome, k)
    assert outcome.bits.mean() == pytest.approx(2 * k, rel=0.02)


def test_markov_counts_no_held_out_sequence(chance):
    """Counts of the model are those of the training stretches, base by base."""
    model = baselines.fit_markov(chance, True)
    text = np.concatenate([np.append(codes, 9) for codes in chance.training_codes()])
    bases = np.bincount(text[text < 4], minlength=4)
    if model.order == 0:
        expected = (bases + model.strength / 4) / (bases.sum() + model.strength)
        np.testing.assert_allclose(model.probability[0], expected, rtol=1e-5)
    assert model.order <= 1


@pytest.mark.parametrize("k", (2, 4))
def test_forest_and_majority(certain, chance, k):
    outcome, facts = baselines.forest(certain, k, trees=5, progress=False)
    # Counts of words do not say where a repeat of seven ends, but 50 = 7 x 7 + 1 leaves one base over.
    assert accuracy(outcome) > 0.95
    assert facts["trees"] == 5
    assert near_chance(baselines.forest(chance, k, trees=5, progress=False)[0], k)
    majority, _ = baselines.majority(chance, k)
    assert near_chance(majority, k)
    assert len(np.unique(majority.called)) == 1


def test_head_on_features(certain, chance, tiny_model, tiny_tokenizer):
    found = {}
    for name, study in (("certain", certain), ("chance", chance)):
        x, x_test = (
            features(tiny_model, make_inputs(tiny_model, part, tiny_tokenizer, read="last"), progress=False)
            for part in (study.train, study.test)
        )
        learn, choose = study.halves
        options = {"epochs": 60, "learning_rate": 0.03, "batch_size": 32}
        head = fit_head(x, study.train.labels(3), learn, choose, 64, **options)
        found[name] = head.outcome(x_test, study.test.labels(3))
    assert accuracy(found["certain"]) == 1
    assert near_chance(found["chance"], 3)
    # The epoch that is kept is no worse than the class frequencies on what it is chosen by.
    assert found["chance"].bits.mean() < 6.3


def test_head_is_a_logistic_regression():
    """With epochs enough the head is the optimum that scikit-learn finds."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3)).astype(np.float32)
    logits = x @ rng.normal(size=(3, 4))
    y = np.array([rng.choice(4, p=row) for row in np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)])
    rows = np.arange(600)
    head = fit_head(x, y, rows, rows, 4, epochs=300, learning_rate=0.03, batch_size=600, weight_decay=0.0)
    reference = LogisticRegression(C=np.inf, max_iter=1_000).fit(x, y)
    expected = -np.log2(reference.predict_proba(x)[rows, y]).mean()
    assert head.outcome(x, y).bits.mean() == pytest.approx(expected, abs=2e-3)


class TestFineTuning:
    """All weights learn."""

    def fit(self, folder, study, tokenizer, **options):
        model = load(folder, device="cpu")
        inputs = [make_inputs(model, part, tokenizer) for part in (study.train, study.test)]
        labels = study.train.labels(2)
        learn, choose = study.halves
        tuned = Tuned(model, labels[learn], 16, options.pop("rates", Rates(3, 1e-2, 64)), 1)
        stop = options.pop("stop", None)
        if stop is not None:
            self.stop_at(tuned, stop)
        tuned.fit(inputs[0], labels, learn, choose, progress=False, **options)
        return tuned, tuned.outcome(inputs[1], study.test.labels(2))

    @staticmethod
    def stop_at(tuned, number):
        learn = tuned._learn

        def until(*arguments):
            if arguments[3] == number:
                raise KeyboardInterrupt
            learn(*arguments)

        tuned._learn = until

    def test_it_learns_what_is_certain(self, certain, tiny_model_folder, tiny_tokenizer):
        tuned, outcome = self.fit(tiny_model_folder, certain, tiny_tokenizer, rates=Rates(10, 1e-2, 32))
        assert tuned.chosen > 0
        assert accuracy(outcome) > 0.95

    @pytest.mark.parametrize("number", (3, 10, 14))
    def test_a_stopped_one_goes_on_to_the_same(self, certain, tiny_model_folder, tiny_tokenizer, tmp_path, number):
        _, straight = self.fit(tiny_model_folder, certain, tiny_tokenizer)
        state = tmp_path / "state.pt"
        with pytest.raises(KeyboardInterrupt):
            self.fit(tiny_model_folder, certain, tiny_tokenizer, state=state, key="a", save_seconds=0.0, stop=number)
        assert torch.load(state, weights_only=True)["key"] == "a"
        _, resumed = self.fit(tiny_model_folder, certain, tiny_tokenizer, state=state, key="a", stop=None)
        assert resumed.to_frame().equals(straight.to_frame())
        _, other = self.fit(tiny_model_folder, certain, tiny_tokenizer, state=state, key="of something else")
        assert other.to_frame().equals(straight.to_frame())

    def test_a_damaged_state_is_passed_over(self, certain, tiny_model_folder, tiny_tokenizer, tmp_path):
        state = tmp_path / "state.pt"
        state.write_bytes(b"no state")
        _, straight = self.fit(tiny_model_folder, certain, tiny_tokenizer)
        _, outcome = self.fit(tiny_model_folder, certain, tiny_tokenizer, state=state, key="a")
        assert outcome.to_frame().equals(straight.to_frame())
