"""CTCF: which occurrences of the motif are bound?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from grover_probe.annotation import Intervals, merge
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.genome import N_CODE, Genome, decode_bases
from grover_probe.tasks.building import assemble
from grover_probe.tasks.dataset import DataSet
from grover_probe.tasks.inner import FLANK
from grover_probe.tasks.matching import match, standardised_differences
from grover_probe.tasks.sources import BedLine, Strands
from grover_probe.tasks.splits import SplitRule
from grover_probe.vocabulary.motif import UNIT, Motif, find_sites, score_threshold

P_VALUE = 1e-5  # per place and strand
WIDTH = 500
FEW_PEAKS_WITH_MOTIF = 0.1
Orient = Literal["genome", "motif"]
_TRAITS = ("gc", "cpg", "score")


@dataclass(frozen=True)
class MotifHits:
    """Occurrences of a motif that do not overlap each other.

    Attributes
    ----------
    chrom, start, forward, score
        Where each lies (0-based first base on the forward strand), its strand, and its log-odds score in bits.
    threshold
        The lowest score in bits that counts.
    """

    chrom: np.ndarray
    start: np.ndarray
    forward: np.ndarray
    score: np.ndarray
    threshold: float

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.start)


def motif_hits(
    genome: Genome, motif: Motif, p_value: float = P_VALUE, background: np.ndarray | None = None
) -> MotifHits:
    """Find a motif on both strands of a genome.

    Parameters
    ----------
    genome
        All of its sequences are scanned.
    motif
        Position frequency matrix.
    p_value
        Per place and strand; the threshold comes from the exact distribution of the score.
    background
        Frequencies of A, C, G, T; by default the genome's, both strands taken together.

    Raises
    ------
    InputError
        When the p-value cannot be reached or nothing is found.
    """
    if not 0 < p_value < 1:
        raise InputError(f"p-value {p_value:g}: expected more than 0 and less than 1")
    if background is None:
        background = base_frequencies(genome)
    weights = motif.weights(background)
    threshold = score_threshold(weights, background, p_value)
    if threshold > int(weights.max(axis=0).sum()):
        raise InputError(f"motif {motif.name}: no sequence is as rare as p = {p_value:g}; choose a larger p-value")
    parts: list[tuple[np.ndarray, ...]] = []
    for chrom in genome.names:
        codes = genome.codes(chrom)
        sites = find_sites(codes, weights, threshold)
        scores = site_scores(codes, sites.starts, sites.forward, weights)
        kept = _apart(sites.starts, scores, motif.width)
        parts.append((np.full(len(kept), chrom, dtype=object), sites.starts[kept], sites.forward[kept], scores[kept]))
    chroms, starts, forward, scores = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if not len(starts):
        raise InputError(
            f"motif {motif.name}: no hit at p = {p_value:g} in {genome.path.name}; choose a larger p-value"
        )
    return MotifHits(chroms, starts, forward, scores * UNIT, threshold * UNIT)


def base_frequencies(genome: Genome) -> np.ndarray:
    """Frequencies of A, C, G, T over both strands, shape (4,)."""
    counts = np.zeros(4, dtype=np.int64)
    for chrom in genome.names:
        counts += np.bincount(genome.codes(chrom), minlength=N_CODE + 1)[:4]
    if not counts.any():
        raise InputError(f"{genome.path}: no A, C, G or T")
    both = counts + counts[::-1]
    return both / both.sum()


def site_scores(codes: np.ndarray, starts: np.ndarray, forward: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score of each site on its strand, in the units of the weights: int64."""
    width = weights.shape[1]
    here = codes[starts[:, None] + np.arange(width)]
    plus = weights[here, np.arange(width)].sum(axis=1)
    minus = weights[::-1, ::-1][here, np.arange(width)].sum(axis=1)
    return np.where(forward, plus, minus).astype(np.int64)


