"""Where a motif occurs, from a position frequency matrix, and into how many tokens its occurrences are broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from grover_probe.bpe.encode import Encoding
from grover_probe.bpe.merges import BASES
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE
from grover_probe.vocabulary.stability import Row, quantile

PSEUDOCOUNT = 1.0  # counts added to each column of the matrix, split by the background
UNIT = 0.01  # bits; scores are whole multiples of it, which makes their distribution exact
_NO_SITE = -(1 << 30)


@dataclass(frozen=True)
class Motif:
    """A position frequency matrix.

    Attributes
    ----------
    name
        As its file says, else the file's name.
    counts
        Occurrences of A, C, G, T at each position: float64, shape (4, width).
    """

    name: str
    counts: np.ndarray

    __repr__ = brief

    @property
    def width(self) -> int:
        """Bases."""
        return self.counts.shape[1]

    def weights(self, background: np.ndarray) -> np.ndarray:
        """Log-odds in units of 0.01 bit.

        Parameters
        ----------
        background
            Frequencies of A, C, G, T, shape (4,).

        Returns
        -------
        np.ndarray
            int32, shape (4, width): log2 of the frequency, with one pseudocount per column, over the background.
        """
        prior = background[:, None]
        frequency = (self.counts + PSEUDOCOUNT * prior) / (self.counts.sum(axis=0) + PSEUDOCOUNT)
        return np.round(np.log2(frequency / prior) / UNIT).astype(np.int32)


@dataclass(frozen=True)
class Sites:
    """Occurrences of a motif on one sequence.

    Attributes
    ----------
    starts
        First base of each on the forward strand, int64, sorted.
    forward
        True where the motif reads on the forward strand.
    """

    starts: np.ndarray
    forward: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.starts)


def read_pfm(path: Path | str) -> Motif:
    """Read a matrix in JASPAR format: an optional ``>ID NAME``, then four rows of counts, A, C, G and T.

    The rows may begin with their letter and have brackets around the counts, or be bare numbers.

    Raises
    ------
    InputError
        When the file is not one such matrix; the message names the line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text; expected a matrix in JASPAR format") from error
    name = path.name.split(".")[0]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            if rows:
                raise InputError(f"{path}:{number}: a second matrix; expected one, so cut the file")
            name = line[1:].split()[0] if line[1:].split() else name
        elif line.strip():
            rows.append(_pfm_row(line, f"{path}:{number}", len(rows)))
    if len(rows) != 4 or len({len(row) for row in rows}) != 1:
        raise InputError(f"{path}: rows of {[len(row) for row in rows]} counts; expected four of equal length")
    counts = np.array(rows)
    if not counts.size or (counts < 0).any() or (counts.sum(axis=0) <= 0).any():
        raise InputError(f"{path}: counts must be 0 or more, with something in each of the columns")
    return Motif(name, counts)


def _pfm_row(line: str, where: str, number: int) -> list[float]:
    words = line.replace("[", " ").replace("]", " ").split()
    if words and words[0].upper() in BASES:
        if number > 3 or words[0].upper() != BASES[number]:
            raise InputError(f"{where}: row {words[0]}; expected rows in the order A, C, G, T")
        words = words[1:]
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected counts of one base, as in JASPAR format") from error


def score_threshold(weights: np.ndarray, background: np.ndarray, p_value: float) -> int:
    """The lowest score that a random sequence reaches with at most this probability.

    Parameters
    ----------
    weights
        Whole numbers, shape (4, width).
    background
        Probabilities of A, C, G, T in the random sequence, whose bases are independent.
    p_value
        Per place and strand.

    Returns
    -------
    int
        In the units of the weights, from the exact distribution of scores; one above the best score when even that is
        more likely.
    """
    low = int(weights.min(axis=0).sum())
    chance = np.ones(1)
    for column in weights.T:
        shifted = column - column.min()
        longer = np.zeros(len(chance) + int(shifted.max()))
        for offset, share in zip(shifted.tolist(), background.tolist(), strict=True):
            longer[offset : offset + len(chance)] += share * chance
        chance = longer
    at_least = np.cumsum(chance[::-1])[::-1]
    reached = np.flatnonzero(at_least <= p_value * (1 + 1e-9))
    return low + (int(reached[0]) if len(reached) else len(chance))


