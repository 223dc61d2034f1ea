"""The result of a region: a table of its tokens, a track, and the annotation that lies in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.annotation import Annotation
from grover_probe.corpus import Corpus
from grover_probe.data.sample import SLICE_NAME
from grover_probe.evaluate.along import Reading
from grover_probe.evaluate.answers import Answers
from grover_probe.genome import Region
from grover_probe.overlap.inputs import restricted
from grover_probe.overlap.tracks import write_track

FILES = ("tokens.tsv", "annotation.tsv", "probability.bedgraph")
# Of the embedded slice: 30 kb with genes, CpG islands and repeats; annotation by name, file and column of classes.
SAMPLE_REGION = Region(SLICE_NAME, 3_020_000, 3_050_000)
SAMPLE_ANNOTATION = (
    ("repeats", "repeats.bed.gz", ":7"),
    ("genes", "genes.bed.gz", ":4"),
    ("exons", "exons.bed.gz", ""),
    ("cpg_islands", "cpg_islands.bed.gz", ""),
    ("ctcf", "ctcf.bed.gz", ""),
    ("chromatin", "chromatin_states.bed.gz", ":4"),
)
_COLUMNS = ["annotation", "class", "chrom", "start", "end", "strand"]


@dataclass(frozen=True)
class Along:
    """What a model says of each token of a region.

    Attributes
    ----------
    tokens
        One row per token, in order: ``chrom``, ``start``, ``end``, ``token``, ``probability`` of the true token while
        it is masked, ``top1`` (1 where it is the most probable), and the same of bigrams: ``bigram_probability``,
        ``bigram_top1``.
    annotation
        One row per interval that touches the region, cut at its edges: ``annotation``, ``class``, ``chrom``,
        ``start``, ``end``, ``strand`` (``+``, ``-`` or ``.``).
    corpus
        The tokens of the region.
    """

    tokens: pd.DataFrame
    annotation: pd.DataFrame
    corpus: Corpus

    def __repr__(self) -> str:
        return f"Along({len(self.tokens):,} tokens, {len(self.annotation):,} intervals)"

    def to_frame(self) -> pd.DataFrame:
        """The table of tokens."""
        return self.tokens

    def save(self, folder: Path, chrom_lengths: Mapping[str, int]) -> None:
        """Write the files of `FILES`; the track holds the probabilities."""
        for name, table in zip(FILES, (self.tokens, self.annotation), strict=False):
            table.to_csv(folder / name, sep="\t", index=False, float_format="%.5g")
        write_track(self.corpus, self.tokens["probability"].to_numpy(), chrom_lengths, folder / FILES[2])


def along(
    corpus: Corpus, reading: Reading, pieces: Sequence[str], model: Answers, bigrams: Answers, annotation: pd.DataFrame
) -> Along:
    """Put answers beside the tokens; `pieces` are the sequences of the tokens in id order."""
    positions = reading.positions
    starts = corpus.starts[positions].astype(np.int64)
    table = pd.DataFrame(
        {
            "chrom": np.array(corpus.chroms, dtype=object)[corpus.chrom_of(positions)],
            "start": starts,
            "end": starts + corpus.token_lengths[corpus.ids[positions]],
            "token": [pieces[target] for target in model.targets],
        }
    )
    for prefix, answers in (("", model), ("bigram_", bigrams)):
        table[f"{prefix}probability"] = np.exp(-answers.nats)
        table[f"{prefix}top1"] = (answers.ranks == 0).astype(np.int64)
    return Along(table, annotation, restricted(corpus, reading.asked))


def intervals_inside(annotations: Sequence[Annotation], region: Region) -> pd.DataFrame:
    """The intervals of some annotations that touch a region, not merged, cut at its edges; columns as in `Along`."""
    parts = []
    for each in annotations:
        on_chrom = np.array(each.chroms, dtype=object)[each.chrom] == region.chrom
        chosen = np.flatnonzero(on_chrom & (each.start < region.end) & (each.end > region.start))
        chosen = chosen[np.lexsort((each.end[chosen], each.start[chosen]))]
        part = pd.DataFrame(index=range(len(chosen)), columns=_COLUMNS)
        part["annotation"], part["chrom"] = each.name, region.chrom
        part["class"] = np.array(each.class_names, dtype=object)[each.klass[chosen]]
        part["start"] = np.maximum(each.start[chosen], region.start)
        part["end"] = np.minimum(each.end[chosen], region.end)
        part["strand"] = np.array([".", "+", "-"], dtype=object)[each.strand[chosen]]
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
