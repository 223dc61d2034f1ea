from transformers import PretrainedConfig


class EsmConfig(PretrainedConfig):
    model_type = "esm"

    def __init__(self, vocab_size=None, mask_token_id=None, pad_token_id=None, hidden_size=8, num_hidden_layers=2,
                 num_attention_heads=2, max_position_embeddings=50, **kwargs):  # fmt: skip
        super().__init__(pad_token_id=pad_token_id, mask_token_id=mask_token_id, **kwargs)
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.max_position_embeddings = max_position_embeddings
