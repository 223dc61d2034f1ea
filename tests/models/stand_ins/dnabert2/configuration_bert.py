from transformers import BertConfig as TransformersBertConfig


class BertConfig(TransformersBertConfig):
    def __init__(self, alibi_starting_size=64, **kwargs):
        super().__init__(**kwargs)
        self.alibi_starting_size = alibi_starting_size
