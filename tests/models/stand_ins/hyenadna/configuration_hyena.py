from transformers import PretrainedConfig


class HyenaConfig(PretrainedConfig):
    model_type = "hyenadna"

    def __init__(self, vocab_size=12, d_model=8, n_layer=2, max_seq_len=66, pad_vocab_size_multiple=8, **kwargs):
        self.vocab_size = vocab_size
        self.d_model = d_model
        self.n_layer = n_layer
        self.max_seq_len = max_seq_len
        self.pad_vocab_size_multiple = pad_vocab_size_multiple
        super().__init__(**kwargs)
