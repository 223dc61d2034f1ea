"""DNABERT-2 (Zhou et al., ICLR 2024): byte-pair encoding with 4,096 entries, linear attention biases for positions.

* ``zhihan1996/DNABERT-2-117M``: its configuration says ``bert``, but the network is code in its repository (which
  wants the package einops, and triton for attention on a GPU). As a plain BERT the weights do not fit.
* The code takes padding out of each window before the first block and puts it back after the last, and has no
  ``output_hidden_states``; hidden states are taken from its modules as they run, and padding is put back here.
* ``tokenizer.json`` is a byte-pair encoding whose special tokens are numbered in another order.
* Attention biases go on beyond the 512 tokens of ``max_position_embeddings``; longer windows were not trained on.
"""

from typing import Any

import torch

from grover_probe.models.files import ModelFiles
from grover_probe.models.language_model import call

NAME = "DNABERT-2"


def recognises(files: ModelFiles, config: dict[str, Any]) -> bool:
    """By its hub id, or the file that its code is in."""
    code = (config.get("auto_map") or {}).values()
    return "dnabert-2" in files.name.lower() or any(
        str(each).split("--")[-1].startswith("bert_layers.") for each in code
    )


def read(network: Any, ids: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    """Hidden states of the embeddings and of each block, as they run."""
    found: list[torch.Tensor] = []
    keep = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask > 0

    def collect(module: Any, inputs: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        if states.dim() == 2:  # one row per token that is no padding, window after window
            padded = states.new_zeros((*ids.shape, states.shape[1]))
            padded[keep] = states
            states = padded
        found.append(states)

    hooks = [module.register_forward_hook(collect) for module in (network.embeddings, *network.encoder.layer)]
    try:
        call(network, ids, mask)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(found)
