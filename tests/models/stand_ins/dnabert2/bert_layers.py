"""A masked model without `output_hidden_states`, whose blocks see rows without padding."""

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from .bert_padding import put_back, take_out
from .configuration_bert import BertConfig


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mix = nn.Linear(width, width)

    def forward(self, rows, bounds):
        means = torch.cat([rows[a:b].mean(0, keepdim=True).expand(b - a, -1) for a, b in bounds])
        return torch.tanh(self.mix(rows + means))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList(Block(config.hidden_size) for _ in range(config.num_hidden_layers))

    def forward(self, states, mask):
        rows = take_out(states, mask)
        ends = mask.sum(1).cumsum(0).tolist()
        bounds = list(zip([0, *ends[:-1]], ends, strict=True))
        for block in self.layer:
            rows = block(rows, bounds)
        return put_back(rows, mask)


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)

    def forward(self, input_ids):
        return self.word_embeddings(input_ids)


class Base(PreTrainedModel):
    config_class = BertConfig
    base_model_prefix = "bert"

    def _init_weights(self, module):
        pass


class BertModel(Base):
    def __init__(self, config, add_pooling_layer=True):
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.post_init()

    def get_input_embeddings(self):
        return self.embeddings.word_embeddings

    def forward(self, input_ids, token_type_ids=None, attention_mask=None, masked_tokens_mask=None, **kwargs):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return self.encoder(self.embeddings(input_ids), mask), None


class BertForMaskedLM(Base):
    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.cls = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None, **kwargs):
        return MaskedLMOutput(logits=self.cls(self.bert(input_ids, attention_mask=attention_mask)[0]))
