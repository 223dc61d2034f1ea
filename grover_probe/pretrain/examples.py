"""Which windows are trained on when, and how they are masked: functions of the recipe and the step alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from grover_probe.batches import gather, shuffled
from grover_probe.display import brief
from grover_probe.masking import MaskRule, mask_tokens
from grover_probe.pretrain.recipe import Recipe, Stage
from grover_probe.windows import sample_windows


@dataclass(frozen=True)
class Planned:
    """The windows of one step, not read yet.

    Attributes
    ----------
    step
        Number of the step.
    seen
        Tokens of all steps before.
    stage
        Where in the recipe it is.
    windows
        int64, shape (n_windows, 2): token ranges.
    """

    step: int
    seen: int
    stage: Stage
    windows: np.ndarray

    __repr__ = brief

    @property
    def n_tokens(self) -> int:
        """Tokens of the corpus in this step."""
        return int((self.windows[:, 1] - self.windows[:, 0]).sum())


def plan(runs: np.ndarray, recipe: Recipe) -> Iterator[Planned]:
    """All steps of a recipe in order. Every pass over the corpus cuts new windows.

    With `Recipe.split` ``random`` the windows are cut once, as in the paper, and those for testing left out.
    """
    if recipe.split == "random":
        runs = split_windows(runs, recipe)[0]
    step = seen = stage_end = 0
    for number, stage in enumerate(recipe.stages):
        stage_end += stage.tokens
        epoch = 0
        while seen < stage_end:
            rng = np.random.default_rng([recipe.seed, number, epoch])
            windows = _cut(runs, stage, recipe, rng)
            for part in shuffled(windows, recipe.batch_tokens, rng):
                if seen >= stage_end:
                    break
                planned = Planned(step, seen, stage, part)
                yield planned
                step, seen = step + 1, seen + planned.n_tokens
            epoch += 1


def split_windows(runs: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Windows to train on and to test on, drawn at random: each of shape (n, 2).

    A window to test on has neighbours to train on, and repeats have copies everywhere: results are more favourable than
    on held-out sequence.
    """
    rng = np.random.default_rng([recipe.seed, 1_000_000])
    longest = max(stage.window for stage in recipe.stages)
    windows = sample_windows(runs, rng, longest, full_share=recipe.full_share)
    test = rng.random(len(windows)) < recipe.test_share
    return windows[~test], windows[test]


def _cut(runs: np.ndarray, stage: Stage, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    if recipe.split == "random" and stage.window >= int((runs[:, 1] - runs[:, 0]).max()):
        return runs
    return sample_windows(runs, rng, stage.window, full_share=recipe.full_share)


@dataclass(frozen=True)
class Example:
    """One step as model input: every process makes all of it and computes its own rows.

    Attributes
    ----------
    ids
        Corrupted token ids, int64, shape (n_windows, width).
    attention_mask
        1 for everything but padding; None when nothing is padded.
    positions
        Position ids, int64, shape (1, width); [CLS] is always at 0.
    selected
        bool, like `ids`: the masked tokens.
    targets
        int64, like `ids`: the true ids.
    """

    ids: torch.Tensor
    attention_mask: torch.Tensor | None
    positions: torch.Tensor
    selected: torch.Tensor
    targets: torch.Tensor

    __repr__ = brief

    def rows(self, part: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Arguments of `MaskedLoss` for some windows."""
        selected = self.selected[part].flatten().nonzero()[:, 0]
        mask = None if self.attention_mask is None else self.attention_mask[part]
        return self.ids[part], mask, self.positions, selected, self.targets[part].flatten()[selected]


def make_example(ids: np.ndarray, planned: Planned, recipe: Recipe, is_piece: torch.Tensor) -> Example:
    """Read and mask the windows of a step.

    Parameters
    ----------
    ids
        Token ids of the corpus.
    planned
        The step.
    recipe
        Gives seed and mask rule.
    is_piece
        bool, shape (n_ids,): which ids stand for sequence.
    """
    generator = torch.Generator().manual_seed(step_seed(recipe, planned.step))
    batch = gather(ids, planned.windows)
    targets = torch.from_numpy(batch.input_ids)
    rule = MaskRule(planned.stage.mask_rate, recipe.mask_share, recipe.random_share)
    corrupted, selected = mask_tokens(targets, is_piece, rule, generator)
    positions = torch.arange(targets.shape[1])
    room = recipe.architecture.max_positions - (planned.stage.window + 2)
    if planned.stage.shift and room > 0:
        positions[1:] += torch.randint(0, room + 1, (), generator=generator)
    mask = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask)
    return Example(corrupted, mask, positions[None], selected, targets)


def step_seed(recipe: Recipe, step: int) -> int:
    """Seed of everything random in a step."""
    return recipe.seed * 1_000_003 + step
