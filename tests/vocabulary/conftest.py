"""Random DNA in a matrix, with tokenizers of each kind."""

import numpy as np
import pytest

from grover_probe.kmer import KmerTokenizer


@pytest.fixture(scope="session")
def codes() -> np.ndarray:
    """40 sequences of 400 bases, AT-rich."""
    return np.random.default_rng(5).choice(4, size=(40, 400), p=[0.35, 0.15, 0.2, 0.3]).astype(np.uint8)


@pytest.fixture(scope="session", params=["BPE", "1-mer", "4-mer", "5-mer", "5-mer, tail dropped"])
def tokenizer(request, tiny_tokenizer):
    if request.param == "BPE":
        return tiny_tokenizer
    return KmerTokenizer(int(request.param[0]), "drop" if "dropped" in request.param else "bases")
