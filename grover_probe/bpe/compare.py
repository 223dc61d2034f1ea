"""How two tokenizers differ on a genome."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.command import track
from grover_probe.genome import Genome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Two encodings of the same sequences.

    Attributes
    ----------
    tokens_a, tokens_b
        Tokens that each makes.
    shared_boundaries
        Places between two bases where both put a boundary; sequence ends are not counted.
    boundaries_a, boundaries_b
        Places where each does.
    shared_tokens
        Tokens with the same start, end and id.
    first_difference
        Chromosome and first base (0-based) of the first token that is not shared; None when all are.
    """

    tokens_a: int
    tokens_b: int
    boundaries_a: int
    boundaries_b: int
    shared_boundaries: int
    shared_tokens: int
    first_difference: tuple[str, int] | None

    @property
    def same(self) -> bool:
        """Whether the encodings are identical."""
        return self.first_difference is None

    @property
    def boundary_agreement(self) -> float:
        """Shared boundaries among all that either puts (Jaccard index); 1 when there are none."""
        either = self.boundaries_a + self.boundaries_b - self.shared_boundaries
        return self.shared_boundaries / either if either else 1.0

    def to_frame(self) -> "pd.DataFrame":
        """One row."""
        import pandas as pd

        where = "" if self.first_difference is None else "{}:{}".format(*self.first_difference)
        row = {
            "tokens_a": self.tokens_a,
            "tokens_b": self.tokens_b,
            "shared_tokens": self.shared_tokens,
            "boundaries_a": self.boundaries_a,
            "boundaries_b": self.boundaries_b,
            "shared_boundaries": self.shared_boundaries,
            "boundary_agreement": round(self.boundary_agreement, 6),
            "first_difference": where,
        }
        return pd.DataFrame([row])


def compare(
    a: BPETokenizer,
    b: BPETokenizer,
    genome: Genome,
    *,
    chromosomes: Iterable[str] | None = None,
    progress: bool = True,
) -> Comparison:
    """Encode a genome with two tokenizers and count what they share.

    Tokens are compared by their sequence, so it does not matter whether both number them alike.
    """
    names = genome.names if chromosomes is None else [genome.resolve(name) for name in chromosomes]
    pieces = {piece: number for number, piece in enumerate(dict.fromkeys([*a.pieces, *b.pieces]))}
    tables = [np.array([-1] * 5 + [pieces[piece] for piece in each.pieces]) for each in (a, b)]
    totals = np.zeros(6, dtype=np.int64)
    first: tuple[str, int] | None = None
    for name in track(names, label="compare", unit="sequence", progress=progress):
        codes = genome.codes(name)
        one, two = a.encode(codes), b.encode(codes)
        if not len(one):
            continue
        _, in_one, in_two = np.intersect1d(one.starts, two.starts, assume_unique=True, return_indices=True)
        alike = tables[0][one.ids[in_one]] == tables[1][two.ids[in_two]]
        n_runs = int(np.count_nonzero(np.diff((codes < 4).astype(np.int8), prepend=np.int8(0)) == 1))
        totals += [len(one), len(two), len(one) - n_runs, len(two) - n_runs, len(in_one) - n_runs, int(alike.sum())]
        if first is None and not (alike.all() and len(alike) == len(one) == len(two)):
            in_both = np.zeros(len(one), dtype=bool)
            in_both[in_one[alike]] = True
            first = (name, int(one.starts[np.argmin(in_both)]))
    tokens_a, tokens_b, edges_a, edges_b, shared_edges, shared = (int(total) for total in totals)
    return Comparison(tokens_a, tokens_b, edges_a, edges_b, shared_edges, shared, first)
