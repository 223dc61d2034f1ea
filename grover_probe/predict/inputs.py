"""What is predicted on: records of a FASTA, regions of a BED, or windows along either."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, decode_bases, encode_bases
from grover_probe.tasks.dataset import check_sequences
from grover_probe.tasks.formats import FASTA_ENDINGS, ending, read_fasta
from grover_probe.tasks.sources import read_lines

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000  # windows in memory at a time


@dataclass(frozen=True)
class Stretch:
    """A sequence to predict on.

    Attributes
    ----------
    id
        Of the record or region.
    chrom, start
        Where its first base lies: for a FASTA the record's name and 0.
    codes
        Base codes of the sequence with what is known around it, uint8, on the forward strand.
    before, after
        Bases of `codes` that are flank.
    forward
        Strand of a region.
    """

    id: str
    chrom: str
    start: int
    codes: np.ndarray
    before: int
    after: int
    forward: bool = True

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.codes) - self.before - self.after


def read_stretches(
    path: Path, genome: Genome | None, flank: int, truncated: Collection[str] = ()
) -> tuple[list[Stretch], list[str]]:
    """Sequences of a FASTA, or regions of a BED on a genome.

    Parameters
    ----------
    path
        FASTA or BED, plain or gzip.
    genome
        For a BED.
    flank
        Bases on each side that are taken from the genome, where there are so many.
    truncated
        As in `grover_probe.tasks.sources.read_lines`.

    Returns
    -------
    stretches : list of Stretch
        In file order.
    notes : list of str
        Counted warnings.

    Raises
    ------
    InputError
        When the file is neither, or holds letters that are no nucleotides.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; expected a FASTA or BED")
    if ending(path) in FASTA_ENDINGS:
        records = list(read_fasta(path))
        names = [header.split()[0] if header.split() else f"record_{n}" for n, (header, _, _) in enumerate(records, 1)]
        odd = check_sequences([text for _, text, _ in records], [f"{path}:{line}" for _, _, line in records])
        notes = [f"{odd:,} sequences have letters other than A, C, G, T; these belong to no token"] if odd else []
        pairs = zip(names, records, strict=True)
        return [Stretch(name, name, 0, encode_bases(text), 0, 0) for name, (_, text, _) in pairs], notes
    if ending(path) not in (".bed", ".narrowpeak"):
        raise InputError(f"{path}: expected {', '.join(FASTA_ENDINGS)} or .bed (or .gz)")
    if genome is None:
        raise InputError(f"{path}: the sequences of a BED file are in a genome; give --genome")
    lines, left_out = read_lines(path, genome, truncated)
    found = []
    for line in lines:
        begin, stop = max(line.start - flank, 0), min(line.end + flank, genome.lengths[line.chrom])
        codes = genome.codes(line.chrom, begin, stop)
        name = line.column(3) or f"{line.chrom}:{line.start}-{line.end}"
        forward = line.column(5) != "-"
        found.append(Stretch(name, line.chrom, line.start, codes, line.start - begin, stop - line.end, forward))
    return found, [f"left out: {count:,} regions {reason}" for reason, count in left_out.items()]


def whole(stretches: list[Stretch]) -> Iterator["pd.DataFrame"]:
    """Each stretch as one example, on its own strand."""
    rows = []
    for one in stretches:
        rows.append(_row(one, one.id, 0, len(one), len(one.codes), one.forward))
        if len(rows) == CHUNK:
            yield _table(rows)
            rows = []
    if rows:
        yield _table(rows)


def along(
    stretches: list[Stretch], window: int, step: int, flank: int, forward: bool = True
) -> Iterator["pd.DataFrame"]:
    """Windows along each stretch, from its first base; those with an N are left out.

    Parameters
    ----------
    stretches
        Shorter ones than a window have none.
    window, step
        Bases of a window and from one to the next.
    flank
        Bases on each side to tokenise with, where there are so many.
    forward
        The strand that is read.
    """
    rows = []
    for one in stretches:
        known = np.concatenate(([0], np.cumsum(one.codes >= N_CODE)))
        for offset in range(0, len(one) - window + 1, step):
            low = one.before + offset
            if known[low + window] > known[low]:
                continue
            rows.append(_row(one, "", offset, window, flank, forward))
            if len(rows) == CHUNK:
                yield _table(rows)
                rows = []
    if rows:
        yield _table(rows)


def _row(one: Stretch, name: str, offset: int, length: int, flank: int, forward: bool) -> dict[str, object]:
    low = one.before + offset
    parts = [one.codes[max(low - flank, 0) : low], one.codes[low : low + length], one.codes[low + length :][:flank]]
    if not forward:
        parts = [_reverse_complement(part) for part in reversed(parts)]
    left, inside, right = (decode_bases(part) for part in parts)
    start = one.start + offset
    return {
        "id": name or f"{one.chrom}:{start}-{start + length}",
        "chrom": one.chrom,
        "start": start,
        "end": start + length,
        "strand": "+" if forward else "-",
        "sequence": inside,
        "left": left,
        "right": right,
    }


def _reverse_complement(codes: np.ndarray) -> np.ndarray:
    return np.where(codes < N_CODE, 3 - codes, codes)[::-1].astype(np.uint8)


def _table(rows: list[dict[str, object]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows)
