"""A causal model without attention mask that gives the last block's output before and after the last norm."""

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithNoAttention, CausalLMOutput

from .configuration_hyena import HyenaConfig


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mix = nn.Linear(width, width)

    def forward(self, states):
        counts = torch.arange(1, states.shape[1] + 1, device=states.device)[:, None]
        return states + torch.tanh(self.mix(states.cumsum(1) / counts))


class Base(PreTrainedModel):
    config_class = HyenaConfig
    base_model_prefix = "hyena"

    def _init_weights(self, module):
        pass


class HyenaDNAModel(Base):
    def __init__(self, config, **kwargs):
        super().__init__(config, **kwargs)
        rows = -(-config.vocab_size // config.pad_vocab_size_multiple) * config.pad_vocab_size_multiple
        self.word_embeddings = nn.Embedding(rows, config.d_model)
        self.layers = nn.ModuleList(Block(config.d_model) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.d_model)
        self.post_init()

    def get_input_embeddings(self):
        return self.word_embeddings

    def forward(self, input_ids, inputs_embeds=None, output_hidden_states=None, return_dict=None):
        states = [self.word_embeddings(input_ids)]
        for layer in self.layers:
            states.append(layer(states[-1]))
        states.append(self.ln_f(states[-1]))
        return BaseModelOutputWithNoAttention(
            last_hidden_state=states[-1], hidden_states=tuple(states) if output_hidden_states else None
        )


class HyenaDNAForCausalLM(Base):
    def __init__(self, config, **kwargs):
        super().__init__(config, **kwargs)
        self.hyena = HyenaDNAModel(config)
        self.lm_head = nn.Linear(config.d_model, self.hyena.word_embeddings.num_embeddings, bias=False)
        self.post_init()

    def forward(self, input_ids, inputs_embeds=None, labels=None, output_hidden_states=None, return_dict=None):
        return CausalLMOutput(logits=self.lm_head(self.hyena(input_ids).last_hidden_state))
