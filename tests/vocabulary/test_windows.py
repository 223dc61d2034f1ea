"""Random windows: what the genome has there, without N, every place with the same probability."""

import numpy as np
import pytest

from grover_probe.errors import InputError
from grover_probe.genome import open_genome
from grover_probe.vocabulary.windows import draw_windows


def test_windows_are_the_genome(tiny_genome):
    windows = draw_windows(tiny_genome, 200, 120, np.random.default_rng(0))
    assert windows.codes.shape == (200, 120) and len(windows) == 200 and windows.codes.max() < 4
    for codes, chrom, start in zip(windows.codes, windows.chroms, windows.starts, strict=True):
        assert np.array_equal(codes, tiny_genome.codes(tiny_genome.names[chrom], int(start), int(start) + 120))


def test_every_place_is_as_likely(write_fasta, tmp_path):
    genome = open_genome(write_fasta(tmp_path / "g.fa", {"a": "NACGTACN", "b": "ACG", "c": "NN", "d": "TTTNCCCCC"}))
    windows = draw_windows(genome, 9_000, 3, np.random.default_rng(1))
    places, counts = np.unique(np.stack([windows.chroms, windows.starts], axis=1), axis=0, return_counts=True)
    assert places.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4], [1, 0], [3, 0], [3, 4], [3, 5], [3, 6]]
    assert np.all(np.abs(counts - 1000) < 150)


def test_chosen_chromosomes_and_seed(tiny_genome):
    first, again, other = (
        draw_windows(tiny_genome, 50, 100, np.random.default_rng(seed), ["2", "chr2"]) for seed in (1, 1, 2)
    )
    assert set(first.chroms) == {0} and np.array_equal(first.starts, again.starts)
    assert not np.array_equal(first.starts, other.starts)
    assert np.array_equal(first.codes[0], tiny_genome.codes("chr2", int(first.starts[0]), int(first.starts[0]) + 100))


def test_too_long(tiny_genome):
    with pytest.raises(InputError, match="no stretch of 9000 bases without N"):
        draw_windows(tiny_genome, 5, 9_000, np.random.default_rng(0))
