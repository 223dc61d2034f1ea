"""What decides a pretrained model besides its corpus: shape, stages, optimiser, seed."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

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
        ``random`` or ``corpus`` (see `grover_probe.pretrain.initialise`).
    split
        ``heldout`` trains on all windows outside of the held-out regions; ``random`` is the paper's: windows are cut
        once and a share of them, drawn at random, is left out for testing.
    test_share
        That share; the paper's 20 %.
    full_share
        Share of windows that are full, the others being of uniform length from 20 tokens; the paper's half.
    mask_share, random_share
        Of the tokens to be predicted, how many become [MASK] and how many a random token. The paper gives 80 % and says
        that the others are replaced; whether some of these stay unchanged is not stated. The default is BERT's: 10 %
        random, 10 % unchanged.
    batch_tokens
        Positions per step over all processes, padding and special tokens included; the paper's 64 windows of 512.
    learning_rate, warmup_tokens
        Peak rate of AdamW, reached linearly after that many tokens, then falling as a cosine to zero. The paper states
        the rate alone.
    restarts
        Tokens after which the schedule begins anew (Loshchilov and Hutter 2017); none in the paper.
    beta1, beta2, eps, weight_decay, clip
        AdamW's moments, epsilon and weight decay, and the largest gradient norm. The paper does not state
        them; these are DNABERT's, which GROVER descends from.
    seed
        Decides weights, windows, order and masks.
    """

    architecture: Architecture = field(default_factory=Architecture)
    stages: tuple[Stage, ...] = (Stage(tokens=2_000_000_000),)
    start: Literal["random", "corpus"] = "random"
    split: Literal["heldout", "random"] = "heldout"
    test_share: float = 0.2
    full_share: float = 0.5
    mask_share: float = 0.8
    random_share: float = 0.1
    batch_tokens: int = 32_768
    learning_rate: float = 4e-4
    warmup_tokens: int = 100_000_000
    restarts: tuple[int, ...] = ()
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-6
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens of all stages."""
        return sum(stage.tokens for stage in self.stages)

    def __post_init__(self) -> None:
        for name in ("start", "split"):
            allowed = get_args(get_type_hints(type(self))[name])
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} is {getattr(self, name)!r}; expected {' or '.join(map(repr, allowed))}")
        longest = max(stage.window for stage in self.stages)
        if longest + 2 > self.architecture.max_positions:
            raise InputError(
                f"windows of {longest} tokens with [CLS] and [SEP] need {longest + 2} positions, "
                f"max_positions is {self.architecture.max_positions}"
            )
        if self.architecture.hidden % self.architecture.heads:
            raise InputError(f"hidden {self.architecture.hidden} is no multiple of heads {self.architecture.heads}")
        for edge in self.restarts:
            if not 0 < edge < self.total_tokens:
                raise InputError(f"restart at {edge:,} is outside of the {self.total_tokens:,} tokens of the stages")

    @classmethod
    def from_yaml(cls, path: Path | str) -> "Recipe":
        """Read a recipe; unknown keys are errors."""
        path = Path(path)
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls.from_dict(given)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except (OSError, yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError) as error:
            raise InputError(f"{path}: not a training recipe ({error}); see configs/ for examples") from error

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "Recipe":
        """The recipe of `to_dict`, or of a YAML file."""
        given = dict(given)
        given["architecture"] = Architecture(**given.get("architecture", {}))
        given["stages"] = tuple(Stage(**stage) for stage in given["stages"])
        given["restarts"] = tuple(given.get("restarts", ()))
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain numbers, texts, lists and dictionaries."""
        return json.loads(json.dumps(asdict(self)))


def learning_rate_at(tokens_seen: int, recipe: Recipe) -> float:
    """Learning rate after `tokens_seen` tokens: linear warm-up, then a cosine to zero, anew at each restart."""
    edges = (0, *recipe.restarts, recipe.total_tokens)
    begin = max(edge for edge in edges[:-1] if edge <= tokens_seen)
    end = min(edge for edge in edges[1:] if edge > begin)
    into = tokens_seen - begin
    if into < recipe.warmup_tokens:
        return recipe.learning_rate * (into + 1) / recipe.warmup_tokens
    done = (into - recipe.warmup_tokens) / max(1, end - begin - recipe.warmup_tokens)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
