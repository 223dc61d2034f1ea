"""A tiny genome, its tokenizer and corpus, and a recipe that trains in a second."""

from pathlib import Path

import numpy as np
import pytest

from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.bpe.train import train
from grover_probe.corpus import Corpus, tokenize
from grover_probe.genome import decode_bases, open_genome
from grover_probe.pretrain.recipe import Architecture, Recipe, Stage

TINY = Architecture(layers=2, hidden=16, heads=2, intermediate=32, max_positions=64, dropout=0.1)


@pytest.fixture(scope="session")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 kb of random sequence in two chromosomes, one with an N run."""
    rng = np.random.default_rng(3)
    one, two = (decode_bases(rng.choice(4, 30_000, p=[0.35, 0.15, 0.15, 0.35]).astype(np.uint8)) for _ in range(2))
    path = tmp_path_factory.mktemp("genome") / "tiny.fa"
    path.write_text(f">chr1\n{one[:10_000]}{'N' * 100}{one[10_000:]}\n>chr2\n{two}\n")
    return path


@pytest.fixture(scope="session")
def tokenizer(fasta: Path) -> BPETokenizer:
    genome = open_genome(fasta)
    return BPETokenizer(train([genome.codes(name) for name in genome.names], 40, progress=False))


@pytest.fixture(scope="session")
def tokenizer_folder(tokenizer: BPETokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def corpus(fasta: Path, tokenizer: BPETokenizer) -> Corpus:
    return tokenize(open_genome(fasta), tokenizer, progress=False)


@pytest.fixture
def recipe() -> Recipe:
    """Two stages, about 25 steps."""
    return Recipe(
        architecture=TINY,
        stages=(Stage(6_000, window=20, mask_rate=0.3, shift=True), Stage(6_000, window=60, mask_rate=0.15)),
        start="corpus",
        batch_tokens=512,
        warmup_tokens=1_000,
        learning_rate=1e-3,
        seed=5,
    )
