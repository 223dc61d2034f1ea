"""A small genome with soft-masked repeats and N runs, its tokenizer and corpus, and an untrained two-block BERT."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.bpe.train import train
from grover_probe.corpus import Corpus, tokenize
from grover_probe.data.sample import sample_path
from grover_probe.genome import Genome, decode_bases, open_genome

TINY_LENGTHS = {"chr1": 12_000, "chr2": 5_000, "chrM": 800}


@pytest.fixture(scope="session")
def tiny_text() -> dict[str, str]:
    """Sequences by name: AT-rich, with runs of N (one of them at an end) and of lower case letters."""
    rng = np.random.default_rng(11)
    found = {}
    for name, length in TINY_LENGTHS.items():
        letters = np.array(list(decode_bases(rng.choice(4, length, p=[0.35, 0.15, 0.2, 0.3]).astype(np.uint8))))
        for begin in range(300, length, 1_500):
            letters[begin : begin + 200] = np.char.lower(letters[begin : begin + 200])
        found[name] = "".join(letters)
    one = found["chr1"]
    found["chr1"] = one[:4_000] + "N" * 150 + one[4_150:9_000] + "n" * 7 + one[9_007:-20] + "N" * 20
    return found


@pytest.fixture(scope="session")
def write_fasta() -> Callable[..., Path]:
    """A function that writes sequences as lines of `width` letters."""

    def write(path: Path, sequences: dict[str, str], width: int = 60, end: str = "\n") -> Path:
        lines = []
        for name, text in sequences.items():
            lines.append(f">{name} a description")
            lines += [text[at : at + width] for at in range(0, len(text), width)]
        path.write_bytes("".join(line + end for line in lines).encode("ascii"))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_fasta(tiny_text, write_fasta, tmp_path_factory) -> Path:
    return write_fasta(tmp_path_factory.mktemp("tiny genome") / "tiny.fa", tiny_text)


@pytest.fixture(scope="session")
def tiny_genome(tiny_fasta: Path) -> Genome:
    return open_genome(tiny_fasta)


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_genome: Genome) -> BPETokenizer:
    return BPETokenizer(train([tiny_genome.codes(name) for name in tiny_genome.names], 30, progress=False))


@pytest.fixture(scope="session")
def tiny_corpus(tiny_genome: Genome, tiny_tokenizer: BPETokenizer) -> Corpus:
    return tokenize(tiny_genome, tiny_tokenizer, progress=False)


@pytest.fixture(scope="session")
def tiny_network(tiny_tokenizer: BPETokenizer):
    """A BERT with large random weights, so that context matters."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tiny_tokenizer.n_ids,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        initializer_range=0.4,
    )
    return BertForMaskedLM(config).eval()


@pytest.fixture(scope="session")
def tiny_model_folder(tiny_network, tiny_tokenizer: BPETokenizer, tmp_path_factory) -> Path:
    """Configuration, weights and tokenizer, as a user has them."""
    folder = tmp_path_factory.mktemp("models") / "tiny model"
    tiny_network.save_pretrained(folder)
    save_tokenizer(tiny_tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_model_folder: Path):
    from grover_probe.models import load

    return load(tiny_model_folder, device="cpu")


@pytest.fixture(scope="session")
def sample_checkpoint() -> Path:
    """The embedded checkpoint, which every installation carries."""
    return sample_path("checkpoint")


@pytest.fixture(scope="session")
def bedtools() -> str:
    """The bedtools program; tests that need it are skipped where it is not installed."""
    found = shutil.which("bedtools")
    if found is None:
        pytest.skip("bedtools is not installed")
    return found
