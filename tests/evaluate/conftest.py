"""A tiny corpus and model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from grover_probe.bpe import BPETokenizer
from grover_probe.bpe.train import train
from grover_probe.corpus import Corpus, tokenize
from grover_probe.genome import decode_bases, open_genome
from grover_probe.pretrain.model import build_model
from grover_probe.pretrain.recipe import Architecture

TINY = Architecture(layers=2, hidden=16, heads=2, intermediate=32, max_positions=64, dropout=0.0)


@pytest.fixture(scope="session")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 kb of random sequence in two chromosomes, one with an N run."""
    rng = np.random.default_rng(8)
    one, two = (decode_bases(rng.choice(4, 20_000, p=[0.35, 0.15, 0.15, 0.35]).astype(np.uint8)) for _ in range(2))
    path = tmp_path_factory.mktemp("genome") / "tiny.fa"
    path.write_text(f">chr1\n{one[:9_000]}{'N' * 100}{one[9_000:]}\n>chr2\n{two}\n")
    return path


@pytest.fixture(scope="session")
def tokenizer(fasta: Path) -> BPETokenizer:
    genome = open_genome(fasta)
    return BPETokenizer(train([genome.codes(name) for name in genome.names], 40, progress=False))


@pytest.fixture(scope="session")
def corpus(fasta: Path, tokenizer: BPETokenizer) -> Corpus:
    return tokenize(open_genome(fasta), tokenizer, progress=False)


@pytest.fixture(scope="session")
def model(corpus: Corpus) -> torch.nn.Module:
    return build_model(TINY, len(corpus.token_lengths), seed=1).eval()
