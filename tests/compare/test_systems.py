"""Names of systems, weights that are absent, and the cut of a probability."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from grover_probe.compare.paper import _PUBLISHED, paper_mcc
from grover_probe.compare.systems import GROUPS, SYSTEMS, choose_systems
from grover_probe.compare.threshold import best_cut, move_cut
from grover_probe.compare.weights import Weights, find_weights
from grover_probe.errors import InputError
from grover_probe.finetune.metrics import matthews

NAMES = [system.name for system in SYSTEMS]


def test_groups_and_order():
    assert choose_systems("all") == SYSTEMS
    assert choose_systems("gc, cnn,gc") == choose_systems("cnn,gc")
    both = [system.name for name in ("neural", "simple") for system in choose_systems(name)]
    assert sorted(both) == sorted(NAMES) and set(GROUPS) == {"all", "neural", "simple"}
    words = NAMES.copy()
    random.Random(3).shuffle(words)
    assert choose_systems(",".join(words)) == SYSTEMS


def test_models_of_the_user():
    found = {system.name: system for system in choose_systems("neural", ["6-mer=a/b", "mine=c", "random=d"])}
    assert (found["6-mer"].model, found["mine"].model, found["random"].model) == ("a/b", "c", "d")
    assert found["random"].kind == "random" and found["mine"].kind == "model"


def test_random_weights_in_the_shape_of_any_model():
    chosen = choose_systems("random-mine,mine,random-6-mer,gc", ["mine=a/b"])
    assert [system.name for system in chosen] == ["gc", "mine", "random-mine", "random-6-mer"]
    found = {system.name: system for system in chosen}
    assert (found["random-mine"].kind, found["random-mine"].model) == ("random", found["mine"].model)
    assert "--tokenizer 6-mer) and give --model 6-mer=FOLDER" in find_weights(found["random-6-mer"])
    assert choose_systems("random-mine", ["mine=a/b"]) == (found["random-mine"],)  # the model itself may stay away
    for name in ("random-gc", "random-random", "random-nobody"):
        with pytest.raises(InputError, match=f"{name}' is not known"):
            choose_systems(name)


@pytest.mark.parametrize(
    ("names", "models", "message"),
    [
        ("cnnn", [], "'cnnn' is not known; did you mean cnn"),
        ("", [], "expected names such as"),
        ("gc", ["mine=x"], "--model mine: is not among --systems gc"),
        ("all", ["gc=x"], "'gc' takes no model"),
        ("all", ["all=x"], "'all' takes no model"),
        ("all", ["mine"], "expected NAME=FOLDER"),
        ("all", ["../x=y"], "expected NAME=FOLDER"),
        ("all", ["mine=x", "mine=y"], "given twice"),
    ],
)
def test_wrong_names(names, models, message):
    with pytest.raises(InputError, match=message):
        choose_systems(names, models)


def test_absent_weights_come_with_a_command(tmp_path, monkeypatch):
    monkeypatch.setenv("GROVER_PROBE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    absent = {system.name: find_weights(system) for system in SYSTEMS if system.is_network}
    assert absent["grover"] == "grover-probe data fetch grover"
    assert absent["nt-v2"] == "grover-probe data fetch nucleotide-transformer.v2-50m"
    assert "--model 5-mer=FOLDER" in absent["5-mer"]
    assert isinstance(absent["embedded"], Weights) and absent["embedded"] == absent["random"]
    (own,) = choose_systems("mine", ["mine=nobody/nothing"])
    assert find_weights(own) == "hf download nobody/nothing"
    assert not (tmp_path / "cache").exists()


def test_every_fetch_command_names_resources():
    from grover_probe.data.manifest import load_catalogue

    hub = [system for system in SYSTEMS if system.model and "/" in system.model]
    assert len(hub) == 6
    for system in hub:
        command = find_weights(system)
        if isinstance(command, str):  # absent on this machine
            chosen = load_catalogue().select(command.removeprefix("grover-probe data fetch ").split())
            assert {resource.source.repo for resource in chosen} == {system.model}


def test_content_of_weights_has_no_names(tiny_model_folder, tmp_path):
    import shutil

    shutil.copytree(tiny_model_folder, tmp_path / "other")
    one, two = (
        find_weights(choose_systems("mine", [f"mine={place}"])[0]) for place in (tiny_model_folder, tmp_path / "other")
    )
    assert one.content == two.content and one.place != two.place


def test_published_numbers_name_systems():
    assert {name for systems in _PUBLISHED.values() for name in systems} <= set(NAMES)
    (grover,) = choose_systems("grover")
    assert paper_mcc("ctcf", grover) == 0.60 and np.isnan(paper_mcc("ctcf-matched", grover))


SCORES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0])), min_size=2)


@settings(max_examples=100, deadline=None)
@given(SCORES)
def test_best_cut_against_every_threshold(pairs):
    labels, scores = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], dtype=float)
    cut = best_cut(labels, scores)
    apart = [each for each in np.arange(0.05, 1, 0.05) if 0 < (scores > each).sum() < len(scores)]
    tried = [matthews(labels, (scores > each).astype(int)) for each in (*apart, 0.5)]
    assert 0 < cut < 1
    assert matthews(labels, (scores > cut).astype(int)) == pytest.approx(max(tried), abs=1e-9)
    if matthews(labels, (scores > 0.5).astype(int)) >= max(tried) - 1e-9:
        assert cut == 0.5


def test_best_cut_of_a_rare_class():
    rng = np.random.default_rng(2)
    labels = (np.arange(500) % 10 == 0).astype(int)
    scores = np.clip(0.05 + 0.1 * labels + rng.normal(0, 0.03, 500), 0, 1)
    assert matthews_corrcoef(labels, scores > 0.5) == 0
    assert matthews_corrcoef(labels, scores > best_cut(labels, scores)) > 0.7


def test_moving_the_cut_keeps_the_order():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.random(200), [0.0, 1.0]])
    labels = rng.integers(0, 2, 202)
    moved = move_cut(np.column_stack([1 - scores, scores]), 0.2)
    assert moved.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(moved.argmax(axis=1), scores > 0.2)
    assert roc_auc_score(labels, moved[:, 1]) == pytest.approx(roc_auc_score(labels, scores))
