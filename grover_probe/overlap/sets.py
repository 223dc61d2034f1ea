"""How two sets of intervals lie to each other, by bedtools: Fisher's test, Jaccard index, relative distance."""

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.annotation import Intervals, require_bedtools
from grover_probe.command import track
from grover_probe.genome import Genome

Classes = Mapping[tuple[str, str], Intervals]


def set_statistics(one: Classes, other: Classes | None, genome: Genome, *, progress: bool = True) -> pd.DataFrame:
    """Compare classes of annotation with each other.

    Parameters
    ----------
    one, other
        Merged intervals by annotation and class. Each of `one` is compared with each of `other`; all pairs within
        `one` when `other` is None.
    genome
        What they lie on.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``annotation_a``, ``class_a``, ``annotation_b``, ``class_b``; from ``bedtools fisher``
        ``n_overlaps``, ``fisher_p_left`` (fewer overlaps than by chance), ``fisher_p_right`` (more), ``fisher_p`` (two
        tails), ``odds_ratio``; from ``bedtools jaccard`` ``jaccard`` and ``bases_shared``; and ``relative_distance``,
        the mean of ``bedtools reldist`` (Favorov et al. 2012): 0.25 for independent sets, smaller for close ones, NaN
        where it has no value.

    Notes
    -----
    Fisher's test takes intervals for independent and all of the genome for open to them, gaps included. Annotation
    that comes in clusters gives p-values that are too small; see `grover_probe.overlap.tokens` for turned annotation.
    bedtools estimates from the mean sizes how many intervals the genome has room for; where two sets are so dense that
    this estimate fails, its odds ratio is no number, and all Fisher columns are NaN; an odds ratio of 0 or infinity is
    of the same origin.

    Raises
    ------
    MissingDependencyError
        When bedtools is not installed.
    """
    require_bedtools()
    pairs = list(combinations(one, 2)) if other is None else list(product(one, other))
    sets = {**one, **(other or {})}
    with _temporary_folder() as folder:
        sizes = Path(folder) / "genome.txt"
        sizes.write_text("".join(f"{name}\t{length}\n" for name, length in genome.lengths.items()))
        files = {key: Path(folder) / f"{number}.bed" for number, key in enumerate(sets)}
        for key, path in files.items():
            path.write_text(_as_bed(sets[key], genome))
        rows = [
            {
                "annotation_a": a[0], "class_a": a[1], "annotation_b": b[0], "class_b": b[1],
                **_compare(files[a], files[b], sizes),
            }
            for a, b in track(pairs, label="pairs", unit="pair", progress=progress)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _compare(one: Path, other: Path, sizes: Path) -> dict[str, Any]:
    import pybedtools

    a, b = pybedtools.BedTool(str(one)), pybedtools.BedTool(str(other))
    fisher = a.fisher(str(other), g=str(sizes))
    jaccard = a.jaccard(b, g=str(sizes))
    distances = a.reldist(b)
    tested = not np.isnan(fisher.ratio)
    weights = np.asarray(distances["count"], dtype=np.float64)
    middles = np.asarray(distances["reldist"], dtype=np.float64)
    return {
        "n_overlaps": int(jaccard["n_intersections"]),
        "fisher_p_left": fisher.left_tail if tested else np.nan,
        "fisher_p_right": fisher.right_tail if tested else np.nan,
        "fisher_p": fisher.two_tail if tested else np.nan,
        "odds_ratio": fisher.ratio,
        "jaccard": jaccard["jaccard"],
        "bases_shared": int(jaccard["intersection"]),
        "relative_distance": float(np.average(middles, weights=weights)) if weights.sum() else np.nan,
    }


def _as_bed(intervals: Intervals, genome: Genome) -> str:
    """Lines in the order of the genome file, as bedtools wants them."""
    return "".join(
        f"{chrom}\t{start}\t{end}\n"
        for chrom in genome.names
        for start, end in intervals.on(chrom).tolist()
    )  # fmt: skip


@contextmanager
def _temporary_folder() -> Iterator[str]:
    """A folder that also takes the files that pybedtools leaves behind and does not close."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        tempfile.tempdir = folder
        try:
            yield folder
        finally:
            tempfile.tempdir = before
