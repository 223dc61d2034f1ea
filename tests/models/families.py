"""Makers of model folders, one per family: its real architecture where transformers has it, else a stand-in."""

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import torch

from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.kmers import save_kmer_tokenizer

STAND_INS = Path(__file__).parent / "stand_ins"
BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
LARGE = 0.5  # spread of random weights, so that context matters


def nt_tokens(version: int) -> list[str]:
    """The list of tokens of Nucleotide Transformer, special tokens first."""
    special = ["<unk>", "<pad>", "<mask>", "<cls>", *(["<eos>", "<bos>"] if version == 2 else [])]
    return [*special, *("".join(letters) for letters in product("ATCG", repeat=6)), *"ATCGN"]


def nucleotide_transformer(folder: Path, **changes: Any) -> Path:
    """v1: `EsmForMaskedLM` with learned positions."""
    from transformers import EsmConfig, EsmForMaskedLM

    settings = {"vocab_size": 4105, "pad_token_id": 1, "mask_token_id": 2, "max_position_embeddings": 50,
                "position_embedding_type": "absolute", "token_dropout": True, "emb_layer_norm_before": False,
                "tie_word_embeddings": False, "initializer_range": LARGE}  # fmt: skip
    torch.manual_seed(1)
    EsmForMaskedLM(EsmConfig(**{**BERT, **settings, **changes})).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(nt_tokens(1)))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "EsmTokenizer", "eos_token": None}))
    return folder


def nucleotide_transformer_v2(folder: Path) -> Path:
    """v2: code of its own, and a configuration without model type."""
    stand_in(folder, "nucleotide_transformer_v2")
    (folder / "vocab.txt").write_text("\n".join(nt_tokens(2)))
    return folder


def hyenadna(folder: Path) -> Path:
    return stand_in(folder, "hyenadna")


def dnabert2(folder: Path, tokenizer: BPETokenizer) -> Path:
    """Byte-pair encoding with special tokens in another order."""
    stand_in(folder, "dnabert2", vocab_size=tokenizer.n_ids + 1)
    write_dnabert2_tokenizer(folder, tokenizer)
    return folder


def kmers(folder: Path, tokenizer: KmerTokenizer) -> Path:
    """A BERT of k-mers, as this project trains them."""
    bert(folder, tokenizer.n_ids)
    save_kmer_tokenizer(tokenizer, folder)
    return folder


def bert(folder: Path, n_ids: int, seed: int = 3) -> Path:
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    config = BertConfig(**BERT, vocab_size=n_ids, max_position_embeddings=40, initializer_range=LARGE)
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


def bert_config(folder: Path) -> None:
    """Put back the configuration of `bert` with 609 rows (makers of tokenizers write a short one)."""
    from transformers import BertConfig

    BertConfig(**BERT, vocab_size=609, max_position_embeddings=40).save_pretrained(folder)


def roberta(folder: Path, n_ids: int) -> Path:
    """Positions from 2 on, and a head with a name of its own."""
    from transformers import RobertaConfig, RobertaForMaskedLM

    torch.manual_seed(4)
    config = RobertaConfig(
        **BERT, vocab_size=n_ids, max_position_embeddings=42, pad_token_id=1, initializer_range=LARGE
    )
    RobertaForMaskedLM(config).save_pretrained(folder)
    return folder


def gpt2(folder: Path, n_ids: int) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(5)
    config = GPT2Config(vocab_size=n_ids, n_embd=16, n_layer=2, n_head=2, n_positions=40, initializer_range=LARGE,
                        bos_token_id=0, eos_token_id=0)  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def stand_in(folder: Path, name: str, **changes: Any) -> Path:
    """Copy a stand-in and give it random weights."""
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    shutil.copytree(STAND_INS / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))
    auto = AutoModelForCausalLM if "AutoModelForCausalLM" in config["auto_map"] else AutoModelForMaskedLM
    loaded = AutoConfig.from_pretrained(folder, trust_remote_code=True)
    generator = torch.Generator().manual_seed(7)
    state = auto.from_config(loaded, trust_remote_code=True).state_dict()
    random = {key: torch.randn(value.shape, generator=generator) * LARGE for key, value in state.items()}
    save_file(random, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_dnabert2_tokenizer(folder: Path, tokenizer: BPETokenizer, around: bool = True) -> Path:
    """The merges of a tokenizer in a file with DNABERT-2's numbering: [UNK], [CLS], [SEP], [PAD], [MASK], bases, ...

    With nothing before and after a sequence unless `around`.
    """
    path = save_tokenizer(tokenizer, folder)
    content = json.loads(path.read_text())
    order = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    pieces = [*"ATCG", *tokenizer.pieces[4:]]
    vocab = {name: number for number, name in enumerate([*order, *pieces])}
    content["model"]["vocab"] = vocab
    content["pre_tokenizer"] = {"type": "Whitespace"}
    for token in content["added_tokens"]:
        token["id"] = vocab[token["content"]]
    for name, value in content["post_processor"]["special_tokens"].items():
        value["ids"] = [vocab[name]]
    if not around:
        content["post_processor"] = None
    path.write_text(json.dumps(content))
    return path
