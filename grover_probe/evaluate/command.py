"""The command line of the evaluation: a model and held-out sequence in, its accuracy beside baselines out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

app = new_app("How well does a masked language model predict held-out sequence, and do n-grams do as well?")

_RECORD = "evaluate.run.json"


@app.command(
    epilog="Example: `python -m grover_probe.evaluate --model runs/small/checkpoint --genome chr20.fa.gz --regions "
    "heldout.bed --annotation repeats.bed --out results`"
)
def evaluate(
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id.", show_default="the embedded checkpoint")
    ] = None,
    genome: Annotated[
        Path | None, typer.Option(help="FASTA or 2bit.", show_default="the embedded slice of hg19 chr20")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json or its folder.", show_default="the model's")
    ] = None,
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
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16 for the forward pass.")] = "fp32",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Windows per batch; does not change results.")] = 8,
    seed: Annotated[int, typer.Option(help="Decides windows and masks.")] = 0,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("evaluate-out"),
    progress: Annotated[bool, typer.Option(help="Progress bars on stderr.")] = True,
) -> None:
    """Mask tokens of held-out sequence and let the model predict them, beside unigram and bigrams.

    Without arguments: the embedded checkpoint on the embedded slice of hg19 chr20, on which it was not trained.
    """
    from grover_probe import models
    from grover_probe.annotation import read_bed, read_intervals
    from grover_probe.corpus import tokenize
    from grover_probe.data.sample import sample_path
    from grover_probe.evaluate.evaluation import FILES
    from grover_probe.evaluate.evaluation import evaluate as ask
    from grover_probe.files import output_folder, staged_files
    from grover_probe.genome import open_genome
    from grover_probe.models.loading import check_fits
    from grover_probe.provenance import describe_file, write_run

    if genome is None:
        genome = sample_path("chr20_slice.2bit")
        annotation = annotation or sample_path("repeats.bed.gz")
    name = model or str(sample_path("checkpoint"))
    with output_folder(out):
        sequence = open_genome(genome)
        inside = None if regions is None else read_bed(regions, sequence)[0]
        repeats = None if annotation is None else read_intervals(annotation, sequence)
        language_model = models.load(name, device=device, dtype=dtype)
        pieces = models.load_tokenizer(tokenizer or name)
        check_fits(language_model, pieces.lengths, str(tokenizer or name))
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
        with staged_files(out, (*FILES, _RECORD)) as staging:
            result.save(staging)
            files = {"genome": genome, "regions": regions, "annotation": annotation}
            write_run(
                staging / _RECORD,
                inputs={
                    "model": language_model.source,
                    "tokenizer": {"hash": pieces.hash},
                    "train_genome": [describe_file(path) for path in train_genome or ()],
                    **{name: describe_file(path) for name, path in files.items() if path is not None},
                },
                parameters={
                    "mask_rate": mask_rate,
                    "n_masked": n_masked,
                    "window": window,
                    "dtype": dtype,
                    "seed": seed,
                },  # fmt: skip
            )
    print(systems_table(result.to_frame()))
    note(f"wrote {', '.join(str(out / each) for each in (*FILES, _RECORD))}")


def systems_table(systems: "pd.DataFrame") -> str:
    """The table of systems as text."""
    names = {
        "part": "tokens in", "system": "system", "n_masked": "masked", "perplexity": "perplexity",
        "percent_of_vocabulary": "% of vocabulary", "bits_per_base": "bits/base", "top1": "top-1 %", "top60": "top-60 %",
    }  # fmt: skip
    shown = systems[list(names)].assign(top1=100 * systems.top1, top60=100 * systems.top60).rename(columns=names)
    formats = dict.fromkeys(("perplexity", "% of vocabulary", "top-1 %", "top-60 %"), "{:.1f}".format)
    return shown.to_string(index=False, formatters={**formats, "bits/base": "{:.3f}".format})
