"""What decides a pretrained model besides its corpus: shape, stages, optimiser, seed."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from grover_probe.errors import InputError


@dataclass(frozen=True)
class Architecture:
    """Shape of the encoder; the defaults are GROVER's (BERT-base)."""

    layers: int = 12
    hidden: int = 768
    heads: int = 12
    intermediate: int = 3072
    max_positions: int = 512
    dropout: float = 0.1


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one window length and one mask rate.

    Attributes
    ----------
    tokens
        Length of the stage in corpus tokens.
    window
        Tokens of a full window.
    mask_rate
        Share of tokens that are predicted.
    shift
        Put windows shorter than the model at a random place, so that all positions learn.
    """

    tokens: int
    window: int = 510
    mask_rate: float = 0.022
    shift: bool = False


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a pretrained model besides its corpus.

    Attributes
    ----------
    architecture
        Shape of the encoder.
    stages
        Window lengths and mask rates, one after the other.
    start
        ``random`` or ``corpus`` (see `grover_probe.initialise`).
    batch_tokens
        Positions per batch, padding and special tokens included.
    learning_rate, warmup_tokens
        Peak rate of AdamW, reached linearly after that many tokens, then falling as a cosine to zero.
    beta2, eps, weight_decay, clip
        AdamW's second moment, epsilon and weight decay, and the largest gradient norm. The paper does not state
        them; these are DNABERT's, which GROVER descends from.
    seed
        Decides weights, windows, order and masks.
    """

    architecture: Architecture = field(default_factory=Architecture)
    stages: tuple[Stage, ...] = (Stage(tokens=2_000_000_000),)
    start: str = "random"
    batch_tokens: int = 32_768
    learning_rate: float = 4e-4
    warmup_tokens: int = 50_000_000
    beta2: float = 0.98
    eps: float = 1e-6
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens of all stages."""
        return sum(stage.tokens for stage in self.stages)

    @classmethod
    def from_yaml(cls, path: Path | str) -> "Recipe":
        """Read a recipe; unknown keys are errors."""
        path = Path(path)
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            given["architecture"] = Architecture(**given.get("architecture", {}))
            given["stages"] = tuple(Stage(**stage) for stage in given["stages"])
            recipe = cls(**given)
        except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: not a training recipe ({error}); see configs/ for examples") from error
        if recipe.start not in ("random", "corpus"):
            raise InputError(f"{path}: start is {recipe.start!r}; expected 'random' or 'corpus'")
        longest = max(stage.window for stage in recipe.stages)
        if longest + 2 > recipe.architecture.max_positions:
            raise InputError(
                f"{path}: windows of {longest} tokens with [CLS] and [SEP] need {longest + 2} positions, "
                f"max_positions is {recipe.architecture.max_positions}"
            )
        return recipe


def learning_rate_at(tokens_seen: int, recipe: Recipe) -> float:
    """Learning rate after `tokens_seen` tokens: linear warm-up, then a cosine to zero."""
    if tokens_seen < recipe.warmup_tokens:
        return recipe.learning_rate * (tokens_seen + 1) / recipe.warmup_tokens
    left = (tokens_seen - recipe.warmup_tokens) / max(1, recipe.total_tokens - recipe.warmup_tokens)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, left)))