def ctcf(
    genome: Genome,
    motif: Motif,
    peaks: Sequence[BedLine],
    rule: SplitRule,
    *,
    p_value: float = P_VALUE,
    width: int = WIDTH,
    matched: bool = False,
    orient: str = "genome",
    flank: int = FLANK,
    left_out: dict[str, int] | None = None,
) -> DataSet:
    """Sequences around motif sites, labelled by ChIP-seq peaks.

    Parameters
    ----------
    genome
        The sequences.
    motif, p_value
        As in `motif_hits`. Of sites that overlap the one of the best score is kept.
    peaks
        A site is bound (class 1) when its middle base lies in a peak.
    rule
        How sites are divided.
    width
        Bases of each sequence, the motif in the middle.
    matched
        Keep for each bound site one unbound site of the same split with similar GC, CpG and motif score, and only bound
        sites that have such a partner.
    orient
        ``genome``: all sequences from the forward strand; ``motif``: from the strand of the motif.
    flank
        Bases kept on both sides for tokenising.
    left_out
        Peaks that were left out on the way, for the card.

    Raises
    ------
    InputError
        When there is no hit, or the hits are all bound or all unbound (peaks of another assembly?).
    """
    if orient not in get_args(Orient):
        raise InputError(f"orient {orient!r}: expected one of {', '.join(get_args(Orient))}")
    if width < motif.width or flank < 0:
        raise InputError(f"width {width}: expected at least the {motif.width} bases of the motif")
    hits = motif_hits(genome, motif, p_value)
    bound = np.zeros(len(hits), dtype=bool)
    with_motif = np.zeros(len(peaks), dtype=bool)
    middle = hits.start + motif.width // 2
    for chrom in genome.names:
        here = hits.chrom == chrom
        own = [number for number, peak in enumerate(peaks) if peak.chrom == chrom]
        pairs = np.array([(peaks[n].start, peaks[n].end) for n in own], dtype=np.int64).reshape(-1, 2)
        bound[here] = Intervals("peaks", {chrom: merge(pairs)}, len(own), 0).overlaps(
            chrom, middle[here], middle[here] + 1
        )
        places = np.sort(middle[here])
        with_motif[own] = np.searchsorted(places, pairs[:, 1]) > np.searchsorted(places, pairs[:, 0])
    share = float(with_motif.mean())
    if not bound.any():
        raise InputError(
            f"none of {len(hits):,} motif sites lies in one of {len(peaks):,} peaks on {genome.path.name}; "
            "are the peaks from another assembly?"
        )
    rows, missing = _rows(genome, hits, bound, motif.width, width, orient, flank)
    if not rows:
        raise InputError(f"none of {len(hits):,} motif sites has its {width:,} bases and flanks in {genome.path.name}")
    found = assemble(
        "ctcf",
        rows,
        rule,
        description=f"{width} bases around sites of {motif.name} (p < {p_value:g} per place and strand, at least "
        f"{hits.threshold:.2f} bits). Class 1: the middle of the site lies in a ChIP-seq peak.",
        left_out={**(left_out or {}), "motif sites near an N or an end of a sequence": missing},
        details={"Peaks": {"number": len(peaks), "share with a motif site": round(share, 4)}},
    )
    if share < FEW_PEAKS_WITH_MOTIF:
        warning = f"only {share:.1%} of {len(peaks):,} peaks hold a motif site; are they of this protein and assembly?"
        found = replace(found, notes=(*found.notes, warning))
    return _matched(found) if matched else found


def _apart(starts: np.ndarray, scores: np.ndarray, width: int) -> np.ndarray:
    """Indices, in order, of the sites left when those that overlap a better one are taken away (best first)."""
    taken: set[int] = set()
    kept = []
    for index in np.lexsort((starts, -scores)).tolist():
        start = int(starts[index])
        if not any(start + shift in taken for shift in range(1 - width, width)):
            taken.add(start)
            kept.append(index)
    return np.array(sorted(kept), dtype=np.int64)


def _rows(
    genome: Genome, hits: MotifHits, bound: np.ndarray, motif_width: int, width: int, orient: str, flank: int
) -> tuple[list[dict[str, Any]], int]:
    strands = Strands(genome)
    rows: list[dict[str, Any]] = []
    missing = 0
    for chrom, start, forward, score, label in zip(
        hits.chrom.tolist(),
        hits.start.tolist(),
        hits.forward.tolist(),
        hits.score.tolist(),
        bound.tolist(),
        strict=True,
    ):
        lead = (width - motif_width) // 2
        if orient == "motif" and not forward:  # the motif stands at the same place of every sequence
            lead = width - motif_width - lead
        begin = start - lead
        codes = strands.codes(chrom, begin - flank, begin + width + flank, forward or orient == "genome")
        if codes is None:
            missing += 1
            continue
        left, inside, right = np.split(codes, [flank, flank + width])
        text = decode_bases(inside)
        rows.append(
            {
                "id": f"{chrom}:{start}:{'+' if forward else '-'}",
                "chrom": chrom,
                "start": begin,
                "end": begin + width,
                "strand": "+" if forward or orient == "genome" else "-",
                "motif_strand": "+" if forward else "-",
                "group": f"{chrom}:{start}",
                "label": int(label),
                "sequence": text,
                "left": decode_bases(left),
                "right": decode_bases(right),
                "score": round(score, 4),
                "gc": round((text.count("G") + text.count("C")) / width, 4),
                "cpg": round(text.count("CG") / width, 5),
            }
        )
    return rows, missing


def _matched(dataset: DataSet) -> DataSet:
    """The data set with as many unbound as bound sites, alike in GC, CpG and motif score."""
    from grover_probe.tasks.card import describe
    from grover_probe.tasks.dataset import SPLITS, check_classes

    table = dataset.table
    keep: list[int] = []
    for split in SPLITS:
        part = table[table["split"] == split]
        values = part[list(_TRAITS)].to_numpy(float)
        first, second = match(values, part["label"].to_numpy() == 1)
        keep += part.index[np.concatenate([first, second])].tolist()
    chosen = table.loc[sorted(keep)].reset_index(drop=True)
    found = check_classes(replace(dataset, name="ctcf-matched", table=chosen))
    balance = {}
    for name, frame in (("before", table), ("after", chosen)):
        values = frame[list(_TRAITS)].to_numpy(float)
        differences = standardised_differences(values, frame["label"].to_numpy() == 1)
        balance[name] = ", ".join(f"{trait} {d:+.2f}" for trait, d in zip(_TRAITS, differences, strict=True))
    n_bound = int((table["label"] == 1).sum())
    left_out = {
        **dataset.card["left_out"],
        "bound sites without a partner": n_bound - len(chosen) // 2,
        "unbound sites that are no partner": int((table["label"] == 0).sum()) - len(chosen) // 2,
    }
    details = {**dataset.card["details"], "Standardised differences, bound less unbound": balance}
    card = {**dataset.card, "left_out": left_out, "details": details, **describe(found)}
    card["description"] += " Each bound site has an unbound partner alike in GC, CpG and motif score."
    return replace(found, card=card, notes=tuple(f"left out: {count:,} {reason}" for reason, count in left_out.items()))
