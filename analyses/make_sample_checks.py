"""Checks that the sample's inputs are hg19 and mean what we think; each fails loudly."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.command import note
from grover_probe.errors import InputError

MIN_ATG_SHARE = 0.98  # the rest are real: alternative start codons and selenoprotein oddities
MIN_ACTIVE_SHARE = 0.4  # of protein-coding TSS near a peak, for the two marks of active promoters
_COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")


def check_start_codons(chromosome: np.ndarray, codons: pd.DataFrame, region: tuple[int, int]) -> tuple[float, float]:
    """Share of complete protein-coding start codons that read ATG on their strand: chromosome, region.

    A codon split by an intron is listed in parts and left out.
    """
    whole = codons[(codons["gene_type"] == "protein_coding") & (codons["end"] - codons["start"] == 3)]
    whole = whole.drop_duplicates(["start", "strand"])
    reads_atg = np.array(
        [_codon(chromosome, *row) == b"ATG" for row in whole[["start", "end", "strand"]].itertuples(index=False)]
    )
    inside = ((whole["start"] >= region[0]) & (whole["end"] <= region[1])).to_numpy()
    share, share_inside = float(reads_atg.mean()), float(reads_atg[inside].mean())
    note(f"ATG start codons: chr20 {share:.2%} of {len(whole)}, slice {share_inside:.2%} of {inside.sum()}")
    if min(share, share_inside) < MIN_ATG_SHARE:
        raise InputError(
            f"only {share:.1%} of the start codons read ATG; annotation and sequence do not belong together"
        )
    return share, share_inside


def _codon(chromosome: np.ndarray, start: int, end: int, strand: str) -> bytes:
    letters = chromosome[start:end].tobytes()
    return letters.translate(_COMPLEMENT)[::-1] if strand == "-" else letters


def check_assembly(peaks: pd.DataFrame, sizes: Path, name: str) -> None:
    """Refuse peaks that run past the end of an hg19 chromosome."""
    lengths = json.loads(sizes.read_text(encoding="ascii"))
    furthest = peaks.groupby("chrom")["end"].max()
    past = [chrom for chrom, end in furthest.items() if chrom in lengths and end > lengths[chrom]]
    if past:
        raise InputError(f"{name}: peaks run past the end of hg19 {', '.join(past)}; another assembly?")


def check_marks(peaks: pd.DataFrame, sites: pd.DataFrame, name: str, chromosome: str) -> None:
    """For marks of active promoters, refuse peaks that miss most protein-coding TSS by more than 1 kb.

    A file of another assembly may fit the chromosome's length; its peaks would not lie on hg19 promoters.
    """
    if name not in ("H3K4me3", "H3K27ac"):
        return
    here = peaks[peaks["chrom"] == chromosome]
    genes = sites[sites["gene_type"] == "protein_coding"]["start"].to_numpy()
    starts, ends = here["start"].to_numpy() - 1000, here["end"].to_numpy() + 1000
    near = np.array([bool(((starts <= site) & (site < ends)).any()) for site in genes])
    note(f"{name}: within 1 kb of {near.mean():.0%} of {len(genes)} protein-coding TSS of {chromosome}")
    if near.mean() < MIN_ACTIVE_SHARE:
        raise InputError(f"{name}: near only {near.mean():.0%} of the promoters; another assembly?")
