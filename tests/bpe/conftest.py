"""A merge table with 600 merges, learnt from the sequence that the package carries or from a made-up one."""

import numpy as np
import pytest

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.train import train


def repeat_rich_sequence(n_bases: int, seed: int = 0) -> np.ndarray:
    """Base codes with human-like low CpG, mutated copies of a few repeats and homopolymers."""
    rng = np.random.default_rng(seed)
    families = [rng.choice(4, size=n, p=[0.32, 0.2, 0.2, 0.28]) for n in (12, 50, 300, 300, 900)]
    parts, n = [], 0
    while n < n_bases:
        kind = rng.integers(0, 10)
        if kind < 5:
            part = rng.choice(4, size=rng.integers(50, 600), p=[0.32, 0.18, 0.18, 0.32])
        elif kind < 9:
            part = families[rng.integers(0, len(families))].copy()
            hit = rng.random(len(part)) < 0.12
            part[hit] = rng.integers(0, 4, size=int(hit.sum()))
        else:
            part = np.tile(rng.integers(0, 4, size=rng.integers(1, 4)), rng.integers(5, 20))
        parts.append(part)
        n += len(part)
    codes = np.concatenate(parts)[:n_bases].astype(np.uint8)
    codes[1:][(codes[:-1] == 1) & (codes[1:] == 2) & (rng.random(n_bases - 1) < 0.8)] = 0
    return codes


@pytest.fixture(scope="session")
def sequence() -> np.ndarray:
    return repeat_rich_sequence(400_000)


@pytest.fixture(scope="session")
def tokenizer(sequence) -> BPETokenizer:
    """600 merges."""
    return BPETokenizer(train([sequence], 600, progress=False))
