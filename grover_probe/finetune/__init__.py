"""Fine-tuning of a DNA language model on a classification task; ``python -m grover_probe.finetune``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.finetune.results import FineTuned


def fine_tune(*arguments: Any, **options: Any) -> "FineTuned":
    """Fine-tune a model; see `grover_probe.finetune.runs.fine_tune`."""
    from grover_probe.finetune.runs import fine_tune as fine_tune_now

    return fine_tune_now(*arguments, **options)
