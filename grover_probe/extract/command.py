"""The command line of the pass: one reading of a genome by a model, many answers."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grover_probe.command import new_app, note
from grover_probe.extract.job import DEFAULT_REDUCERS, Job
from grover_probe.options import (
    DeviceOption,
    DtypeOption,
    ModelOption,
    ModelTokenizerOption,
    OutOption,
    ProgressOption,
    RegionsOption,
    RevisionOption,
    TrustOption,
)

if TYPE_CHECKING:
    from grover_probe.extract.results import PassResult

app = new_app("Read a genome once with a model and keep what several analyses need of its hidden states.")


@app.command(
    epilog="Example: `python -m grover_probe.extract --model PoetschLab/GROVER --genome hg19.2bit --regions mine.bed "
    "--out pass`; on several GPUs `torchrun --nproc-per-node 4 -m grover_probe.extract ...`"
)
def extract(
    model: ModelOption = None,
    revision: RevisionOption = None,
    genome: Annotated[
        Path | None,
        typer.Option(help="FASTA, 2bit or a corpus folder.", show_default="the embedded slice of hg19 chr20"),
    ] = None,
    tokenizer: ModelTokenizerOption = None,
    regions: RegionsOption = None,
    bed: Annotated[Path | None, typer.Option(help="BED: mean hidden states over these intervals.")] = None,
    reducers: Annotated[
        str,
        typer.Option(
            help="Of moments, directions, dimensions, standardised, explainable, cka, lens, windows, regions; "
            "or your own as module:Class. `regions` comes with --bed."
        ),
    ] = ",".join(DEFAULT_REDUCERS),
    layers: Annotated[str | None, typer.Option(help="Such as embedding,2-4,last.", show_default="all")] = None,
    window_layers: Annotated[
        str | None, typer.Option(help="Layers kept for windows and --bed.", show_default="last")
    ] = None,
    poolings: Annotated[str, typer.Option(help="Of cls, mean, max, for windows.")] = "mean",
    overlap: Annotated[
        int, typer.Option(min=0, help="Tokens that windows share; each is taken where it is most central.")
    ] = 0,
    strand: Annotated[str, typer.Option(help="forward, reverse or both.")] = "forward",
    sample_every: Annotated[int, typer.Option(min=1, help="cka and lens use one token in so many.")] = 16,
    sample_per_token: Annotated[int, typer.Option(min=2, help="explainable uses so many occurrences per token.")] = 64,
    trust_remote_code: TrustOption = False,
    dtype: DtypeOption = "fp32",
    device: DeviceOption = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Full windows per batch.")] = 8,
    parts: Annotated[
        int | None, typer.Option(min=1, max=99, help="Most processes that can share it.", show_default="by size, to 16")
    ] = None,
    save_every: Annotated[float, typer.Option(min=0, help="Seconds between saved states.")] = 30,
    resume: Annotated[bool, typer.Option(help="Go on from what an earlier run left in --out.")] = True,
    out: OutOption = Path("extract-out"),
    progress: ProgressOption = True,
) -> None:
    """Run windows of a genome through a model, once, and keep sums instead of hidden states.

    Without arguments: the embedded checkpoint on 1 Mb of the embedded slice of hg19 chr20. The same command again goes
    on where a stopped one ended; the result has the same bits.
    """
    from grover_probe.data.sample import CHECKPOINT, GENOME, REGION, sample_path
    from grover_probe.extract.whole import extract as run_extract

    if genome is None:
        genome, regions = sample_path(GENOME), regions or sample_path(REGION)
    names = _split(reducers)
    if bed is not None and "regions" not in names:
        names = (*names, "regions")
    job = Job(
        model=model or str(sample_path(CHECKPOINT)), revision=revision, genome=genome, tokenizer=tokenizer,
        regions=regions, bed=bed, reducers=names, layers=layers, window_layers=window_layers,
        poolings=_split(poolings), overlap=overlap, strand=strand, sample_every=sample_every,
        sample_per_token=sample_per_token, dtype=dtype, parts=parts,
    )  # fmt: skip
    result = run_extract(
        job, out, device=device, batch_size=batch_size, resume=resume, save_every=save_every,
        trust_remote_code=trust_remote_code, progress=progress,
    )  # fmt: skip
    if os.environ.get("RANK", "0") == "0":
        print(layer_table(result))
        note(f"{result!r} in {out}: {', '.join(result.record['outputs'])}")


def layer_table(result: "PassResult") -> str:
    """The overview of a pass as text."""
    return result.overview().to_string(index=False, float_format=lambda value: f"{value:.3f}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
