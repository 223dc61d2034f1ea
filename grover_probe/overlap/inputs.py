"""What the commands of overlap read: annotation as it is asked for on the command line, tokens, windows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.annotation import Annotation, NothingHereError, read_annotation
from grover_probe.annotation.reading import MAX_CLASSES
from grover_probe.command import note
from grover_probe.corpus import Corpus
from grover_probe.data.sample import GENOME, sample_path
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import Genome, open_genome
from grover_probe.inputs import describe_files, read_regions, tokenize_regions
from grover_probe.kmer import AnyTokenizer, open_tokenizer
from grover_probe.provenance import describe_file

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ANNOTATION = (
    ("repeats.bed.gz", ":7"),
    ("chromatin_states.bed.gz", ":4"),
    ("exons.bed.gz", ""),
    ("cpg_islands.bed.gz", ""),
)


@dataclass(frozen=True)
class AnnotationOption:
    """One ``--annotation``: a file, the column of its classes and what to call it.

    >>> parse_option("states=chromhmm.bed:4", None)
    AnnotationOption(path=PosixPath('chromhmm.bed'), column='4', name='states')
    """

    path: Path
    column: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything that a command works on.

    Attributes
    ----------
    genome, tokenizer, corpus
        The tokens and where they are from.
    runs
        Token ranges that count, shape (n, 2).
    annotations
        Those that lie on the genome.
    skipped
        One sentence for each file that does not.
    files
        What the record of the run says about the files.
    """

    genome: Genome
    tokenizer: AnyTokenizer
    corpus: Corpus
    runs: np.ndarray
    annotations: tuple[Annotation, ...]
    skipped: tuple[str, ...]
    files: dict[str, Any]

    __repr__ = brief


def parse_option(text: str, class_column: str | None) -> AnnotationOption:
    """Read ``FILE``, ``NAME=FILE`` or either with ``:COLUMN`` behind; `class_column` is for those without."""
    name, found = None, re.fullmatch(r"([^=/]+)=(.+)", text)
    if found and not Path(text).exists():
        name, text = found[1], found[2]
    split = re.fullmatch(r"(.+):([^:/\\]+)", text)
    if split and not Path(text).exists():
        return AnnotationOption(Path(split[1]), split[2], name)
    return AnnotationOption(Path(text), class_column, name)


def read_annotations(
    options: Sequence[str], class_column: str | None, genome: Genome, most_classes: int = MAX_CLASSES
) -> tuple[tuple[Annotation, ...], tuple[str, ...], list[dict[str, Any]]]:
    """Annotations on the genome, why others are left out, and what the record says about the files.

    Raises
    ------
    InputError
        When a file cannot be used, or none has anything on the genome.
    """
    found, skipped, described = [], [], []
    for text in options:
        option = parse_option(text, class_column)
        try:
            annotation = read_annotation(option.path, genome, option.column, option.name, most_classes)
        except NothingHereError as error:
            if len(options) == 1:
                raise
            note(f"skipped: {error}")
            skipped.append(str(error))
            continue
        for message in annotation.notes:
            note(message)
        found.append(annotation)
        described.append({"name": annotation.name, **describe_file(option.path), "column": option.column})
    if options and not found:
        raise InputError(f"none of the annotations lies on the genome: {skipped[0]}")
    return tuple(found), tuple(skipped), described


def open_inputs(
    tokenizer: str | None,
    genome: Path | None,
    annotation: Sequence[str] | None,
    class_column: str | None,
    regions: Path | None,
    *,
    progress: bool,
) -> Inputs:
    """Open and tokenise what the options name; the embedded sample for what they do not.

    Raises
    ------
    InputError
        When a file cannot be used.
    """
    sequences = open_genome(sample_path(GENOME) if genome is None else genome)
    scheme = open_tokenizer(str(sample_path("checkpoint")) if tokenizer is None else tokenizer)
    if annotation is None and genome is None:
        annotation = [str(sample_path(name)) + column for name, column in SAMPLE_ANNOTATION]
    annotations, skipped, described = read_annotations(annotation or (), class_column, sequences)
    corpus, runs = tokenize_regions(sequences, scheme, read_regions(regions, sequences), progress=progress)
    files = {
        **describe_files(genome=sequences.path, regions=regions),
        "tokenizer": {"hash": scheme.hash},
        "annotation": described,
    }
    return Inputs(sequences, scheme, corpus, runs, annotations, skipped, files)


def token_windows(corpus: Corpus, runs: np.ndarray, length: int) -> "pd.DataFrame":
    """Windows of `length` tokens as a table: ``chrom``, ``start``, ``end``, ``n_tokens``."""
    import pandas as pd

    from grover_probe.windows import fixed_windows

    windows = fixed_windows(runs, length)
    last = windows[:, 1] - 1
    return pd.DataFrame(
        {
            "chrom": np.array(corpus.chroms, dtype=object)[corpus.chrom_of(windows[:, 0])],
            "start": corpus.starts[windows[:, 0]].astype(np.int64),
            "end": corpus.starts[last].astype(np.int64) + corpus.token_lengths[corpus.ids[last]],
            "n_tokens": windows[:, 1] - windows[:, 0],
        }
    )


def restricted(corpus: Corpus, runs: np.ndarray) -> Corpus:
    """A corpus of the tokens in `runs` alone."""
    kept = np.concatenate([np.arange(begin, stop) for begin, stop in runs])
    bounds = np.searchsorted(kept, corpus.bounds)
    return replace(corpus, ids=corpus.ids[kept], starts=corpus.starts[kept], bounds=bounds)
