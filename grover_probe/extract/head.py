"""The prediction head of a model on its own, to read any hidden state with."""

from collections.abc import Callable

import torch

from grover_probe.errors import InputError
from grover_probe.models.loading import LanguageModel

_HEADS = ("cls", "lm_head")


def prediction_head(model: LanguageModel) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function from states (n, width) to logits (n, n_ids), -inf for ids that the model does not have.

    Raises
    ------
    InputError
        When the model was saved without its head, has none that is known here, or predicts the next token.
    """
    if model.causal:
        raise InputError(f"{model.name}: a causal model predicts the next token, not the one that stands there")
    head = next((getattr(model.module, name) for name in _HEADS if hasattr(model.module, name)), None)
    if head is None or not model.has_head:
        raise InputError(f"{model.name}: no prediction head that is known here; leave `lens` out of --reducers")

    def read(states: torch.Tensor) -> torch.Tensor:
        logits = head(states)
        if model.id_map is None:
            return logits
        return logits[:, model.id_map.clamp(min=0)].masked_fill(model.id_map < 0, float("-inf"))

    return read
