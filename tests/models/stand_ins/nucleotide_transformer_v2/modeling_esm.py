"""A masked model with gated layers, as the native class of the same name does not have."""

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput

from .esm_config import EsmConfig


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dense = nn.Linear(width, 2 * width, bias=False)

    def forward(self, states, weights):
        mean = (states * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
        one, two = self.dense(states + mean).chunk(2, dim=-1)
        return states + nn.functional.silu(one) * two


class Base(PreTrainedModel):
    config_class = EsmConfig
    base_model_prefix = "esm"

    def _init_weights(self, module):
        pass


class EsmModel(Base):
    def __init__(self, config):
        super().__init__(config)
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layer = nn.ModuleList(Block(config.hidden_size) for _ in range(config.num_hidden_layers))
        self.post_init()

    def get_input_embeddings(self):
        return self.word_embeddings

    def forward(self, input_ids=None, attention_mask=None, output_hidden_states=None, return_dict=None):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        states = [self.word_embeddings(input_ids)]
        for layer in self.layer:
            states.append(layer(states[-1], mask[..., None].to(states[0].dtype)))
        return BaseModelOutput(
            last_hidden_state=states[-1], hidden_states=tuple(states) if output_hidden_states else None
        )


class EsmForMaskedLM(Base):
    def __init__(self, config):
        super().__init__(config)
        self.esm = EsmModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, output_hidden_states=None, return_dict=None):
        return MaskedLMOutput(logits=self.lm_head(self.esm(input_ids, attention_mask).last_hidden_state))
