"""The command line of the evaluation: a model and held-out sequence in, its accuracy beside baselines out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grover_probe.command import new_app, note_files, refuse_misplaced_options
from grover_probe.errors import InputError
from grover_probe.options import (
    BatchSizeOption,
    DeviceOption,
    DtypeOption,
    GenomeOption,
    ModelOption,
    ModelTokenizerOption,
    OutOption,
    ProgressOption,
    RevisionOption,
    TrustOption,
)

if TYPE_CHECKING:
    import pandas as pd

app = new_app("How well does a masked language model predict held-out sequence, and do n-grams do as well?")

_RECORD = "evaluate.run.json"
_REGION_RECORD = "region.run.json"
_MOST_NAMES = 1_000_000  # the class of an interval may be the name of a gene


@app.callback(
    invoke_without_command=True,
    epilog="Example: `python -m grover_probe.evaluate --model runs/small/checkpoint --genome chr20.fa.gz --regions "
    "heldout.bed --annotation repeats.bed --out results`",
)
def evaluate(
    context: typer.Context,
    model: ModelOption = None,
    revision: RevisionOption = None,
    genome: GenomeOption = None,
    tokenizer: ModelTokenizerOption = None,
    regions: Annotated[
        Path | None, typer.Option(help="BED: sequence the model has not seen.", show_default="all of the genome")
    ] = None,
    train_genome: Annotated[
        list[Path] | None,
        typer.Option(
            help="FASTA or 2bit to count the n-gram baselines on, regions left out; may be given several times.",
            show_default="the genome outside of the regions",
        ),
    ] = None,
    annotation: Annotated[Path | None, typer.Option(help="BED of repeats: report them apart.")] = None,
    mask_rate: Annotated[float, typer.Option(min=0.001, max=0.9, help="Share of tokens masked.")] = 0.022,
    n_masked: Annotated[int, typer.Option(min=1, help="Masked tokens to predict.")] = 20_000,
    window: Annotated[
        int | None, typer.Option(min=1, help="Tokens per window.", show_default="the model's longest")
    ] = None,
    trust_remote_code: TrustOption = False,
    dtype: DtypeOption = "fp32",
    device: DeviceOption = "auto",
    batch_size: BatchSizeOption = 8,
    seed: Annotated[int, typer.Option(help="Decides windows and masks.")] = 0,
    out: OutOption = Path("evaluate-out"),
    progress: ProgressOption = True,
) -> None:
    """Mask tokens of held-out sequence and let the model predict them, beside unigram and bigrams.

    Without arguments: the embedded checkpoint on the embedded slice of hg19 chr20, on which it was not trained.
    """
    if context.invoked_subcommand is not None:
        refuse_misplaced_options(context)
        return
    from grover_probe import models
    from grover_probe.corpus import tokenize
    from grover_probe.data.sample import CHECKPOINT, GENOME, REPEATS, sample_path
    from grover_probe.evaluate.evaluation import FILES
    from grover_probe.evaluate.evaluation import evaluate as ask
    from grover_probe.files import output_folder
    from grover_probe.genome import open_genome
    from grover_probe.inputs import describe_files, open_tokenizer_of, read_regions, read_repeats
    from grover_probe.models.loading import check_fits
    from grover_probe.provenance import describe_file, write_result

    if genome is None:
        genome, annotation = sample_path(GENOME), annotation or sample_path(REPEATS)
    name = model or str(sample_path(CHECKPOINT))
    with output_folder(out):
        files = describe_files(genome=genome, regions=regions, annotation=annotation)
        sequence = open_genome(genome)
        inside, repeats = read_regions(regions, sequence), read_repeats(annotation, sequence)
        language_model = models.load(
            name, device=device, dtype=dtype, trust_remote_code=trust_remote_code, revision=revision
        )
        pieces = open_tokenizer_of(name, tokenizer, revision)
        check_fits(language_model, pieces.lengths, tokenizer or name)
        if window is not None and window > language_model.max_tokens:
            raise InputError(f"--window {window}: {name} takes windows of up to {language_model.max_tokens} tokens")
        corpus = tokenize(sequence, pieces, progress=progress)
        training = None
        if train_genome:
            others = [tokenize(open_genome(path), pieces, progress=progress) for path in train_genome]
            training = [(other, other.runs(exclude=inside or ())) for other in others]
        elif inside is not None:
            training = [(corpus, corpus.runs(exclude=inside))]
        result = ask(
            lambda ids, mask, selected: language_model.masked_logits(
                ids.to(language_model.device), mask, selected.to(language_model.device)
            ),
            corpus,
            corpus.runs(inside),
            pieces.pieces,
            training=training,
            repeats=repeats,
            mask_rate=mask_rate,
            n_masked=n_masked,
            window=window or language_model.max_tokens,
            specials=language_model.specials,
            batch_size=batch_size,
            seed=seed,
            progress=progress,
        )
        write_result(
            out, FILES, result.save, _RECORD,
            inputs={
                "model": language_model.source,
                "tokenizer": {"hash": pieces.hash},
                "train_genome": [describe_file(path) for path in train_genome or ()],
                **files,
            },
            parameters={
                "mask_rate": mask_rate, "n_masked": n_masked, "window": window, "dtype": dtype, "seed": seed
            },
        )  # fmt: skip
    print(systems_table(result.to_frame()))
    note_files(out, (*FILES, _RECORD))


def systems_table(systems: "pd.DataFrame") -> str:
    """The table of systems as text."""
    names = {
        "part": "tokens in", "system": "system", "n_masked": "masked", "perplexity": "perplexity",
        "percent_of_vocabulary": "% of vocabulary", "bits_per_base": "bits/base", "top1": "top-1 %",
        "top60": "top-60 %",
    }  # fmt: skip
    shown = systems[list(names)].assign(top1=100 * systems.top1, top60=100 * systems.top60).rename(columns=names)
    formats = dict.fromkeys(("perplexity", "% of vocabulary", "top-1 %", "top-60 %"), "{:.1f}".format)
    return shown.to_string(index=False, formatters={**formats, "bits/base": "{:.3f}".format})


@app.command(
    epilog="Example: `python -m grover_probe.evaluate region --model runs/small/checkpoint --genome chr20.fa.gz "
    "--regions region.bed --annotation repeats=rmsk.txt.gz:repClass --annotation genes=genes.bed:4 --out region`"
)
def region(
    model: ModelOption = None,
    revision: RevisionOption = None,
    genome: GenomeOption = None,
    tokenizer: ModelTokenizerOption = None,
    regions: Annotated[
        Path | None, typer.Option(help="BED with one interval: the region.", show_default="30 kb of the embedded slice")
    ] = None,
    annotation: Annotated[
        list[str] | None,
        typer.Option(help="BED, GTF, rmsk, ...: FILE, NAME=FILE or FILE:COLUMN (the class); repeat for more."),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Mask one token in so many at a time; 45 is the paper's 2.2 %.")
    ] = 45,
    window: Annotated[
        int | None, typer.Option(min=8, help="Tokens per window.", show_default="the model's longest")
    ] = None,
    trust_remote_code: TrustOption = False,
    dtype: DtypeOption = "fp32",
    device: DeviceOption = "auto",
    batch_size: BatchSizeOption = 8,
    out: OutOption = Path("region-out"),
    progress: ProgressOption = True,
) -> None:
    """Predict each token of a region with itself masked, beside bigrams; keep the annotation that lies there.

    Without arguments: the embedded checkpoint on 30 kb of the embedded slice of hg19 chr20, with its annotation.
    """
    from grover_probe import models
    from grover_probe.data.sample import CHECKPOINT, GENOME, sample_path
    from grover_probe.evaluate.along import ask_along, ask_bigrams, plan_reading
    from grover_probe.evaluate.region import FILES, SAMPLE_ANNOTATION, SAMPLE_REGION, along, intervals_inside
    from grover_probe.files import output_folder
    from grover_probe.genome import open_genome
    from grover_probe.inputs import describe_files, open_tokenizer_of, read_regions, tokenize_regions
    from grover_probe.models.loading import check_fits
    from grover_probe.overlap.inputs import read_annotations
    from grover_probe.provenance import write_result

    if genome is None:
        genome = sample_path(GENOME)
        annotation = annotation or [f"{name}={sample_path(file)}{column}" for name, file, column in SAMPLE_ANNOTATION]
    elif regions is None:
        raise InputError("--regions is missing; give a BED with the region to predict")
    name = model or str(sample_path(CHECKPOINT))
    with output_folder(out):
        files = describe_files(genome=genome, regions=regions)
        sequence = open_genome(genome)
        where = read_regions(regions, sequence) or [SAMPLE_REGION]
        if len(where) != 1:
            raise InputError(f"{regions}: {len(where)} intervals; expected one, the region")
        found, skipped, described = read_annotations(annotation or (), None, sequence, most_classes=_MOST_NAMES)
        network = models.load(name, device=device, dtype=dtype, trust_remote_code=trust_remote_code, revision=revision)
        pieces = open_tokenizer_of(name, tokenizer, revision)
        check_fits(network, pieces.lengths, tokenizer or name)
        if window is not None and window > network.max_tokens:
            raise InputError(f"--window {window}: {name} takes windows of up to {network.max_tokens} tokens")
        corpus, _ = tokenize_regions(sequence, pieces, where, progress=progress)
        reading = plan_reading(corpus, where[0], window or network.max_tokens)
        answers = ask_along(
            lambda ids, mask, selected: network.masked_logits(
                ids.to(network.device), mask, selected.to(network.device)
            ),
            corpus, reading, network.specials, every=every, batch_size=batch_size, progress=progress,
        )  # fmt: skip
        bigrams = ask_bigrams(corpus, reading, where[0])
        result = along(corpus, reading, pieces.pieces, answers, bigrams, intervals_inside(found, where[0]))
        write_result(
            out, FILES, lambda folder: result.save(folder, sequence.lengths), _REGION_RECORD,
            inputs={
                "model": network.source, "tokenizer": {"hash": pieces.hash}, "annotation": described, **files,
            },
            parameters={"region": str(where[0]), "every": every, "window": window, "dtype": dtype},
            skipped=list(skipped),
        )  # fmt: skip
    top1, control = result.tokens["top1"].mean(), result.tokens["bigram_top1"].mean()
    print(f"{where[0]}: {len(result.tokens):,} tokens, top-1 {top1:.3f} (bigrams {control:.3f})")
    note_files(out, (*FILES, _REGION_RECORD))
