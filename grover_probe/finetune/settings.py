"""How a model is fine-tuned."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from grover_probe.errors import InputError

Mode = Literal["full", "head", "lora"]
_RATES = {"full": 1e-4, "head": 1e-3, "lora": 5e-4}


@dataclass(frozen=True)
class Settings:
    """Every setting of a fine-tuning that is not a file or a seed.

    Attributes
    ----------
    mode
        What learns: ``full``, all weights; ``head``, the classifier and the pooler before it; ``lora``,
        these and low-rank additions to queries and values (Hu et al. 2021), merged into the weights at the end.
    epochs
        Passes over the training split at most.
    patience
        Stop after so many epochs without a better validation MCC; 0 trains all epochs. The best epoch is kept
        either way.
    learning_rate
        At its highest: a tenth of the steps lead up to it, then it falls to 0. None: 1e-4 for ``full``, 1e-3 for
        ``head``, 5e-4 for ``lora``.
    batch_size
        Inputs per step.
    weight_decay
        Of AdamW.
    class_weights
        ``none``, or ``balanced``: each class weighs the same in the loss.
    long
        What becomes of sequences with more tokens than the model has positions: ``refuse``, ``cut`` or ``window``.
    flank
        Tokenise with the flanks that the data set has, and cut them away.
    tokens
        Feed the ids of a ``tokens`` column as they are, where the data set has one.
    dtype
        ``fp32``, ``bf16`` or ``fp16`` (mixed precision; weights stay fp32).
    random_weights
        Start from random weights: a control.
    rank
        Of the low-rank additions.
    """

    mode: Mode = "full"
    epochs: int = 10
    patience: int = 3
    learning_rate: float | None = None
    batch_size: int = 32
    weight_decay: float = 0.01
    class_weights: str = "none"
    long: str = "refuse"
    flank: bool = True
    tokens: bool = True
    dtype: str = "fp32"
    random_weights: bool = False
    rank: int = 8

    def __post_init__(self) -> None:
        for name, known in (
            ("mode", get_args(Mode)),
            ("class_weights", ("none", "balanced")),
            ("long", ("refuse", "cut", "window")),
            ("dtype", ("fp32", "bf16", "fp16")),
        ):
            if getattr(self, name) not in known:
                option = "--" + name.replace("_", "-")
                raise InputError(f"{option} {getattr(self, name)!r}: expected one of {', '.join(known)}")
        for name in ("epochs", "batch_size", "rank"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} {getattr(self, name)}: expected at least 1")
        if self.patience < 0:
            raise InputError(f"--patience {self.patience}: expected 0 or more")
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise InputError(f"--learning-rate {self.learning_rate}: expected more than 0 and less than 1")

    @property
    def rate(self) -> float:
        """The learning rate in use."""
        return self.learning_rate or _RATES[self.mode]

    def to_dict(self) -> dict[str, Any]:
        """For the record of a run."""
        return asdict(self) | {"learning_rate": self.rate}
