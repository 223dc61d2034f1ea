"""The data of a study, loaded once: genomes, held-out regions, training and test examples."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, open_genome
from grover_probe.nextkmer.sequences import (
    BLOCK_SIZE,
    Examples,
    Stretch,
    held_back,
    heldout_regions,
    sample_examples,
    split_genomes,
)
from grover_probe.provenance import describe_file


@dataclass(frozen=True)
class Sampling:
    """How examples are drawn.

    Attributes
    ----------
    n_train, n_test
        Sequences from outside and inside of the held-out regions. A tenth of the former chooses settings.
    flank
        Bases before the context with which it is tokenised.
    block_size
        Bases of a block: the unit of the bootstrap, and of what is held back.
    seed
        Decides places.
    """

    n_train: int = 20_000
    n_test: int = 5_000
    flank: int = 0
    block_size: int = BLOCK_SIZE
    seed: int = 0


class Study:
    """Sequence to learn from and to test on.

    Parameters
    ----------
    genomes
        FASTA or 2bit files whose sequence names differ.
    heldout
        BED of what only tests.
    sampling
        How examples are drawn.

    Raises
    ------
    InputError
        When a file is missing or cannot be read.
    """

    def __init__(self, genomes: Sequence[Path], heldout: Path, sampling: Sampling) -> None:
        if not heldout.is_file():
            raise InputError(f"{heldout}: no such file; expected a BED of held-out regions")
        self.genomes: list[Genome] = [open_genome(path) for path in genomes]
        self.heldout, self.sampling = heldout, sampling

    def __repr__(self) -> str:
        return f"Study({', '.join(genome.path.name for genome in self.genomes)}; test: {self.heldout.name})"

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The files by content."""
        files = [describe_file(genome.path) for genome in self.genomes]
        return {"genome": files, "heldout": describe_file(self.heldout)}

    @cached_property
    def content(self) -> dict[str, Any]:
        """What decides training sequence: hashes alone, for keys."""
        return {
            "genome": [each["sha256"] for each in self.inputs["genome"]],
            "heldout": self.inputs["heldout"]["sha256"],
        }

    def describe(self) -> dict[str, Any]:
        """What decides the examples, for keys."""
        return {**self.content, **asdict(self.sampling)}

    @cached_property
    def stretches(self) -> tuple[list[Stretch], list[Stretch]]:
        """N-free stretches outside and inside of the held-out regions."""
        return split_genomes(self.genomes, self.heldout)

    @cached_property
    def train(self) -> Examples:
        """Examples to learn from."""
        return self._sample(0, self.sampling.n_train, "training")

    @cached_property
    def test(self) -> Examples:
        """Held-out examples."""
        return self._sample(1, self.sampling.n_test, "test")

    @cached_property
    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of `train` to learn from and to choose settings by."""
        return held_back(self.train, seed=self.sampling.seed)

    def training_codes(self) -> list[np.ndarray]:
        """Base codes of each chromosome with everything held out as N: uint8 arrays."""
        held = heldout_regions(self.genomes, self.heldout)
        found = []
        for genome in self.genomes:
            for chrom in genome.names:
                codes = genome.codes(chrom).copy()
                for region in held:
                    if region.chrom == chrom:
                        codes[region.start : region.end] = N_CODE
                found.append(codes)
        return found

    def _sample(self, side: int, n: int, what: str) -> Examples:
        how = self.sampling
        return sample_examples(
            self.stretches[side], n, flank=how.flank, block_size=how.block_size, seed=2 * how.seed + side, what=what
        )
