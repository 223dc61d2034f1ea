"""Token ids and the merge table of a byte-pair encoding over A, C, G, T."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD_ID, UNK_ID, CLS_ID, SEP_ID, MASK_ID = range(5)
BASES = "ACGT"
FIRST_PIECE_ID = len(SPECIAL_TOKENS)  # id of A
FIRST_MERGE_ID = FIRST_PIECE_ID + len(BASES)  # id of the first merge


@dataclass(frozen=True, eq=False)
class Merges:
    """The merges of a byte-pair encoding, in rank order.

    Attributes
    ----------
    pairs
        int32, shape (n_merges, 2): ids of the left and the right token; merge i makes token 9 + i.
    counts
        int64, shape (n_merges,): occurrences of the pair, overlapping ones included, when it was merged.
        0 where they are not known (a tokenizer read from a file that does not hold them).
    """

    pairs: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Merges) and np.array_equal(self.pairs, other.pairs)

    def __repr__(self) -> str:
        shown = " ".join(f"{self.pieces[a - 5]}+{self.pieces[b - 5]}" for a, b in self.pairs[:3])
        return f"Merges({len(self)}: {shown}{' ...' if len(self) > 3 else ''})"

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The sequences of the tokens in id order from id 5: four bases, then one piece per merge."""
        found = list(BASES)
        for left, right in self.pairs.tolist():
            found.append(found[left - FIRST_PIECE_ID] + found[right - FIRST_PIECE_ID])
        return tuple(found)

    def first(self, n_merges: int) -> "Merges":
        """The `n_merges` best merges: the encoding that a shorter training gives."""
        return Merges(self.pairs[:n_merges], self.counts[:n_merges])

    def to_frame(self) -> "pd.DataFrame":
        """One row per merge: rank (from 1), left, right, piece, count."""
        import pandas as pd

        pieces = self.pieces
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(self) + 1),
                "left": [pieces[i - FIRST_PIECE_ID] for i in self.pairs[:, 0]],
                "right": [pieces[i - FIRST_PIECE_ID] for i in self.pairs[:, 1]],
                "piece": list(pieces[len(BASES) :]),
                "count": self.counts,
            }
        )
