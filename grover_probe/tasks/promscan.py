"""PromScan: which 1 kb window of the 10 kb around a transcription start site holds the promoter?"""

from typing import Any, Literal, get_args

import numpy as np

from grover_probe.errors import InputError
from grover_probe.genome import Genome, decode_bases
from grover_probe.tasks.building import assemble
from grover_probe.tasks.dataset import DataSet
from grover_probe.tasks.inner import FLANK
from grover_probe.tasks.prom300 import AFTER, BEFORE, promoter_span
from grover_probe.tasks.sources import Strands
from grover_probe.tasks.splits import SplitRule
from grover_probe.tasks.tss import Tss

REGION, WINDOW = 10_000, 1_000
Place = Literal["random", "centre"]


def promscan(
    genome: Genome,
    tss: Tss,
    rule: SplitRule,
    *,
    region: int = REGION,
    window: int = WINDOW,
    place: str = "random",
    flank: int = FLANK,
    seed: int = 0,
) -> DataSet:
    """Windows around start sites; the one that holds the whole promoter (-250 to +50) is class 1.

    Parameters
    ----------
    genome
        The sequences.
    tss
        Start sites. A window that touches the promoter of another of them is left out: it would be a false
        negative.
    rule
        How sites are divided; the windows of one site stay together.
    region, window
        Bases; the region has a whole number of windows.
    place
        Where the promoter lies in its window: ``random``, anywhere inside, so that place says nothing; ``centre``,
        always in its middle. The window before or after the middle of the region holds it, drawn likewise.
    flank
        Bases kept on both sides of each window for tokenising.
    seed
        Decides the places.

    Raises
    ------
    InputError
        For settings that cannot be, or when no site has its whole region.
    """
    promoter = BEFORE + AFTER
    if place not in get_args(Place):
        raise InputError(f"place {place!r}: expected one of {', '.join(get_args(Place))}")
    if window < promoter or region < 2 * window or region % window or flank < 0:
        raise InputError(
            f"a region of {region} bases in windows of {window}: expected windows of at least {promoter} bases and a "
            "region of two or more whole windows"
        )
    rng = np.random.default_rng(seed)
    strands, others = Strands(genome), _Promoters(tss)
    rows: list[dict[str, Any]] = []
    missing = shared = 0
    for index in range(len(tss)):
        chrom, position, forward = str(tss.chrom[index]), int(tss.position[index]), bool(tss.forward[index])
        lead = int(rng.integers(0, window - promoter + 1))  # bases of the window before the promoter
        holder = region // window // 2 - int(rng.integers(0, 2))
        if place == "centre":
            lead = (window - promoter) // 2
        upstream = holder * window + lead + BEFORE
        begin = position - upstream if forward else position + upstream + 1 - region
        codes = strands.codes(chrom, begin - flank, begin + region + flank, forward)
        if codes is None:
            missing += 1
            continue
        group = f"{tss.name[index]}:{chrom}:{position}:{'+' if forward else '-'}"
        for number in range(region // window):
            low = number * window
            start = begin + low if forward else begin + region - low - window
            if number != holder and others.touch(chrom, start, start + window):
                shared += 1
                continue
            left, inside, right = np.split(codes[low : low + window + 2 * flank], [flank, flank + window])
            example = {"id": f"{group}:{number}", "chrom": chrom, "start": start, "end": start + window}
            example |= {"strand": "+" if forward else "-", "group": group, "label": int(number == holder)}
            texts = zip(("sequence", "left", "right"), (inside, left, right), strict=True)
            rows.append(example | {name: decode_bases(part) for name, part in texts})
    if not rows:
        raise InputError(f"none of {len(tss)} start sites has its {region:,} bases and flanks in {genome.path.name}")
    return assemble(
        "promscan",
        rows,
        rule,
        description=f"{region:,} bases around transcription start sites, on the gene's strand, in windows of "
        f"{window:,}. Class 1: the window that holds -{BEFORE} to +{AFTER}, "
        f"{'at a random place' if place == 'random' else 'in the middle'}. One group per site.",
        left_out={
            **{f"start sites: {reason}": count for reason, count in tss.counts.items()},
            "start sites near an N or an end of a sequence": missing,
            "windows that touch the promoter of another site": shared,
        },
        details={},
    )


class _Promoters:
    """The promoters of all sites, to ask whether a window touches one."""

    def __init__(self, tss: Tss) -> None:
        self._starts: dict[str, np.ndarray] = {}
        for chrom in set(tss.chrom):
            here = np.flatnonzero(tss.chrom == chrom)
            spans = [promoter_span(int(tss.position[i]), bool(tss.forward[i])) for i in here]
            self._starts[str(chrom)] = np.sort(np.array([start for start, _ in spans], dtype=np.int64))

    def touch(self, chrom: str, start: int, end: int) -> bool:
        """Whether a promoter shares a base with [start, end); all have the same length."""
        starts = self._starts[chrom]
        first = int(np.searchsorted(starts, start - BEFORE - AFTER, side="right"))
        return first < len(starts) and int(starts[first]) < end
