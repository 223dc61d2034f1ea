"""HyenaDNA (Nguyen et al., NeurIPS 2023): single bases, causal, up to a million of them.

* ``LongSafari/hyenadna-*-hf``: the network is code in its repository, and so is the tokenizer, which is not needed: A,
  C, G and T have the ids 7 to 10, fixed in that code. N (11) belongs to no token here.
* Nothing stands before or after a window: the tokenizer puts [SEP] at the end, which a causal model's earlier
  positions do not see. There is no attention mask either, for the same reason.
* It gives one more hidden state than it has blocks and embeddings: the last block's output before and after the final
  normalisation. The one after it is kept, as in other models; the one before it is left out.
* ``max_seq_len`` counts two special tokens that it was trained with.
"""

from typing import Any

import torch

from grover_probe.errors import InputError
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.files import ModelFiles
from grover_probe.models.language_model import read_hidden_states
from grover_probe.models.vocabulary import Vocabulary, make_vocabulary

NAME = "HyenaDNA"
OWN_IDS = {"A": 7, "C": 8, "G": 9, "T": 10}
PAD_ID = 4


def recognises(files: ModelFiles, config: dict[str, Any]) -> bool:
    """By its hub id, or the type and class names of its configuration."""
    names = (files.name, config.get("model_type") or "", *(config.get("architectures") or ()))
    return any("hyenadna" in name.lower() for name in names)


def vocabulary(files: ModelFiles, config: dict[str, Any]) -> Vocabulary:
    """Single bases."""
    return make_vocabulary(KmerTokenizer(1), OWN_IDS, {"pad": PAD_ID}, files.name)


def max_tokens(config: Any) -> int:
    """Longest window in bases."""
    return int(config.max_seq_len) - 2


def read(network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    """Hidden states without the last block's output before the final normalisation."""
    states = read_hidden_states(network, ids, None)
    if len(states) != network.config.n_layer + 2:
        raise InputError(f"gives {len(states)} hidden states, expected {network.config.n_layer + 2}")
    return (*states[: network.config.n_layer], states[-1])
