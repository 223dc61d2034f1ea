"""Order of the data, splits, masks and positions."""

import dataclasses

import numpy as np
import pytest
import torch

from grover_probe.corpus import Corpus
from grover_probe.genome import Region
from grover_probe.pretrain.examples import make_example, plan, split_windows
from grover_probe.pretrain.recipe import Recipe, Stage


def _is_piece(corpus: Corpus) -> torch.Tensor:
    return torch.from_numpy(corpus.token_lengths > 0)


def test_plan_depends_on_the_seed_alone(corpus: Corpus, recipe: Recipe) -> None:
    first, again = (list(plan(corpus.runs(), recipe)) for _ in range(2))
    assert all(np.array_equal(a.windows, b.windows) for a, b in zip(first, again, strict=True))
    other = next(iter(plan(corpus.runs(), dataclasses.replace(recipe, seed=6))))
    assert not np.array_equal(first[0].windows, other.windows)
    assert [planned.step for planned in first] == list(range(len(first)))
    assert np.array_equal(np.diff([planned.seen for planned in first]), [each.n_tokens for each in first][:-1])
    for planned in first:
        sizes = planned.windows[:, 1] - planned.windows[:, 0]
        assert sizes.max() <= planned.stage.window
        assert len(sizes) * (sizes.max() + 2) <= recipe.batch_tokens


def test_held_out_tokens_are_never_used(corpus: Corpus, recipe: Recipe) -> None:
    block = Region("chr1", 5_000, 9_000)
    held = np.concatenate([np.arange(a, b) for a, b in corpus.runs([block])])
    for planned in plan(corpus.runs(exclude=[block]), recipe):
        used = np.concatenate([np.arange(a, b) for a, b in planned.windows])
        assert not np.isin(used, held).any()


def test_random_split_keeps_its_test_windows_apart(corpus: Corpus, recipe: Recipe) -> None:
    recipe = dataclasses.replace(recipe, split="random")
    training, test = split_windows(corpus.runs(), recipe)
    assert len(test) / (len(test) + len(training)) == pytest.approx(0.2, abs=0.06)
    held = np.concatenate([np.arange(a, b) for a, b in test])
    stages = set()
    for planned in plan(corpus.runs(), recipe):
        stages.add(planned.stage)
        used = np.concatenate([np.arange(a, b) for a, b in planned.windows])
        assert not np.isin(used, held).any()
    assert stages == set(recipe.stages)


def test_masks_differ_between_steps_and_return_with_the_step(corpus: Corpus, recipe: Recipe) -> None:
    planned = next(iter(plan(corpus.runs(), recipe)))
    later = dataclasses.replace(planned, step=planned.step + 1)
    first, again, other = (
        make_example(corpus.ids, each, recipe, _is_piece(corpus)) for each in (planned, planned, later)
    )
    assert torch.equal(first.selected, again.selected) and torch.equal(first.ids, again.ids)
    assert torch.equal(first.targets, other.targets) and not torch.equal(first.selected, other.selected)


def test_shifted_windows_reach_all_positions(corpus: Corpus, recipe: Recipe) -> None:
    planned = dataclasses.replace(next(iter(plan(corpus.runs(), recipe))), stage=Stage(1, 20, shift=True))
    drawn = torch.cat(
        [
            make_example(corpus.ids, dataclasses.replace(planned, step=step), recipe, _is_piece(corpus)).positions
            for step in range(300)
        ]
    )
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, 1:].diff() == 1).all()
    assert drawn[:, 1:].min() == 1
    assert drawn.max() == recipe.architecture.max_positions - 1


def test_rows_put_together_are_the_whole(corpus: Corpus, recipe: Recipe) -> None:
    """What processes compute apart covers each masked token once."""
    planned = next(iter(plan(corpus.runs(), recipe)))
    example = make_example(corpus.ids, planned, recipe, _is_piece(corpus))
    rows = torch.arange(len(planned.windows))
    targets = [example.rows(rows[rank::3])[4] for rank in range(3)]
    assert sorted(torch.cat([each for each in targets if each is not None]).tolist()) == sorted(
        example.targets[example.selected].tolist()
    )


def test_mixed_windows_waste_little_on_padding() -> None:
    """The paper's windows, half of 510 tokens and half of 20 to 510, in batches of 64 x 512 positions."""
    runs = np.array([[0, 4_000_000]])
    recipe = Recipe(stages=(Stage(3_000_000),))
    used = total = 0
    for planned in plan(runs, recipe):
        sizes = planned.windows[:, 1] - planned.windows[:, 0]
        used += int((sizes + 2).sum())
        total += len(sizes) * int(sizes.max() + 2)
    assert 1 - used / total < 0.03
