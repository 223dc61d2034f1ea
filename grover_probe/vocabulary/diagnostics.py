"""All diagnostics of tokenizers on one genome, in one table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.command import track
from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.genome import Genome
from grover_probe.kmer import AnyTokenizer
from grover_probe.vocabulary import stability
from grover_probe.vocabulary.longest import longest_match
from grover_probe.vocabulary.motif import Motif, Sites, broken_motifs, cut_patterns, find_sites, score_threshold
from grover_probe.vocabulary.stability import CONTEXT, FRAMES, MAX_SHIFT, Row
from grover_probe.vocabulary.windows import draw_windows

COLUMNS = ["tokenizer", "diagnostic", "statistic", "value", "n"]


@dataclass(frozen=True)
class Diagnostics(ShowsTable):
    """How tokenizers behave on a genome.

    Attributes
    ----------
    table
        One row per number: tokenizer, diagnostic, statistic, value, n (windows, or occurrences of the motif). What
        each number is says the function of its diagnostic: `stability.shift`, `stability.cut`,
        `stability.reverse_complement`, `stability.substitution`, `longest.longest_match`, `motif.broken_motifs`.
    """

    table: pd.DataFrame

    def __repr__(self) -> str:
        return f"Diagnostics({len(self.table)} numbers on {', '.join(self.table['tokenizer'].unique())})"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""
        return ("diagnostics.tsv",)

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def overview(self) -> pd.DataFrame:
        """One row per number, one column per tokenizer."""
        wide = self.table.pivot(index=["diagnostic", "statistic"], columns="tokenizer", values="value")
        order = self.table[["diagnostic", "statistic"]].drop_duplicates()
        wide = wide.loc[list(order.itertuples(index=False, name=None)), self.table["tokenizer"].unique()]
        return wide.rename_axis(columns=None).reset_index()

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``diagnostics.tsv`` (numbers with five digits, ``inf`` for never)."""
        path = make_folder(folder) / "diagnostics.tsv"
        with atomic_path(path) as temporary:
            self.table.to_csv(temporary, sep="\t", index=False, float_format="%.5g")
        return [path]


def diagnose(
    tokenizers: Mapping[str, AnyTokenizer],
    genome: Genome,
    *,
    motif: Motif | None = None,
    motif_p_value: float = 1e-5,
    chromosomes: Iterable[str] | None = None,
    windows: int = 5000,
    length: int = 2048,
    seed: int = 0,
    progress: bool = True,
) -> Diagnostics:
    """Ask all tokenizers the same questions on the same random sequences.

    Parameters
    ----------
    tokenizers
        By the name that they get in the table.
    genome
        Where the sequences are from.
    motif
        Looked for in all of the chromosomes; left out when None.
    motif_p_value
        Probability per place and strand with which a random sequence of the genome's base composition scores as high
        as an occurrence must.
    chromosomes
        Names; all when None.
    windows
        Random windows per diagnostic, and random places that the motif is compared with.
    length
        Bases of a window, at least 512.
    seed
        Decides windows, shifts, cuts and substitutions.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    InputError
        When a setting cannot be used or the genome has no stretch without N that is long enough.
    """
    if length < CONTEXT or windows < 1:
        raise InputError(f"{windows} windows of {length} bases: expected at least 1 of at least {CONTEXT} bases")
    if not 0 < motif_p_value < 1:
        raise InputError(f"motif p-value {motif_p_value}: expected a probability between 0 and 1")
    if not tokenizers:
        raise InputError("no tokenizer to diagnose; give at least one")
    rng = np.random.default_rng(seed)
    names = list(genome.names if chromosomes is None else dict.fromkeys(genome.resolve(name) for name in chromosomes))
    # The widest question, `cut`, has context on both sides and a random frame.
    codes = draw_windows(genome, windows, length + 2 * CONTEXT + FRAMES, rng, names).codes
    shifts = rng.integers(1, MAX_SHIFT + 1, size=windows)
    frames = CONTEXT + rng.integers(0, FRAMES, size=windows)
    lengths = length - rng.integers(0, FRAMES, size=windows)
    by = rng.integers(1, 4, size=windows)
    rows: list[tuple[str, Row]] = []
    for name, tokenizer in track(list(tokenizers.items()), label="diagnose", unit="tokenizer", progress=progress):
        narrow = codes[:, :length]
        rows += [
            (name, row)
            for part in (
                stability.shift(tokenizer, codes[:, : length + MAX_SHIFT], shifts, length),
                stability.cut(tokenizer, codes, frames, length),
                stability.reverse_complement(tokenizer, narrow, lengths),
                stability.substitution(tokenizer, codes[:, : 2 * CONTEXT + FRAMES], frames, by),
                longest_match(tokenizer, narrow),
            )
            for row in part
        ]
    if motif is not None:
        rows += _motif_rows(tokenizers, genome, names, motif, motif_p_value, windows, rng, progress)
    rank = {name: i for i, name in enumerate(tokenizers)}
    rows.sort(key=lambda item: rank[item[0]])  # stable: one tokenizer after another
    return Diagnostics(pd.DataFrame([(name, *row) for name, row in rows], columns=COLUMNS))


def _motif_rows(
    tokenizers: Mapping[str, AnyTokenizer],
    genome: Genome,
    names: list[str],
    motif: Motif,
    p_value: float,
    n_random: int,
    rng: np.random.Generator,
    progress: bool,
) -> list[tuple[str, Row]]:
    """Occurrences of the motif, and as many bases at random places, in every tokenizer."""
    counts = np.sum([np.bincount(genome.codes(name), minlength=5)[:4] for name in names], axis=0)
    background = counts / counts.sum()
    if not (background > 0).all():
        raise InputError(f"{genome.path}: a base does not occur at all; the motif's scores need all four")
    weights = motif.weights(background)
    threshold = score_threshold(weights, background, p_value)
    control = draw_windows(genome, n_random, motif.width, rng, names)
    patterns: dict[tuple[str, str], list[np.ndarray]] = {}
    for number, name in enumerate(track(names, label=motif.name, unit="sequence", progress=progress)):
        codes = genome.codes(name)
        here = control.starts[control.chroms == number]
        places = {
            f"motif {motif.name}": find_sites(codes, weights, threshold),
            f"random {motif.width} bases": Sites(here, np.ones(len(here), dtype=bool)),
        }
        for label, tokenizer in tokenizers.items():
            encoding = tokenizer.encode(codes)
            for kind, sites in places.items():
                found = cut_patterns(encoding, tokenizer.lengths, sites, motif.width)
                patterns.setdefault((label, kind), []).append(found)
    return [
        (label, row) for (label, kind), parts in patterns.items() for row in broken_motifs(kind, np.concatenate(parts))
    ]
