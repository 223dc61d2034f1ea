"""The tokenised genome: token ids with their base offsets. `grover_probe.corpus_files` keeps it on disk.

Tokens follow each other without a gap inside a *run*. A run ends at an N, at a chromosome's end or where tokens were
left out; windows never cross the end of a run.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from grover_probe.command import track
from grover_probe.errors import InputError
from grover_probe.genome import Genome, Region, short_name
from grover_probe.provenance import describe_file

_LIMIT_IDS, _LIMIT_BASES = 1 << 16, 1 << 32  # of uint16 and uint32
_NO_RANGES = np.empty((0, 2), dtype=np.int64)


class Encoded(Protocol):
    """What a tokenizer returns for a sequence."""

    @property
    def ids(self) -> np.ndarray:
        """Token ids, uint16, shape (n_tokens,)."""
        ...

    @property
    def starts(self) -> np.ndarray:
        """First base of each token, shape (n_tokens,)."""
        ...


class Tokenizer(Protocol):
    """What a corpus needs of a tokenizer: BPE, fixed k-mers, a peer's."""

    @property
    def hash(self) -> str:
        """SHA-256 of the content that decides the ids."""
        ...

    @property
    def lengths(self) -> np.ndarray:
        """Bases per token, by id; 0 for special tokens. Shape (n_ids,)."""
        ...

    def encode(self, codes: np.ndarray) -> Encoded:
        """Ids and first base of each token of a sequence of base codes; N belong to no token."""
        ...


