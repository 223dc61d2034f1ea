"""The command line of overlap: tokens, windows and sets of intervals against annotation; tracks for a browser."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from grover_probe.command import new_app, note, note_files, refuse_misplaced_options
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import GenomeOption, OutOption, ProgressOption, RegionsOption, TokenizerOption

app = new_app("Where on the genome do tokens and windows lie? Enrichment in annotation with matched nulls; tracks.")

AnnotationOption = Annotated[
    list[str] | None,
    typer.Option(help="BED, GTF, rmsk, ...: FILE, NAME=FILE or FILE:COLUMN; repeat for more."),
]
ClassColumnOption = Annotated[
    str | None,
    typer.Option(help="Column of the classes: number from 1, name, or GTF attribute.", show_default="one class"),
]


@app.callback(
    invoke_without_command=True,
    epilog="Example: `python -m grover_probe.overlap --tokenizer tokenizer --genome chr20.fa.gz "
    "--annotation rmsk.txt.gz:repClass --annotation states=chromhmm.bed.gz:4 --out overlap`",
)
def overlap(
    context: typer.Context,
    tokenizer: TokenizerOption = None,
    genome: GenomeOption = None,
    annotation: AnnotationOption = None,
    class_column: ClassColumnOption = None,
    regions: RegionsOption = None,
    turns: Annotated[int, typer.Option(min=2, help="Random turns of the annotation around each chromosome.")] = 200,
    blocks: Annotated[int, typer.Option(min=2, help="Parts of the genome for confidence intervals.")] = 100,
    min_members: Annotated[int, typer.Option(min=1, help="Intervals that a class must have.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Decides the turns.")] = 0,
    out: OutOption = Path("overlap-out"),
    progress: ProgressOption = True,
) -> None:
    """Measure how much more often than expected each token lies in each class of annotation.

    Without arguments: the tokenizer of the embedded checkpoint on the embedded slice of hg19 chr20 with its annotation.
    """
    if context.invoked_subcommand is not None:
        refuse_misplaced_options(context)
        return
    from grover_probe.overlap.inputs import open_inputs
    from grover_probe.overlap.tokens import token_overlap
    from grover_probe.plotting.overlap import overlap_figure
    from grover_probe.plotting.style import save_figure

    settings: dict[str, Any] = {"n_turns": turns, "n_blocks": blocks, "min_members": min_members, "seed": seed}
    with output_folder(out):
        given = open_inputs(tokenizer, genome, annotation, class_column, regions, progress=progress)
        if not given.annotations:
            raise InputError("--annotation is missing; give at least one file")
        result = token_overlap(
            given.corpus, given.tokenizer.pieces, given.annotations, given.runs, progress=progress, **settings
        )
        for message in result.skipped:
            note(message)

        def write(folder: Path) -> None:
            result.save(folder)
            save_figure(overlap_figure(result.tokens, result.classes), folder / "tokens", formats=("png", "svg"))

        _write(
            write, [*result.files, "tokens.png", "tokens.svg"], out, "overlap.run.json",
            inputs=given.files, parameters=settings, skipped=[*given.skipped, *result.skipped],
        )  # fmt: skip
    print(result.classes.to_string(index=False, float_format=lambda value: f"{value:.3g}"))


@app.command(
    epilog="Example: `python -m grover_probe.overlap windows --tokenizer tokenizer --genome chr20.fa.gz "
    "--annotation rmsk.txt.gz:repClass --signal replication.bw --out windows`"
)
def windows(
    tokenizer: TokenizerOption = None,
    genome: GenomeOption = None,
    annotation: AnnotationOption = None,
    class_column: ClassColumnOption = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="bedGraph, wiggle or bigWig: FILE or NAME=FILE; repeat for more.")
    ] = None,
    regions: RegionsOption = None,
    windows: Annotated[
        Path | None, typer.Option(help="BED of windows.", show_default="consecutive windows of tokens")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="Tokens per window.")] = 510,
    rule: Annotated[str, typer.Option(help="Label of a window: majority, any or centre.")] = "majority",
    out: OutOption = Path("overlap-out"),
    progress: ProgressOption = True,
) -> None:
    """Describe windows: share of each class, label, strand of its features, mean signal."""
    from grover_probe.overlap.window_table import describe_windows

    with output_folder(out):
        table, record = describe_windows(
            tokenizer, genome, annotation, class_column, signal, regions, windows, length, rule, progress=progress
        )
        _write(
            lambda folder: table.to_parquet(folder / "windows.parquet", index=False),
            ["windows.parquet"], out, "windows.run.json", **record,
        )  # fmt: skip
    print(f"{len(table):,} windows, {len(table.columns)} columns")


@app.command(
    epilog="Example: `python -m grover_probe.overlap sets --genome chr20.fa.gz --annotation repeats.bed:repClass "
    "--annotation genes.gtf.gz:gene_type --out sets`"
)
def sets(
    genome: GenomeOption = None,
    annotation: AnnotationOption = None,
    class_column: ClassColumnOption = None,
    out: OutOption = Path("overlap-out"),
    progress: ProgressOption = True,
) -> None:
    """Compare the classes of the first annotation with those of the others, or with each other when there is one."""
    from grover_probe.data.sample import GENOME, sample_path
    from grover_probe.genome import open_genome
    from grover_probe.overlap.inputs import read_annotations
    from grover_probe.overlap.sets import set_statistics
    from grover_probe.provenance import describe_file

    sequences = open_genome(sample_path(GENOME) if genome is None else genome)
    if annotation is None and genome is None:
        annotation = [f"{sample_path('chromatin_states.bed.gz')}:4", str(sample_path("exons.bed.gz"))]
    with output_folder(out):
        found, skipped, described = read_annotations(annotation or (), class_column, sequences)
        keyed = [{(each.name, name): part for name, part in each.classes.items()} for each in found]
        if len(set().union(*keyed)) < 2:
            raise InputError("a comparison needs two classes or more; give another --annotation or --class-column")
        others = {key: part for each in keyed[1:] for key, part in each.items()}
        table = set_statistics(keyed[0], others or None, sequences, progress=progress)
        _write(
            lambda folder: table.to_csv(folder / "sets.tsv", sep="\t", index=False, float_format="%.6g"),
            ["sets.tsv"], out, "sets.run.json",
            inputs={"genome": describe_file(sequences.path), "annotation": described}, parameters={},
            skipped=list(skipped),
        )  # fmt: skip
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))


@app.command(
    epilog="Example: `python -m grover_probe.overlap tracks --tokenizer tokenizer --genome chr20.fa.gz "
    "--token TGTAATCC --boundaries --values selfsim.parquet:self_similarity --layer 4 --out tracks`"
)
def tracks(
    tokenizer: TokenizerOption = None,
    genome: GenomeOption = None,
    regions: RegionsOption = None,
    token: Annotated[list[str] | None, typer.Option(help="BED of this token's occurrences; repeat for more.")] = None,
    boundaries: Annotated[bool, typer.Option(help="Track of the first base of each token.")] = False,
    values: Annotated[
        list[str] | None,
        typer.Option(help="Track of TABLE:COLUMN, Parquet or TSV with a `token_id` column; repeat for more."),
    ] = None,
    layer: Annotated[int | None, typer.Option(help="Rows of --values to use where the table has layers.")] = None,
    bedgraph: Annotated[bool, typer.Option(help="Write bedGraph in place of bigWig.")] = False,
    out: OutOption = Path("overlap-out"),
    progress: ProgressOption = True,
) -> None:
    """Write tokens for a genome browser: positions as BED, boundaries and values per token as bigWig."""
    from grover_probe.overlap.inputs import open_inputs
    from grover_probe.overlap.track_files import TrackPlan

    if not (token or boundaries or values):
        raise InputError("nothing to write; ask for --token, --boundaries or --values")
    plan = TrackPlan.parse(token or (), boundaries, values or (), layer, "bedgraph.gz" if bedgraph else "bw")
    with output_folder(out):
        given = open_inputs(tokenizer, genome, (), None, regions, progress=progress)
        plan.check(given)
        _write(
            lambda folder: plan.write(given, folder), plan.files(), out, "tracks.run.json",
            inputs={**given.files, **plan.inputs()}, parameters={"token": token, "values": values, "layer": layer},
        )  # fmt: skip


def _write(save: Any, names: Sequence[str], out: Path, record: str, **more: Any) -> None:
    from grover_probe.provenance import write_result

    write_result(out, names, save, record, **more)
    note_files(out, [*names, record])
