"""Tokens of a short sequence as they are in its surroundings: tokenised with flank, the flank cut away afterwards."""

from collections.abc import Sequence

import numpy as np

from grover_probe.bpe.encode import Encoding
from grover_probe.genome import encode_bases
from grover_probe.kmer import AnyTokenizer

FLANK = 100  # bases on each side; the authors of GROVER advise at least this many


def inner_tokens(
    tokenizer: AnyTokenizer,
    sequences: Sequence[str],
    left: Sequence[str] | None = None,
    right: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """Token ids of sequences.

    Parameters
    ----------
    tokenizer
        Byte pairs or k-mers.
    sequences
        Texts; anything but A, C, G and T (either case) belongs to no token.
    left, right
        What stands before and after each. With them a token counts when it lies wholly inside the sequence, so that the
        first and the last bases may be in none.

    Returns
    -------
    list of np.ndarray
        int64 ids of each sequence, without special tokens.
    """
    before = list(left) if left is not None else [""] * len(sequences)
    after = list(right) if right is not None else [""] * len(sequences)
    lengths = tokenizer.lengths
    found = []
    whole = [encode_bases(a + b + c) for a, b, c in zip(before, sequences, after, strict=True)]
    for encoding, skip, sequence in zip(_encode(tokenizer, whole), before, sequences, strict=True):
        inside = tokens_within(encoding, lengths, len(skip), len(skip) + len(sequence))
        found.append(encoding.ids[inside].astype(np.int64))
    return found


def tokens_within(encoding: Encoding, lengths: np.ndarray, start: int, end: int) -> np.ndarray:
    """Whether each token lies wholly within [start, end): bool.

    Parameters
    ----------
    encoding
        Tokens of the whole sequence.
    lengths
        Bases of each token by id.
    start, end
        Bases.
    """
    begins = encoding.starts.astype(np.int64)
    return (begins >= start) & (begins + lengths[encoding.ids] <= end)


def _encode(tokenizer: AnyTokenizer, sequences: list[np.ndarray]) -> list[Encoding]:
    batch = getattr(tokenizer, "encode_batch", None)  # not part of the protocol, but quicker for byte pairs
    return [tokenizer.encode(codes) for codes in sequences] if batch is None else batch(sequences)
