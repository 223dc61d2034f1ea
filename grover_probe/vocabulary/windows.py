"""Random windows of a genome, and their tokens laid out base by base for comparison.

A *canvas* is a matrix of base codes, one sequence per row, filled up with N. Its tokens are written into a matrix of
the same shape, each at its first base, so that encodings of shifted, cut or mutated sequences are compared by columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from grover_probe.corpus import Tokenizer
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome


@dataclass(frozen=True)
class Windows:
    """Stretches of a genome without N.

    Attributes
    ----------
    codes
        Base codes, uint8, shape (n_windows, length).
    chroms
        Chromosome of each, by its number in the order in which they were given, shape (n_windows,).
    starts
        First base of each on its chromosome, int64, shape (n_windows,).
    """

    codes: np.ndarray
    chroms: np.ndarray
    starts: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.codes)


def draw_windows(
    genome: Genome, n_windows: int, length: int, rng: np.random.Generator, chroms: Iterable[str] | None = None
) -> Windows:
    """Draw windows uniformly from all places that have no N; they may overlap.

    Parameters
    ----------
    genome
        Where from.
    n_windows, length
        How many, of how many bases.
    rng
        Decides the places.
    chroms
        Chromosome names; all when None.

    Raises
    ------
    InputError
        When no run of A, C, G and T is long enough.
    """
    names = list(genome.names if chroms is None else dict.fromkeys(genome.resolve(name) for name in chroms))
    segments = [genome.segments(name, min_length=length) for name in names]
    owner = np.repeat(np.arange(len(names)), [len(part) for part in segments])
    places = np.concatenate(segments)
    room = np.cumsum(places[:, 1] - places[:, 0] - length + 1)
    if not len(room):
        raise InputError(f"{genome.path}: no stretch of {length} bases without N; use shorter windows")
    drawn = np.sort(rng.integers(0, room[-1], size=n_windows))
    which = np.searchsorted(room, drawn, side="right")
    starts = places[which, 1] - length - (room[which] - 1 - drawn)
    codes = np.empty((n_windows, length), dtype=np.uint8)
    for number, name in enumerate(names):
        rows = np.flatnonzero(owner[which] == number)
        if len(rows):
            low = int(starts[rows[0]])
            whole = genome.codes(name, low, int(starts[rows[-1]]) + length)
            codes[rows] = np.lib.stride_tricks.sliding_window_view(whole, length)[starts[rows] - low]
    return Windows(codes, owner[which], starts)


def lay_tokens(tokenizer: Tokenizer, canvas: np.ndarray) -> np.ndarray:
    """Encode each row on its own and write each token at its first base.

    Parameters
    ----------
    tokenizer
        Any.
    canvas
        Base codes, uint8, shape (n, width); N (4) where a row has no base.

    Returns
    -------
    np.ndarray
        uint16, shape (n, width): the id of the token that starts at a base, 0 where none does.
    """
    n, width = canvas.shape
    apart = np.full((n, width + 1), N_CODE, dtype=np.uint8)
    apart[:, :width] = canvas
    encoding = tokenizer.encode(apart.ravel())
    laid = np.zeros(apart.size, dtype=np.uint16)
    laid[encoding.starts] = encoding.ids
    return laid.reshape(apart.shape)[:, :width]


def lay_boundaries(tokenizer: Tokenizer, canvas: np.ndarray) -> np.ndarray:
    """Boundaries of tokens, those at the ends of each sequence among them.

    Returns
    -------
    np.ndarray
        bool, shape (n, width + 1): True at j where a token starts at base j or ends just before it.
    """
    laid = lay_tokens(tokenizer, canvas)
    found = np.zeros((len(canvas), canvas.shape[1] + 1), dtype=bool)
    found[:, :-1] = laid > 0
    rows, columns = np.nonzero(laid)
    found[rows, columns + tokenizer.lengths[laid[rows, columns]]] = True
    return found


def inner(canvas: np.ndarray) -> np.ndarray:
    """Places between two bases of one sequence, where a boundary may be or not: bool, shape (n, width + 1)."""
    found = np.zeros((len(canvas), canvas.shape[1] + 1), dtype=bool)
    found[:, 1:-1] = (canvas[:, 1:] < N_CODE) & (canvas[:, :-1] < N_CODE)
    return found


def keep_columns(codes: np.ndarray, first: np.ndarray | int, stop: np.ndarray | int) -> np.ndarray:
    """The codes with all columns outside [first, stop) turned into N; bounds per row or for all rows."""
    column = np.arange(codes.shape[1])
    first, stop = np.reshape(first, (-1, 1)), np.reshape(stop, (-1, 1))
    return np.where((column >= first) & (column < stop), codes, np.uint8(N_CODE))