@dataclass(frozen=True)
class Corpus:
    """Tokens of one genome, or of part of it.

    Attributes
    ----------
    ids
        uint16, shape (n_tokens,): chromosomes one after another.
    starts
        uint32, shape (n_tokens,): first base of each token on its chromosome.
    chroms
        Chromosome names, in corpus order.
    bounds
        int64, shape (n_chroms + 1,): token range of each chromosome.
    token_lengths
        Bases per token by id, shape (n_ids,).
    meta
        Genome and tokenizer with their hashes.
    """

    ids: np.ndarray
    starts: np.ndarray
    chroms: tuple[str, ...]
    bounds: np.ndarray
    token_lengths: np.ndarray
    meta: dict[str, Any]

    def __repr__(self) -> str:
        where = f"{len(self.chroms):,} sequences" if len(self.chroms) != 1 else self.chroms[0]
        return f"Corpus({len(self):,} tokens on {where})"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tokenizer_hash(self) -> str:
        """Hash of the tokenizer that made the ids."""
        return self.meta["tokenizer"]["hash"]

    def ends(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Base after the last of each token in a token range: int64."""
        part = slice(start, stop)
        return self.starts[part].astype(np.int64) + self.token_lengths[self.ids[part]]

    def runs(self, regions: Iterable[Region] | None = None, *, exclude: Iterable[Region] = ()) -> np.ndarray:
        """Token ranges without a gap.

        Parameters
        ----------
        regions
            Keep only tokens that lie wholly inside one of these; all tokens when None. Regions that overlap count as
            one; a run does not go on from one region into another that only touches it.
        exclude
            Leave out tokens that share a base with one of these.

        Returns
        -------
        np.ndarray
            int64, shape (n_runs, 2): first token and the one after the last, in corpus order.
        """
        inside = None if regions is None else _merged(regions)
        outside = _merged(exclude)
        found = [self._runs_of(index, inside, outside) for index in range(len(self.chroms))]
        return np.concatenate(found) if found else _NO_RANGES

    def _runs_of(self, index: int, inside: dict[str, np.ndarray] | None, outside: dict[str, np.ndarray]) -> np.ndarray:
        first, last = int(self.bounds[index]), int(self.bounds[index + 1])
        starts, ends = self.starts[first:last].astype(np.int64), self.ends(first, last)
        if not len(starts):
            return _NO_RANGES
        here = short_name(self.chroms[index])
        new_run = np.concatenate(([True], starts[1:] != ends[:-1]))
        keep = np.ones(len(starts), dtype=bool)
        if inside is not None:
            bases = inside.get(here, _NO_RANGES)
            tokens = _nonempty(np.searchsorted(starts, bases[:, 0]), np.searchsorted(ends, bases[:, 1], side="right"))
            keep = _covered(tokens, len(starts))
            new_run[tokens[:, 0]] = True
        bases = outside.get(here, _NO_RANGES)
        tokens = _nonempty(np.searchsorted(ends, bases[:, 0], side="right"), np.searchsorted(starts, bases[:, 1]))
        keep &= ~_covered(tokens, len(starts))
        kept = np.flatnonzero(keep)
        if not len(kept):
            return _NO_RANGES
        opens = np.concatenate(([True], kept[1:] != kept[:-1] + 1)) | new_run[kept]
        begins = kept[opens]
        stops = np.concatenate((kept[np.flatnonzero(opens)[1:] - 1], kept[-1:])) + 1
        return np.stack([begins, stops], axis=1).astype(np.int64) + first

    def chrom_of(self, tokens: np.ndarray) -> np.ndarray:
        """Index into `chroms` for each token position."""
        return np.searchsorted(self.bounds, tokens, side="right") - 1


def _merged(regions: Iterable[Region]) -> dict[str, np.ndarray]:
    """Base ranges by short chromosome name, sorted, those that overlap made one: int64, shape (n, 2) each."""
    by_chrom: dict[str, list[list[int]]] = defaultdict(list)
    for region in sorted(regions, key=lambda region: (region.start, region.end)):
        found = by_chrom[short_name(region.chrom)]
        if found and region.start < found[-1][1]:
            found[-1][1] = max(found[-1][1], region.end)
        else:
            found.append([region.start, region.end])
    return {chrom: np.asarray(found, dtype=np.int64) for chrom, found in by_chrom.items()}


def _nonempty(begins: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Token ranges, shape (n, 2), those without a token left out."""
    ranges = np.stack([begins, stops], axis=1)
    return ranges[begins < stops]


def _covered(ranges: np.ndarray, n: int) -> np.ndarray:
    """Which of n tokens lie in any of some ranges: bool, shape (n,)."""
    steps = np.zeros(n + 1, dtype=np.int64)
    np.add.at(steps, ranges[:, 0], 1)
    np.add.at(steps, ranges[:, 1], -1)
    return np.cumsum(steps[:-1]) > 0


def tokenize(
    genome: Genome, tokenizer: Tokenizer, chroms: Iterable[str] | None = None, *, progress: bool = True
) -> Corpus:
    """Tokenise chromosomes of a genome in memory.

    Parameters
    ----------
    genome, tokenizer
        What to encode, and with what.
    chroms
        Chromosome names; all when None.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    InputError
        When a chromosome is not there or none has a base, or when token ids or coordinates pass what a corpus holds.
    """
    names = chosen_chroms(genome, chroms)
    encoded = list(encode_chroms(genome, tokenizer, names, progress=progress))
    return Corpus(
        ids=np.concatenate([ids for ids, _ in encoded]),
        starts=np.concatenate([starts for _, starts in encoded]),
        chroms=names,
        bounds=np.concatenate(([0], np.cumsum([len(ids) for ids, _ in encoded]))).astype(np.int64),
        token_lengths=np.asarray(tokenizer.lengths),
        meta=describe_corpus(genome, tokenizer),
    )


def chosen_chroms(genome: Genome, chroms: Iterable[str] | None) -> tuple[str, ...]:
    """Chromosomes by the genome's own names, each once; all of them when None."""
    return genome.names if chroms is None else tuple(dict.fromkeys(genome.resolve(name) for name in chroms))


def describe_corpus(genome: Genome, tokenizer: Tokenizer) -> dict[str, Any]:
    """What `Corpus.meta` says: what the tokens were made from, by hash."""
    return {"genome": describe_file(genome.path), "tokenizer": {"hash": tokenizer.hash}}


def encode_chroms(
    genome: Genome, tokenizer: Tokenizer, names: Sequence[str], *, progress: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids (uint16) and starts (uint32) of one chromosome after another; see `tokenize`."""
    if len(tokenizer.lengths) > _LIMIT_IDS:
        raise InputError(f"the tokenizer has {len(tokenizer.lengths):,} ids; a corpus holds up to {_LIMIT_IDS:,}")
    n_tokens = 0
    with track(total=sum(genome.lengths[n] for n in names), label="tokenise", unit="bp", unit_scale=True,
               progress=progress) as bar:  # fmt: skip
        for name in names:
            if genome.lengths[name] > _LIMIT_BASES:
                raise InputError(f"{genome.path}: {name} is longer than {_LIMIT_BASES:,} bases; split the sequence")
            encoding = tokenizer.encode(genome.codes(name))
            n_tokens += len(encoding.ids)
            yield encoding.ids.astype(np.uint16), encoding.starts.astype(np.uint32)
            bar.update(genome.lengths[name])
    if not n_tokens:
        raise InputError(f"{genome.path}: no A, C, G or T in {', '.join(names)}; nothing to tokenise")


def concatenate(corpora: Sequence[Corpus]) -> Corpus:
    """One corpus of several that were made with the same tokenizer.

    Raises
    ------
    InputError
        When their tokenizers differ or a chromosome is in two of them.
    """
    if len(corpora) == 1:
        return corpora[0]
    chroms = tuple(chrom for corpus in corpora for chrom in corpus.chroms)
    if len({corpus.tokenizer_hash for corpus in corpora}) > 1:
        raise InputError("the corpora were made with different tokenizers; encode them again with one")
    if len({short_name(chrom) for chrom in chroms}) < len(chroms):
        raise InputError(f"a chromosome is in two of the genomes: {', '.join(chroms)}")
    sizes = [np.diff(corpus.bounds) for corpus in corpora]
    return Corpus(
        ids=np.concatenate([corpus.ids for corpus in corpora]),
        starts=np.concatenate([corpus.starts for corpus in corpora]),
        chroms=chroms,
        bounds=np.concatenate(([0], np.cumsum(np.concatenate(sizes)))).astype(np.int64),
        token_lengths=corpora[0].token_lengths,
        meta={**corpora[0].meta, "genome": [corpus.meta["genome"] for corpus in corpora]},
    )
