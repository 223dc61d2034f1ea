"""The command line of the evaluation: a model and held-out sequence in, its accuracy beside baselines out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grover_probe.command import new_app, note_files
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


@app.command(
    epilog="Example: `python -m grover_probe.evaluate --model runs/small/checkpoint --genome chr20.fa.gz --regions "
    "heldout.bed --annotation repeats.bed --out results`"
)
def evaluate(
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