def find_sites(codes: np.ndarray, weights: np.ndarray, threshold: int) -> Sites:
    """Places where a motif scores at least the threshold on either strand.

    A place where both strands do counts once, for the better one. Places with a base other than A, C, G, T have none.
    """
    forward = np.ascontiguousarray(weights.T, dtype=np.int64)
    backward = np.ascontiguousarray(weights[::-1, ::-1].T, dtype=np.int64)
    starts, strands = [], []
    step = 1 << 22
    for begin in range(0, max(len(codes) - len(forward) + 1, 0), step):
        part = codes[begin : begin + step + len(forward) - 1]
        plus, minus = (_scores(part, matrix, _rest(matrix), threshold) for matrix in (forward, backward))
        found = np.flatnonzero(np.maximum(plus, minus) >= threshold)
        starts.append(found + begin)
        strands.append(plus[found] >= minus[found])
    if not starts:
        return Sites(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))
    return Sites(np.concatenate(starts), np.concatenate(strands))


def _rest(matrix: np.ndarray) -> np.ndarray:
    """Best score that the positions from each one on can still add, shape (width + 1,)."""
    return np.concatenate((np.cumsum(matrix.max(axis=1)[::-1])[::-1], [0]))


@njit(nogil=True, cache=True)
def _scores(codes: np.ndarray, matrix: np.ndarray, rest: np.ndarray, threshold: int) -> np.ndarray:
    """Score at each place, or a very low number where it stays below the threshold."""
    width = len(matrix)
    found = np.full(len(codes) - width + 1, _NO_SITE, dtype=np.int64)
    for i in range(len(found)):
        score = 0
        for j in range(width):
            if codes[i + j] >= N_CODE or score + rest[j] < threshold:
                score = _NO_SITE
                break
            score += matrix[j, codes[i + j]]
        if score >= threshold:
            found[i] = score
    return found


def cut_patterns(encoding: Encoding, lengths: np.ndarray, sites: Sites, width: int) -> np.ndarray:
    """Boundaries of tokens at and inside each occurrence, in the motif's direction.

    Returns
    -------
    np.ndarray
        bool, shape (n_sites, width + 1): True at j where a boundary lies before base j of the motif; the first and the
        last column say whether its ends are boundaries.
    """
    starts = encoding.starts.astype(np.int64)
    places = sites.starts[:, None] + np.arange(width + 1)
    found = _among(starts, places) | _among(starts + lengths[encoding.ids], places)
    found[~sites.forward] = found[~sites.forward][:, ::-1]
    return found


def _among(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether each value is one of some sorted ones; bool, the shape of the values."""
    if not len(ordered):
        return np.zeros(values.shape, dtype=bool)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def broken_motifs(name: str, patterns: np.ndarray) -> Iterator[Row]:
    """Into how many tokens are the occurrences of a motif broken, and always in the same way?

    Parameters
    ----------
    name
        Of the diagnostic.
    patterns
        Of all occurrences, as `cut_patterns` gives them.

    Yields
    ------
    ``tokens`` (mean, median, p95): tokens with at least one base in the occurrence; ``whole``: share of occurrences
    that begin and end with a token; ``patterns``: different sets of boundaries inside, ``commonest_pattern``: share of
    the occurrences that have the commonest one.
    """
    n = len(patterns)
    if not n:
        yield name, "tokens_mean", float("nan"), 0
        return
    tokens = patterns[:, 1:-1].sum(axis=1) + 1
    _, counts = np.unique(patterns[:, 1:-1], axis=0, return_counts=True)
    yield name, "tokens_mean", float(tokens.mean()), n
    yield name, "tokens_median", quantile(tokens, 0.5), n
    yield name, "tokens_p95", quantile(tokens, 0.95), n
    yield name, "whole", float((patterns[:, 0] & patterns[:, -1]).mean()), n
    yield name, "patterns", float(len(counts)), n
    yield name, "commonest_pattern", float(counts.max() / n), n
