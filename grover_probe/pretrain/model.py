"""The network that is trained: BERT, and its loss at the masked tokens alone."""

from typing import Any

import torch

from grover_probe.pretrain.recipe import Architecture


def build_model(architecture: Architecture, n_ids: int, seed: int) -> Any:
    """A randomly initialised `transformers.BertForMaskedLM` of the given shape."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=n_ids,
        num_hidden_layers=architecture.layers,
        hidden_size=architecture.hidden,
        num_attention_heads=architecture.heads,
        intermediate_size=architecture.intermediate,
        max_position_embeddings=architecture.max_positions,
        hidden_dropout_prob=architecture.dropout,
        attention_probs_dropout_prob=architecture.dropout,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=0,
        attn_implementation="sdpa",
    )
    return BertForMaskedLM(config)


class MaskedLoss(torch.nn.Module):
    """A BERT whose output is the summed loss of its masked tokens.

    Logits over the vocabulary are made only where something is predicted, a few tokens in a hundred.

    Parameters
    ----------
    bert
        `transformers.BertForMaskedLM`.
    """

    def __init__(self, bert: Any) -> None:
        super().__init__()
        self.bert = bert

    def forward(
        self,
        ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        positions: torch.Tensor,
        selected: torch.Tensor,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """Summed cross-entropy in nats.

        Parameters
        ----------
        ids, attention_mask
            Corrupted token ids, and 1 for everything but padding (None when nothing is padded): int64, shape
            (n_windows, width).
        positions
            Position ids, shape (1, width).
        selected
            Indices of the masked tokens into the flattened batch, int64, shape (n_masked,).
        targets
            Their true ids, same shape.
        """
        encoded = self.bert.bert(ids, attention_mask=attention_mask, position_ids=positions).last_hidden_state
        logits = self.bert.cls(encoded.flatten(0, 1)[selected])
        return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")


def masked_logits(bert: Any, ids: torch.Tensor, mask: torch.Tensor | None, selected: torch.Tensor) -> torch.Tensor:
    """Logits of a BERT at selected positions (bool, like ids): shape (n_selected, n_ids)."""
    ids, selected = ids.to(bert.device), selected.to(bert.device)
    encoded = bert.bert(ids, attention_mask=None if mask is None else mask.to(bert.device)).last_hidden_state
    return bert.cls(encoded[selected])


def flops_per_token(architecture: Architecture, window: int) -> float:
    """Floating-point operations of one training step per token of the encoder, forward and backward.

    Six per weight of the blocks, and for attention twelve times layers, width and window (Chowdhery et al. 2022, PaLM,
    appendix B). Embeddings and the prediction at masked tokens are left out.
    """
    width = architecture.hidden
    weights = architecture.layers * (4 * width * width + 2 * width * architecture.intermediate)
    return 6.0 * weights + 12.0 * architecture.layers * width * window
