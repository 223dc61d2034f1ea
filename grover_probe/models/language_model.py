"""The one interface that every model is seen through: token ids in, hidden states or logits out.

Token ids are in this project's order for every model: five special tokens, then the pieces of its tokenizer. A model
that numbers its tokens otherwise carries a map, so that analyses and corpora need not know.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grover_probe.batches import BERT_SPECIALS, SpecialIds
from grover_probe.errors import InputError

Reader = Callable[[Any, torch.Tensor, torch.Tensor | None], tuple[torch.Tensor, ...]]

# Masked models whose head takes hidden states of any positions, by the name of the class.
_HEADS = {
    "BertForMaskedLM": "cls",
    "CamembertForMaskedLM": "lm_head",
    "EsmForMaskedLM": "lm_head",
    "RobertaForMaskedLM": "lm_head",
    "XLMRobertaForMaskedLM": "lm_head",
}


@dataclass(frozen=True)
class LanguageModel:
    """A model that gives hidden states for token ids.

    Attributes
    ----------
    name
        Folder name or hub id.
    network
        The encoder, without its prediction head, in evaluation mode.
    device
        Where it is.
    source
        Name and hashes, for the record of a result.
    n_layers
        Layers of hidden states: the embedding output (layer 0) and the output of each block. The last one comes after
        the final normalisation of a network that has one: it is what the prediction head reads.
    width
        Size of a hidden state.
    max_tokens
        Longest window in tokens; room for special tokens is left.
    module
        The whole network, with its prediction head.
    read
        How hidden states are had from `network`.
    family
        Which of the families of `grover_probe.models` it is.
    specials
        Special tokens that its input takes, in this project's numbers.
    causal
        Whether a token sees only those before it.
    id_map
        The model's own id of each of our ids, -1 where it has none: int64, shape (n_ids,). None when both agree.
    token_lengths
        Bases per token by id of the model's own tokenizer; None when its folder holds none.
    has_head
        Whether the weights of the prediction head were there too.
    """

    name: str
    network: Any
    device: torch.device
    source: dict[str, Any]
    n_layers: int
    width: int
    max_tokens: int
    module: Any
    read: Reader
    family: str = "transformers"
    specials: SpecialIds = BERT_SPECIALS
    causal: bool = False
    id_map: torch.Tensor | None = None
    token_lengths: np.ndarray | None = None
    has_head: bool = True

    def __repr__(self) -> str:
        return f"LanguageModel({self.name}: {self.n_layers - 1} blocks of {self.width}, on {self.device})"

    @property
    def n_ids(self) -> int:
        """Token ids that the model takes; ids from here on cannot be embedded."""
        return self.n_rows if self.id_map is None else len(self.id_map)

    @property
    def n_rows(self) -> int:
        """Rows of the network's own embedding table."""
        return self.network.get_input_embeddings().weight.shape[0]

    def hidden_states(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Hidden states of all layers.

        Parameters
        ----------
        ids
            int64, shape (n_windows, n_positions), special tokens included: `grover_probe.batches.gather` with this
            model's `specials`.
        mask
            1 for everything but padding, same shape; None when nothing is padded.

        Returns
        -------
        tuple of torch.Tensor
            `n_layers` tensors of shape (n_windows, n_positions, width). What stands at padding means nothing.
        """
        return self.read(self.network, self.own_ids(ids), mask)

    def logits(self, ids: torch.Tensor, mask: torch.Tensor | None, selected: torch.Tensor) -> torch.Tensor:
        """Unnormalised log probabilities at some positions: of the token there, or of the next one if causal.

        Parameters
        ----------
        ids, mask
            As for `hidden_states`.
        selected
            bool, same shape: where.

        Returns
        -------
        torch.Tensor
            Shape (n_selected, n_ids), windows one after another; -inf for ids that the model does not have. Where the
            head of the network is known, it runs at the selected positions only.

        Raises
        ------
        InputError
            When the model was saved without its prediction head.
        """
        if not self.has_head:
            raise InputError(f"{self.name}: the weights hold no prediction head; use the model as it was pretrained")
        own = self.own_ids(ids)
        head = getattr(self.module, _HEADS.get(type(self.module).__name__, ""), None)
        if head is not None:
            found = head(last_hidden(self.network, own, mask)[selected])
        else:
            output = call(self.module, own, mask)
            found = (output.logits if hasattr(output, "logits") else output[0])[selected]
        if self.id_map is None:
            return found
        return found[:, self.id_map.clamp(min=0)].masked_fill(self.id_map < 0, float("-inf"))

    def masked_logits(self, ids: torch.Tensor, mask: torch.Tensor | None, selected: torch.Tensor) -> torch.Tensor:
        """`logits` of a masked model.

        Raises
        ------
        InputError
            When the model is causal (its logits are of the next token) or has no prediction head.
        """
        if self.causal:
            raise InputError(f"{self.name}: a causal model predicts the next token, not masked ones")
        return self.logits(ids, mask, selected)

    def own_ids(self, ids: torch.Tensor) -> torch.Tensor:
        """The network's own ids of some of ours."""
        return ids if self.id_map is None else self.id_map[ids]


def call(network: Any, ids: torch.Tensor, mask: torch.Tensor | None, **options: Any) -> Any:
    """Run a network; a mask goes only to one that takes it (causal ones do not need it for padding at the end)."""
    if mask is not None and takes_mask(network):
        options["attention_mask"] = mask
    return network(input_ids=ids, **options)


def takes_mask(network: Any) -> bool:
    """Whether a network's forward has a parameter for the attention mask."""
    parameters = inspect.signature(network.forward).parameters.values()
    return any(each.name == "attention_mask" or each.kind is each.VAR_KEYWORD for each in parameters)


def read_hidden_states(network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    """Hidden states of a network that can be asked for them, as those of transformers can."""
    return tuple(call(network, ids, mask, output_hidden_states=True, return_dict=True).hidden_states)


def last_hidden(network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """What the prediction head reads: shape (n_windows, n_positions, width)."""
    output = call(network, ids, mask)
    return output.last_hidden_state if hasattr(output, "last_hidden_state") else output[0]
