"""Tokens for a genome browser: positions as BED, boundaries and values per token as bedGraph or bigWig."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from grover_probe.corpus import Corpus
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.files import atomic_path

_BLOCK = 1 << 20  # rows that are written at a time
Stretches = tuple[np.ndarray, np.ndarray, np.ndarray]


def write_positions(corpus: Corpus, pieces: Sequence[str], tokens: Sequence[str], path: Path | str) -> int:
    """Write every occurrence of some tokens as BED6, in order of position.

    Parameters
    ----------
    corpus
        The tokens.
    pieces
        Sequences of the tokens in id order, special tokens left out.
    tokens
        Sequences of the wanted tokens; all tokens when empty.
    path
        A file whose name ends in ``.bed`` or ``.bed.gz``.

    Returns
    -------
    int
        Occurrences.

    Raises
    ------
    InputError
        When a token is not in the vocabulary or the file has another ending.
    """
    path = Path(path)
    if not path.name.endswith((".bed", ".bed.gz")):
        raise InputError(f"{path}: expected a name that ends in .bed or .bed.gz")
    n_special = len(corpus.token_lengths) - len(pieces)
    first = int(np.flatnonzero(corpus.token_lengths)[0]) if n_special else 0
    check_tokens(tokens, pieces)
    wanted = np.zeros(len(corpus.token_lengths), dtype=bool)
    wanted[[first + list(pieces).index(token) for token in tokens] or slice(None)] = True
    names = np.array([""] * first + list(pieces) + [""] * (n_special - first))
    n = 0
    with atomic_path(path) as temporary, _text_file(temporary) as handle:
        for chrom, begin, stop in _blocks(corpus):
            chosen = begin + np.flatnonzero(wanted[corpus.ids[begin:stop]])
            ids = corpus.ids[chosen]
            starts = corpus.starts[chosen].astype(np.int64)
            _write_rows(handle, chrom, starts, starts + corpus.token_lengths[ids], names[ids], "\t0\t+")
            n += len(chosen)
    return n


def check_tokens(tokens: Sequence[str], pieces: Sequence[str]) -> None:
    """Refuse what is not in the vocabulary.

    Raises
    ------
    InputError
        For the first token that is not.
    """
    unknown = [token for token in tokens if token not in pieces]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no token of this tokenizer; tokens are in capitals, such as {pieces[-1]}")


def write_boundaries(corpus: Corpus, chrom_lengths: Mapping[str, int], path: Path | str) -> None:
    """Write a track that is 1 at the first base of each token and has no value elsewhere (see `write_track`)."""
    parts = {}
    for chrom, begin, stop in _chromosomes(corpus):
        starts = corpus.starts[begin:stop].astype(np.int64)
        parts[chrom] = (starts, starts + 1, np.ones(len(starts)))
    write_stretches(parts, chrom_lengths, path)


def write_track(corpus: Corpus, values: np.ndarray, chrom_lengths: Mapping[str, int], path: Path | str) -> None:
    """Write a value of each token along the genome, at all bases of its occurrences.

    Parameters
    ----------
    corpus
        The tokens.
    values
        One value per token id, shape (n_ids,), such as self-similarity; or one per occurrence, shape (n_tokens,), such
        as masked accuracy. Values that are not finite give no bases.
    chrom_lengths
        Lengths of the genome's sequences, as `grover_probe.genome.Genome.lengths`.
    path
        A file whose name ends in ``.bedgraph``, ``.bedgraph.gz``, ``.bw`` or ``.bigwig``.

    Raises
    ------
    InputError
        When there are neither as many values as ids nor as tokens, none is finite, or the file has another ending.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape not in ((len(corpus.token_lengths),), (len(corpus),)):
        raise InputError(
            f"values of shape {values.shape}; expected one per id ({len(corpus.token_lengths):,}) or per token "
            f"({len(corpus):,})"
        )
    per_id = len(values) == len(corpus.token_lengths)
    parts = {}
    for chrom, begin, stop in _chromosomes(corpus):
        found = values[corpus.ids[begin:stop]] if per_id else values[begin:stop]
        keep = np.isfinite(found)
        starts, ends = corpus.starts[begin:stop].astype(np.int64)[keep], corpus.ends(begin, stop)[keep]
        parts[chrom] = _joined(starts, ends, found[keep])
    write_stretches(parts, chrom_lengths, path)


