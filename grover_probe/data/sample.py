"""The embedded sample: a slice of hg19 chr20 with its annotation and a small checkpoint.

The slice is one sequence, `SLICE_NAME`, with coordinates of its own: base 0 of the slice is base
`SLICE_START` of hg19 chr20. Where each file and column comes from is said in ``sample/README.md``.
"""

from pathlib import Path

from grover_probe.errors import DataError

SLICE_CHROMOSOME = "chr20"
SLICE_START = 31_000_000
SLICE_END = 35_200_000
SLICE_LENGTH = SLICE_END - SLICE_START
SLICE_NAME = f"{SLICE_CHROMOSOME}_{SLICE_START}_{SLICE_END}"

#: What commands take where they are given nothing else.
GENOME = "chr20_slice.2bit"
CHECKPOINT = "checkpoint"
REGION = "demo_region.bed"
REPEATS = "repeats.bed.gz"
MOTIF = "MA0139.1.pfm"

_BED6 = ("chrom", "start", "end", "name", "score", "strand")

#: Columns of every annotation file of the sample; none of them has a header line.
COLUMNS: dict[str, tuple[str, ...]] = {
    "repeats.bed.gz": (*_BED6, "repClass", "repFamily"),
    "genes.bed.gz": (*_BED6, "gene_type"),
    "exons.bed.gz": (*_BED6, "gene_type"),
    "tss.bed.gz": (*_BED6, "gene_type"),
    "cpg_islands.bed.gz": ("chrom", "start", "end", "name"),
    "ctcf.bed.gz": (*_BED6, "signalValue", "peak"),
    "chromatin_states.bed.gz": ("chrom", "start", "end", "name"),
    **{
        f"histone_{mark}.bed.gz": (*_BED6, "signalValue", "peak")
        for mark in ("H3K4me1", "H3K4me3", "H3K27ac", "H3K27me3", "H3K36me3", "H3K9me3")
    },
    "replication_timing.bedgraph.gz": ("chrom", "start", "end", "value"),
}

_FOLDER = Path(__file__).parent / "sample"


def sample_path(name: str = "") -> Path:
    """Path of a file or folder of the embedded sample.

    Parameters
    ----------
    name
        Relative to the sample's folder, e.g. ``"repeats.bed.gz"``; empty for the folder itself.

    Raises
    ------
    DataError
        When the package does not carry it.
    """
    path = _FOLDER / name
    if not path.exists():
        carried = ", ".join(sorted(entry.name for entry in _FOLDER.glob("*"))) or "nothing"
        raise DataError(f"{name}: not in the embedded sample, which holds {carried}; reinstall grover-probe")
    return path


def heldout_path() -> Path:
    """BED of hg19 chr20 regions that no training may see: seven 1 Mb blocks and the sample's slice."""
    return Path(__file__).parent / "heldout.hg19.chr20.bed"


def to_genome(position: int) -> int:
    """hg19 chr20 coordinate (0-based) of a position in the slice."""
    return position + SLICE_START
