"""Tokens of a short sequence as they are in its surroundings: tokenised with flank, the flank cut away afterwards."""

from collections.abc import Sequence

import numpy as np

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
    for codes, skip, sequence in zip(_encode(tokenizer, whole), before, sequences, strict=True):
        begins = codes.starts.astype(np.int64)
        ends = begins + lengths[codes.ids]
        inside = (begins >= len(skip)) & (ends <= len(skip) + len(sequence))
        found.append(codes.ids[inside].astype(np.int64))
    return found


def _encode(tokenizer: AnyTokenizer, sequences: list[np.ndarray]) -> list:
    batch = getattr(tokenizer, "encode_batch", None)  # not part of the protocol, but quicker for byte pairs
    return [tokenizer.encode(codes) for codes in sequences] if batch is None else batch(sequences)
