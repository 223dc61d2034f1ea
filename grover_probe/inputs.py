"""What commands are given: opened in one way, and described by content for the record of a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.command import note
from grover_probe.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from grover_probe.annotation import Intervals
    from grover_probe.corpus import Corpus, Tokenizer
    from grover_probe.genome import Genome, Region
    from grover_probe.kmer import AnyTokenizer


# As in corpus_files and bpe.files, which load much that a look at names does not need.
_CORPUS, _TOKENIZER = "corpus.json", "tokenizer.json"


def describe_inputs(
    model: str, tokenizer: str | Path | None = None, revision: str | None = None, **files: Path | None
) -> dict[str, Any]:
    """Content of model, tokenizer and input files, by hash: what decides whether an earlier result is still right.

    Parameters
    ----------
    model
        Folder or hub id.
    tokenizer
        As in `open_tokenizer_of`.
    revision
        Of a hub id.
    files
        As in `describe_files`.

    Raises
    ------
    InputError
        When one is not there.
    """
    from grover_probe.models.folder import describe_model

    described = {"model": describe_model(model, revision), **describe_files(**files)}
    return described | {"tokenizer": describe_tokenizer(model, tokenizer, revision)}


def describe_files(**files: Path | None) -> dict[str, Any]:
    """Name, size and hash of input files by option name; those that are None are left out.

    A corpus folder counts as a file: its record holds the hashes of what it was made from.

    Raises
    ------
    InputError
        When one is not there.
    """
    from grover_probe.provenance import describe_file

    found = {}
    for name, path in files.items():
        if path is None:
            continue
        if not (path.is_file() or is_corpus(path)):
            raise InputError(f"{path}: no such file for --{name.replace('_', '-')}")
        found[name] = describe_file(path if path.is_file() else path / _CORPUS)
    return found


def is_corpus(path: Path) -> bool:
    """Whether a path is a corpus folder (`grover_probe.corpus_files`)."""
    return (path / _CORPUS).is_file()


def describe_tokenizer(model: str, tokenizer: str | Path | None = None, revision: str | None = None) -> dict[str, Any]:
    """The ``tokenizer.json`` as a file; where there is none, a name and the hash of what decides the ids."""
    from grover_probe.provenance import describe_file

    given = Path(model if tokenizer is None else tokenizer)
    path = given / _TOKENIZER if given.is_dir() else given
    if path.is_file():
        return describe_file(path)
    name = given.resolve().name if given.is_dir() else str(given)
    return {"name": name, "hash": open_tokenizer_of(model, tokenizer, revision).hash}


def open_tokenizer_of(model: str, tokenizer: str | Path | None = None, revision: str | None = None) -> "AnyTokenizer":
    """The tokenizer that was asked for, else the model's own (at a revision); see `grover_probe.models.load_tokenizer`.

    Raises
    ------
    InputError
        When it cannot be used.
    """
    from grover_probe.models import load_tokenizer

    return load_tokenizer(model, revision) if tokenizer is None else load_tokenizer(tokenizer)


def read_regions(path: Path | None, genome: "Genome", tell: Callable[[str], None] = note) -> "list[Region] | None":
    """Intervals of a BED file on a genome, None without a file; `tell` hears of those that lie elsewhere.

    Raises
    ------
    InputError
        When a line cannot be used, or none lies on the genome.
    """
    from grover_probe.annotation import read_bed

    if path is None:
        return None
    found, elsewhere = read_bed(path, genome)
    _tell_elsewhere(path, elsewhere, genome, tell)
    return found


def read_repeats(path: Path | None, genome: "Genome") -> "Intervals | None":
    """The bases that the intervals of a BED file cover, None without a file; a note tells of those that lie elsewhere.

    Raises
    ------
    InputError
        As `read_regions`.
    """
    from grover_probe.annotation import read_intervals

    if path is None:
        return None
    found = read_intervals(path, genome)
    _tell_elsewhere(path, found.elsewhere, genome, note)
    return found


def _tell_elsewhere(path: Path, n: int, genome: "Genome", tell: Callable[[str], None]) -> None:
    if n:
        tell(f"{path}: {n:,} intervals lie on sequences that {genome.path.name} does not have; left out")


def chroms_of(regions: "Sequence[Region] | None", genome: "Genome") -> list[str] | None:
    """Sequences that hold some regions, in the genome's order; None, which means all, without regions."""
    return None if regions is None else sorted({region.chrom for region in regions}, key=genome.names.index)


def tokenize_regions(
    genome: "Genome", tokenizer: "Tokenizer", regions: "Sequence[Region] | None", *, progress: bool
) -> "tuple[Corpus, np.ndarray]":
    """Tokens of the sequences that hold some regions, or of all, and the token ranges inside (`Corpus.runs`)."""
    from grover_probe.corpus import tokenize

    corpus = tokenize(genome, tokenizer, chroms_of(regions, genome), progress=progress)
    return corpus, corpus.runs(regions)
