"""Do the tokens of a sequence stay the same when its surroundings, its strand or one of its bases change?

Every function draws nothing: it takes sequences and places, so that all tokenizers are asked the same. Boundaries that
the ends of a sequence force are not counted. Agreement is the Jaccard index, boundaries that both encodings have among
those that either has, summed over all sequences; beside it stands the agreement that two independent sets of
boundaries of the same densities p and q have by chance, p q / (p + q - p q).
"""

from collections.abc import Iterator

import numpy as np

from grover_probe.corpus import Tokenizer
from grover_probe.genome import N_CODE
from grover_probe.vocabulary.windows import inner, keep_columns, lay_boundaries, lay_tokens

Row = tuple[str, str, float, int]  # diagnostic, statistic, value, n

CONTEXT = 512  # bases on either side that stand for an uncut sequence
FRAMES = 60  # divisible by 4, 5 and 6: cuts drawn from so many places hit every frame of these k-mers alike
MAX_SHIFT = 200
FLANK = 100  # bases on either side that the authors of GROVER advise


def quantile(values: np.ndarray, share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; infinite values are welcome."""
    return float(np.sort(values)[max(int(np.ceil(share * len(values))) - 1, 0)])


def agreement(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """Jaccard index of two sets of boundaries within `where`, and what it would be by chance (NaN without any)."""
    in_a, in_b = a & where, b & where
    with np.errstate(invalid="ignore"):
        found = np.divide((in_a & in_b).sum(), (in_a | in_b).sum())
        p, q = in_a.sum() / where.sum(), in_b.sum() / where.sum()
        return float(found), float(np.divide(p * q, p + q - p * q))


def bases_to_agreement(a: np.ndarray, b: np.ndarray, first: np.ndarray | int, stop: np.ndarray | int) -> np.ndarray:
    """Bases from a place to the boundary from which on two sets of boundaries are the same.

    Parameters
    ----------
    a, b
        Boundaries, bool, shape (n, n_places).
    first, stop
        Where to begin and the last place to look at, per row or for all rows.

    Returns
    -------
    np.ndarray
        float64, shape (n,): 0 when both have a boundary at `first` and agree from there, infinite when there is no
        such boundary up to `stop`.
    """
    place = np.arange(a.shape[1], dtype=np.int32)
    first, stop = np.reshape(first, (-1, 1)), np.reshape(stop, (-1, 1))
    looked_at = (place >= first) & (place <= stop)
    last_difference = np.where((a != b) & looked_at, place, np.int32(-1)).max(axis=1, keepdims=True)
    good = a & b & looked_at & (place > last_difference)
    distance = np.argmax(good, axis=1) - first[:, 0]
    return np.where(good.any(axis=1), distance, np.inf)


def shift(tokenizer: Tokenizer, codes: np.ndarray, shifts: np.ndarray, length: int) -> Iterator[Row]:
    """Move a window by some bases: which boundaries in the overlap stay?

    Parameters
    ----------
    tokenizer
        Any.
    codes
        Base codes, shape (n, at least length + largest shift).
    shifts
        By how many bases each window moves, shape (n,).
    length
        Bases of a window.

    Yields
    ------
    ``boundary_agreement`` (and ``chance_agreement``) between the window [0, length) and the window moved by the shift,
    over the places inside both. ``bases_to_agreement`` (median, p95) from the moved window's start to the boundary from
    which on both have the same boundaries, and the share of windows that ever get there (``agree_again``); for this
    both windows end at the same base, so that only the start differs.
    """
    here = keep_columns(codes, 0, length)
    moved = keep_columns(codes, shifts, shifts + length)
    in_both = inner(here) & inner(moved)
    found, chance = agreement(lay_boundaries(tokenizer, here), lay_boundaries(tokenizer, moved), in_both)
    n = len(codes)
    yield "shift", "boundary_agreement", found, n
    yield "shift", "chance_agreement", chance, n
    begun_late = keep_columns(codes, shifts, codes.shape[1])
    margin = int(tokenizer.lengths.max())
    bases = bases_to_agreement(
        lay_boundaries(tokenizer, codes), lay_boundaries(tokenizer, begun_late), shifts, codes.shape[1] - margin
    )
    yield "shift", "bases_to_agreement_median", quantile(bases, 0.5), n
    yield "shift", "bases_to_agreement_p95", quantile(bases, 0.95), n
    yield "shift", "agree_again", float(np.isfinite(bases).mean()), n


def cut(tokenizer: Tokenizer, codes: np.ndarray, first: np.ndarray, length: int) -> Iterator[Row]:
    """Cut a sequence out of its chromosome: how far from the cuts do its boundaries differ?

    Parameters
    ----------
    tokenizer
        Any.
    codes
        Base codes with context, shape (n, at least first + length + CONTEXT).
    first
        Where each sequence is cut out, shape (n,), at least `CONTEXT`.
    length
        Bases of a sequence.

    Yields
    ------
    For ``cut_left`` and ``cut_right``: ``bases_to_agreement`` (median, p95, max), from the cut inwards to the boundary
    beyond which all are those of the uncut sequence, looked for up to the middle; and ``within_100``, the share of
    sequences in which this takes at most 100 bases.
    """
    whole = lay_boundaries(tokenizer, codes)
    alone = lay_boundaries(tokenizer, keep_columns(codes, first, first + length))
    middle = first + length // 2
    width = whole.shape[1] - 1
    left = bases_to_agreement(whole, alone, first, middle)
    right = bases_to_agreement(whole[:, ::-1], alone[:, ::-1], width - first - length, width - middle)
    for name, bases in (("cut_left", left), ("cut_right", right)):
        yield name, "bases_to_agreement_median", quantile(bases, 0.5), len(bases)
        yield name, "bases_to_agreement_p95", quantile(bases, 0.95), len(bases)
        yield name, "bases_to_agreement_max", float(bases.max()), len(bases)
        yield name, "within_100", float((bases <= FLANK).mean()), len(bases)


def reverse_complement(tokenizer: Tokenizer, codes: np.ndarray, lengths: np.ndarray) -> Iterator[Row]:
    """Encode a sequence and its reverse complement: which boundaries are at the same place?

    Parameters
    ----------
    tokenizer
        Any.
    codes
        Base codes, shape (n, width).
    lengths
        Bases taken of each row, shape (n,). Vary them: k-mers agree on both strands just when k divides the length.

    Yields
    ------
    ``boundary_agreement`` and ``chance_agreement``.
    """
    forward = keep_columns(codes, 0, lengths)
    other = forward[:, ::-1]
    other = np.where(other < N_CODE, 3 - other, N_CODE).astype(np.uint8)
    on_other = lay_boundaries(tokenizer, other)[:, ::-1]
    found, chance = agreement(lay_boundaries(tokenizer, forward), on_other, inner(forward))
    yield "reverse_complement", "boundary_agreement", found, len(codes)
    yield "reverse_complement", "chance_agreement", chance, len(codes)


def substitution(tokenizer: Tokenizer, codes: np.ndarray, where: np.ndarray, by: np.ndarray) -> Iterator[Row]:
    """Change one base: how many tokens and bases see it?

    Parameters
    ----------
    tokenizer
        Any.
    codes
        Base codes with context, shape (n, width).
    where
        Which base of each row, shape (n,), with context on both sides.
    by
        How many letters further in the order A, C, G, T the new base is: 1, 2 or 3, shape (n,).

    Yields
    ------
    ``tokens_changed``: tokens of the sequence that the changed one does not have at the same place; ``bases_changed``:
    bases in these tokens; ``span``: bases from the first to the last of them. Each with mean and p95, ``span`` also
    with its maximum.
    """
    rows = np.arange(len(codes))
    mutated = codes.copy()
    mutated[rows, where] = (codes[rows, where] + by) % 4
    before, after = lay_tokens(tokenizer, codes), lay_tokens(tokenizer, mutated)
    gone = (before > 0) & (before != after)
    covered = np.where(gone, tokenizer.lengths[before], 0)
    begin = np.argmax(gone, axis=1)
    last = gone.shape[1] - 1 - np.argmax(gone[:, ::-1], axis=1)
    span = last + covered[rows, last] - begin
    for name, values in (("tokens_changed", gone.sum(axis=1)), ("bases_changed", covered.sum(axis=1)), ("span", span)):
        yield "substitution", f"{name}_mean", float(values.mean()), len(codes)
        yield "substitution", f"{name}_p95", quantile(values, 0.95), len(codes)
    yield "substitution", "span_max", float(span.max()), len(codes)
