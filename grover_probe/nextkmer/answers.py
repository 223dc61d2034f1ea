"""What a system answers: the one place that knows how each kind of system is asked."""

import copy
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.command import note
from grover_probe.nextkmer import baselines
from grover_probe.nextkmer.scores import Outcome
from grover_probe.nextkmer.systems import System

if TYPE_CHECKING:
    from grover_probe.nextkmer.cells import Runner

Answer = tuple[int, Outcome, dict[str, Any]]


def answers(runner: "Runner", system: System, ks: Sequence[int], keys: dict[int, str]) -> Iterator[Answer]:
    """Outcome and facts for each k, as soon as it is there.

    Parameters
    ----------
    runner
        Data, settings and folders.
    system
        What to ask.
    ks
        Bases to predict.
    keys
        Of the cells, for states of fine-tuning.
    """
    found = _baseline(runner, system, ks) if system.kind == "baseline" else _model(runner, system, ks, keys)
    begun = time.perf_counter()
    for k, outcome, facts in found:
        yield k, outcome, facts | {"seconds": round(time.perf_counter() - begun, 1)}
        begun = time.perf_counter()


def _baseline(runner: "Runner", system: System, ks: Sequence[int]) -> Iterator[Answer]:
    study = runner.study
    model = baselines.fit_markov(study, system.name == "markov") if system.name.startswith("markov") else None
    for k in ks:
        if model is not None:
            yield k, *baselines.markov(model, study, k)
        elif system.name == "tfidf":
            yield k, *baselines.forest(study, k, trees=runner.learning.trees, progress=runner.progress)
        else:
            yield k, *baselines.majority(study, k)


def _model(runner: "Runner", system: System, ks: Sequence[int], keys: dict[int, str]) -> Iterator[Answer]:
    from grover_probe import models
    from grover_probe.models.loading import check_fits
    from grover_probe.nextkmer.reading import make_inputs

    study, learning = runner.study, runner.learning
    train, test = study.train, study.test  # before training: too little sequence shows at once
    name = system.model
    if system.is_trained:
        from grover_probe.nextkmer.training import trained_model

        assert runner.recipe is not None
        name = str(trained_model(system, study, runner.recipe, runner.model_folder(system), device=runner.device,
                                 dtype=runner.dtype, threads=runner.threads, progress=runner.progress))  # fmt: skip
    model = models.load(name, device=runner.device, trust_remote_code=runner.trust_remote_code)
    tokenizer = models.load_tokenizer(runner.tokenizer if runner.tokenizer and not system.is_trained else name)
    check_fits(model, tokenizer.lengths, runner.tokenizer or name)
    asked, held = (
        make_inputs(model, examples, tokenizer, read=learning.read, align=learning.align)  # type: ignore[arg-type]
        for examples in (train, test)
    )
    facts = {
        "read": held.read,
        "n_ids": tokenizer.n_ids,
        "tokens_per_context": round(float(np.mean([len(ids) for ids in held.ids])) - held.specials.around, 3),
    }
    note(f"{system.label}: {len(train):,} sequences to learn from, {len(test):,} to test, read at {held.read}")
    each = _heads if learning.mode == "head" else _tuned
    yield from each(runner, system, model, (asked, held), ks, keys, facts)


def _heads(
    runner: "Runner", system: System, model: Any, inputs: tuple[Any, Any], ks: Sequence[int], keys: dict[int, str],
    facts: dict[str, Any],
) -> Iterator[Answer]:  # fmt: skip
    """One pass of the model for all k."""
    from grover_probe.nextkmer.heads import fit_head
    from grover_probe.nextkmer.reading import features

    study, learning = runner.study, runner.learning
    x, x_test = (features(model, each, progress=runner.progress) for each in inputs)
    epochs, learning_rate, batch_size = learning.chosen()
    for k in ks:
        head = fit_head(x, study.train.labels(k), *study.halves, 4**k, epochs=epochs, learning_rate=learning_rate,
                        batch_size=batch_size, seed=learning.seed)  # fmt: skip
        yield k, head.outcome(x_test, study.test.labels(k)), facts | {"epochs": head.epochs}


def _tuned(
    runner: "Runner", system: System, model: Any, inputs: tuple[Any, Any], ks: Sequence[int], keys: dict[int, str],
    facts: dict[str, Any],
) -> Iterator[Answer]:  # fmt: skip
    """Every k begins with the weights of the pretrained model."""
    from grover_probe.nextkmer.tuning import Rates, Tuned

    study, learning = runner.study, runner.learning
    learn, choose = study.halves
    begin = copy.deepcopy(model.network.state_dict())
    for k in ks:
        model.network.load_state_dict(begin)
        labels, state = study.train.labels(k), runner.state(system, keys[k])
        tuned = Tuned(model, labels[learn], 4**k, Rates(*learning.chosen()), learning.seed)
        tuned.fit(inputs[0], labels, learn, choose, state=state, key=keys[k], progress=runner.progress)
        yield k, tuned.outcome(inputs[1], study.test.labels(k)), facts | {"epochs": tuned.chosen}
        state.unlink(missing_ok=True)