def write_stretches(parts: Mapping[str, Stretches], chrom_lengths: Mapping[str, int], path: Path | str) -> None:
    """Write stretches with a value (starts, ends, values; sorted, not overlapping) of each chromosome.

    Raises
    ------
    InputError
        When there are none, or the file's name has another ending than those of `write_track`.
    """
    path = Path(path)
    parts = {chrom: parts[chrom] for chrom in chrom_lengths if chrom in parts and len(parts[chrom][0])}
    if not parts:
        raise InputError(f"{path}: no token has a finite value; nothing to write")
    with atomic_path(path) as temporary:
        if path.name.endswith((".bedgraph", ".bedgraph.gz")):
            with _text_file(temporary) as handle:
                for chrom, (starts, ends, values) in parts.items():
                    for at in range(0, len(starts), _BLOCK):
                        rows = slice(at, at + _BLOCK)
                        _write_rows(handle, chrom, starts[rows], ends[rows], values[rows])
        elif path.suffix in (".bw", ".bigwig"):
            _write_bigwig(parts, chrom_lengths, temporary)
        else:
            raise InputError(f"{path}: expected a name that ends in .bedgraph, .bedgraph.gz, .bw or .bigwig")


def _write_bigwig(parts: Mapping[str, Stretches], chrom_lengths: Mapping[str, int], path: Path) -> None:
    try:
        import pyBigWig
    except ImportError as error:
        raise MissingDependencyError("bigWig needs pyBigWig; pip install 'grover-probe[annotation]'") from error
    with pyBigWig.open(str(path), "w") as handle:
        handle.addHeader(list(chrom_lengths.items()))
        for chrom, (starts, ends, values) in parts.items():
            for at in range(0, len(starts), _BLOCK):
                rows = slice(at, at + _BLOCK)
                handle.addEntries(
                    np.full(len(starts[rows]), chrom), starts[rows], ends=ends[rows], values=values[rows]
                )  # fmt: skip


def _joined(starts: np.ndarray, ends: np.ndarray, values: np.ndarray) -> Stretches:
    """Neighbours with the same value as one stretch."""
    if not len(starts):
        return starts, ends, values
    opens = np.ones(len(starts), dtype=bool)
    opens[1:] = (starts[1:] != ends[:-1]) | (values[1:] != values[:-1])
    closes = np.append(opens[1:], True)
    return starts[opens], ends[closes], values[opens]


def _chromosomes(corpus: Corpus) -> Iterator[tuple[str, int, int]]:
    """Name and token range of each chromosome."""
    yield from zip(corpus.chroms, corpus.bounds[:-1].tolist(), corpus.bounds[1:].tolist(), strict=True)


def _blocks(corpus: Corpus) -> Iterator[tuple[str, int, int]]:
    for chrom, begin, stop in _chromosomes(corpus):
        for at in range(begin, stop, _BLOCK):
            yield chrom, at, min(at + _BLOCK, stop)


@contextmanager
def _text_file(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """A file to write, packed when its name says so; the same content gives the same bytes."""
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                yield packed
        else:
            yield raw


def _write_rows(
    handle: IO[bytes] | gzip.GzipFile,
    chrom: str,
    starts: np.ndarray,
    ends: np.ndarray,
    last: np.ndarray,
    more: str = "",
) -> None:
    if last.dtype.kind == "f":
        last = np.char.mod("%.6g", last)
    rows = zip(starts.tolist(), ends.tolist(), last.tolist(), strict=True)
    handle.write("".join(f"{chrom}\t{start}\t{end}\t{value}{more}\n" for start, end, value in rows).encode())
