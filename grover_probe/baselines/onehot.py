"""Sequence as it is, one column per base and place: what a probe can read without any model."""

from collections.abc import Sequence

import numpy as np

from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, encode_bases

TOKEN_PLACES = 8
WINDOW_PLACES = 64


def one_hot(codes: np.ndarray) -> np.ndarray:
    """One column per place and base.

    Parameters
    ----------
    codes
        Base codes, uint8, shape (n, n_places).

    Returns
    -------
    np.ndarray
        float32, shape (n, 4 n_places): A, C, G, T of the first place, then of the second, ...; all zero for N.
    """
    hot = codes[:, :, None] == np.arange(N_CODE, dtype=codes.dtype)
    return hot.reshape(len(codes), -1).astype(np.float32)


def token_one_hot(sequences: Sequence[str], places: int = TOKEN_PLACES) -> np.ndarray:
    """First and last bases of short sequences: float32, shape (n, 8 places); zero past the end of a shorter one.

    Parameters
    ----------
    sequences
        Upper case.
    places
        Bases from the left, and as many from the right.
    """
    codes = np.full((len(sequences), 2 * places), N_CODE, dtype=np.uint8)
    for row, text in enumerate(sequences):
        own = encode_bases(text)
        left, right = own[:places], own[-places:]
        codes[row, : len(left)] = left
        codes[row, 2 * places - len(right) :] = right
    return one_hot(codes)


def central_one_hot(
    genome: Genome, chroms: Sequence[str], starts: np.ndarray, ends: np.ndarray, places: int = WINDOW_PLACES
) -> np.ndarray:
    """The bases in the middle of each stretch, on the forward strand.

    Parameters
    ----------
    genome
        Where the bases are.
    chroms, starts, ends
        Stretches [start, end), in bases, shape (n,).
    places
        How many bases; of a shorter stretch those beside it are taken too, and past the end of a chromosome there are
        none.

    Returns
    -------
    np.ndarray
        float32, shape (n, 4 places).

    Raises
    ------
    InputError
        When the genome lacks a chromosome.
    """
    if places < 1:
        raise InputError(f"{places} places: expected at least 1")
    names = np.asarray(chroms, dtype=object)
    first = (np.asarray(starts, dtype=np.int64) + np.asarray(ends, dtype=np.int64)) // 2 - places // 2
    codes = np.full((len(names), places), N_CODE, dtype=np.uint8)
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        bases = genome.codes(name)
        at = first[rows, None] + np.arange(places)
        inside = (at >= 0) & (at < len(bases))
        codes[rows] = np.where(inside, bases[np.clip(at, 0, len(bases) - 1)], N_CODE)
    return one_hot(codes)
