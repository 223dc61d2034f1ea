"""Both strands of a genome as sequences of one file, so that one corpus holds them and positions count through.

The reverse complement of ``chr20`` is the sequence ``chr20:-``. Its base 0 is the last base of ``chr20``.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, Region, short_name

REVERSE = ":-"
_NO_END = 1 << 32
STRANDS = ("forward", "reverse", "both")


class StrandedGenome(Genome):
    """A genome with the strands asked for as sequences.

    Parameters
    ----------
    genome
        The forward strand.
    strand
        ``forward``, ``reverse`` (only reverse complements) or ``both``.

    Raises
    ------
    InputError
        For another strand.
    """

    def __init__(self, genome: Genome, strand: str) -> None:
        if strand not in STRANDS:
            raise InputError(f"--strand {strand!r}: expected one of {', '.join(STRANDS)}")
        self.path, self._forward, self.strand = genome.path, genome, strand
        self.lengths = {name: genome.lengths[base_name(name)] for name in self.spell(genome.names)}

    def spell(self, chroms: Iterable[str]) -> list[str]:
        """Sequences of some chromosomes: each with its reverse complement after it, or only one of them."""
        parts = {"forward": ("",), "reverse": (REVERSE,), "both": ("", REVERSE)}[self.strand]
        return [chrom + part for chrom in chroms for part in parts]

    def resolve(self, name: str) -> str:
        """The file's spelling, with the sign of the strand."""
        found = self._forward.resolve(base_name(name)) + (REVERSE if is_reverse(name) else "")
        if found not in self.lengths:
            raise InputError(f"{self.path}: no sequence named {name!r} on the strands read")
        return found

    def codes(self, name: str, start: int = 0, end: int | None = None) -> np.ndarray:
        """Base codes of [start, end), in the coordinates of the strand."""
        name = self.resolve(name)
        end = self.lengths[name] if end is None else end
        if not is_reverse(name):
            return self._forward.codes(name, start, end)
        length = self.lengths[name]
        return reverse_complement(self._forward.codes(base_name(name), length - end, length - start))

    def on_strands(self, regions: Iterable[Region]) -> list[Region]:
        """Regions of the forward strand, on each strand read, in its coordinates."""
        return [self._turned(region, name) for region in regions for name in self.spell([region.chrom])]

    def _turned(self, region: Region, name: str) -> Region:
        if not is_reverse(name):
            return region
        length = self.lengths[name]
        return Region(name, length - region.end, length - region.start, region.name)


def is_reverse(chrom: str) -> bool:
    """Whether a sequence of a corpus is a reverse complement."""
    return chrom.endswith(REVERSE)


def base_name(chrom: str) -> str:
    """The chromosome of a sequence, without the sign of the strand."""
    return chrom.removesuffix(REVERSE)


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Base codes of the other strand: A and T, C and G change places, N stays."""
    turned = codes[::-1]
    return np.where(turned < N_CODE, 3 - turned, turned).astype(np.uint8)


class CorpusNames(Genome):
    """The sequence names of a corpus folder, to read intervals against; there is no sequence in it.

    Parameters
    ----------
    path
        The folder.
    chroms
        Names. A corpus does not say how long they are, so that no interval runs past their ends.
    """

    def __init__(self, path: Path, chroms: Iterable[str]) -> None:
        self.path = path
        self.lengths = dict.fromkeys(chroms, _NO_END)
        self._by_short_name = {short_name(name): name for name in self.lengths}
