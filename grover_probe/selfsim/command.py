"""The command line of self-similarity: from a genome and a model to a table, a figure and their record."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note, note_files
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.inputs import describe_inputs
from grover_probe.options import (
    BatchSizeOption,
    DeviceOption,
    DtypeOption,
    GenomeOption,
    ModelOption,
    ModelTokenizerOption,
    OutOption,
    ProgressOption,
    RegionsOption,
    RevisionOption,
    TrustOption,
)
from grover_probe.selfsim.extracted import ExtractedJob

if TYPE_CHECKING:
    from grover_probe.selfsim.similarity import SelfSimilarity

app = new_app("How much does context change the embedding of a token? Exact self-similarity per token and layer.")

_RHO_LEGEND = (
    "rho: Spearman of adjusted self-similarity with the share of a token's occurrences in repeats; "
    "rho|f,l,gc: with frequency, length and GC held constant"
)
_MOST_LAYERS = 999
_OUTPUTS = ("selfsim.parquet", "selfsim.tsv", "selfsim.png", "selfsim.svg")
_RECORD = "selfsim.run.json"


@dataclass(frozen=True)
class Job:
    """One run: input files and every setting that decides the result.

    Attributes
    ----------
    model, revision
        Folder, or hub id and its revision.
    tokenizer
        As in `grover_probe.models.load_tokenizer`; the model's own when None.
    genome, regions, annotation
        Files.
    layers, max_per_token, dtype, seed
        As in `grover_probe.selfsim.self_similarity`.
    """

    model: str
    revision: str | None
    genome: Path
    tokenizer: str | None
    regions: Path | None
    annotation: Path | None
    layers: tuple[int, ...] | None
    max_per_token: int | None
    dtype: str
    seed: int

    def parameters(self) -> dict[str, Any]:
        """Settings that are not files."""
        return {name: getattr(self, name) for name in ("layers", "max_per_token", "dtype", "seed")}

    def inputs(self) -> dict[str, Any]:
        """Content of every input file, by hash: what decides whether an earlier result is still right."""
        files = {"genome": self.genome, "regions": self.regions, "annotation": self.annotation}
        return describe_inputs(self.model, self.tokenizer, self.revision, **files)


@app.command(
    epilog="Example: `python -m grover_probe.selfsim --model PoetschLab/GROVER --genome hg19.2bit --regions mine.bed "
    "--annotation repeats.bed.gz --out results`"
)
def selfsim(
    model: ModelOption = None,
    revision: RevisionOption = None,
    genome: GenomeOption = None,
    tokenizer: ModelTokenizerOption = None,
    regions: RegionsOption = None,
    annotation: Annotated[Path | None, typer.Option(help="BED of repeats, for `repeat_share`.")] = None,
    extracted: Annotated[
        Path | None, typer.Option(help="Folder of `python -m grover_probe.extract`: no forward pass is needed.")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Layers, such as 0,2,4 or 1-4.", show_default="all")] = None,
    max_per_token: Annotated[
        int | None,
        typer.Option(min=2, help="Sample so many occurrences per token (the paper: 5000).", show_default="all"),
    ] = None,
    trust_remote_code: TrustOption = False,
    dtype: DtypeOption = "fp32",
    device: DeviceOption = "auto",
    batch_size: BatchSizeOption = 8,
    seed: Annotated[int, typer.Option(help="Decides the sample of --max-per-token.")] = 0,
    out: OutOption = Path("selfsim-out"),
    progress: ProgressOption = True,
) -> None:
    """Measure how similar the embeddings of one token are in different contexts, layer by layer.

    Without arguments: the embedded checkpoint on 1 Mb of the embedded slice of hg19 chr20, with its repeats.
    """
    from grover_probe.data.sample import CHECKPOINT, GENOME, REGION, REPEATS, sample_path

    if genome is None:
        genome, regions = sample_path(GENOME), regions or sample_path(REGION)
        annotation = annotation or (sample_path(REPEATS) if extracted is None else None)
    checkpoint, wanted = str(sample_path(CHECKPOINT)), parse_layers(layers)
    job: Job | ExtractedJob
    if extracted is None:
        job = Job(
            model or checkpoint, revision, genome, tokenizer, regions, annotation, wanted, max_per_token, dtype, seed
        )
    elif model is None and revision is None and max_per_token is None:
        job = ExtractedJob(extracted, annotation, genome, tokenizer or checkpoint, regions, wanted)
    else:
        raise InputError(
            "--extracted: the pass has chosen model and tokens; leave out --model, --revision and --max-per-token"
        )
    inputs = job.inputs()
    verb = "unchanged since the last run:"
    with output_folder(out):
        result = _stored(out, inputs, job.parameters())
        if result is None:
            if isinstance(job, Job):
                result = _compute(job, device, batch_size, trust_remote_code, progress)
            else:
                result = job.compute()
            _write(result, job, inputs, out)
            verb = "wrote"
    print(layer_table(result))
    if "rho_repeat" in result.layers:
        note(_RHO_LEGEND)
    note_files(out, (*_OUTPUTS, _RECORD), verb)


def layer_table(result: "SelfSimilarity") -> str:
    """The table of layers as text."""
    names = {
        "layer": "layer",
        "n_tokens": "tokens",
        "self_similarity": "self-similarity",
        "anisotropy": "anisotropy",
        "self_similarity_adjusted": "adjusted",
        "intra_window_similarity": "within window",
        "repeat_rich": "repeat-rich",
        "other": "other tokens",
        "rho_repeat": "rho",
        "rho_repeat_partial": "rho|f,l,gc",
    }
    shown = result.layers[[name for name in names if name in result.layers]].rename(columns=names)
    return shown.to_string(index=False, float_format=lambda value: f"{value:.3f}")


def parse_layers(text: str | None) -> tuple[int, ...] | None:
    """Layers from text such as ``0,2,4`` or ``1-4``.

    Raises
    ------
    InputError
        When the text is something else.
    """
    if text is None:
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"--layers {text!r}: expected numbers such as 0,2,4 or 1-4")
        numbers = range(int(first), min(int(last or first), _MOST_LAYERS) + 1)
        if not numbers:
            raise InputError(
                f"--layers {text!r}: {part.strip()} is no range; expected a first and a last layer up to {_MOST_LAYERS}"
            )
        found.update(numbers)
    return tuple(sorted(found))


def _compute(job: Job, device: str, batch_size: int, trust_remote_code: bool, progress: bool) -> "SelfSimilarity":
    from grover_probe import models
    from grover_probe.annotation import share_per_token
    from grover_probe.genome import open_genome
    from grover_probe.inputs import open_tokenizer_of, read_regions, read_repeats, tokenize_regions
    from grover_probe.models.loading import check_fits
    from grover_probe.selfsim.similarity import self_similarity

    tokenizer = open_tokenizer_of(job.model, job.tokenizer, job.revision)
    genome = open_genome(job.genome)
    inside, repeats = read_regions(job.regions, genome), read_repeats(job.annotation, genome)
    model = models.load(
        job.model, device=device, dtype=job.dtype, trust_remote_code=trust_remote_code, revision=job.revision
    )
    check_fits(model, tokenizer.lengths, job.tokenizer or job.model)
    corpus, runs = tokenize_regions(genome, tokenizer, inside, progress=progress)
    n_tokens = int((runs[:, 1] - runs[:, 0]).sum())
    note(f"{model.name} on {n_tokens:,} tokens of {job.genome.name}, device {model.device}, {job.dtype}")
    return self_similarity(
        model,
        corpus,
        tokenizer.pieces,
        runs,
        layers=None if job.layers is None else list(job.layers),
        repeat_share=None if repeats is None else share_per_token(corpus, runs, repeats),
        max_per_token=job.max_per_token,
        batch_size=batch_size,
        seed=job.seed,
        progress=progress,
    )


def _write(result: "SelfSimilarity", job: Job | ExtractedJob, inputs: dict[str, Any], out: Path) -> None:
    from grover_probe.plotting.selfsim import selfsim_figure
    from grover_probe.plotting.style import save_figure
    from grover_probe.provenance import write_result

    def save(folder: Path) -> None:
        result.save(folder)
        save_figure(selfsim_figure(result.tokens, result.layers), folder / "selfsim", formats=("png", "svg"))

    layers = json.loads(result.layers.to_json(orient="records"))
    write_result(out, _OUTPUTS, save, _RECORD, inputs=inputs, parameters=job.parameters(), layers=layers)


def _stored(out: Path, inputs: dict[str, Any], parameters: dict[str, Any]) -> "SelfSimilarity | None":
    """The result that is already there, when it was made from the same content and its files are whole."""
    import pandas as pd

    from grover_probe import __version__
    from grover_probe.files import sha256_of
    from grover_probe.selfsim.similarity import SelfSimilarity

    try:
        record = json.loads((out / _RECORD).read_text(encoding="utf-8"))
        wanted = json.loads(json.dumps({"inputs": inputs, "parameters": parameters}, default=str))
        same = all(record[name] == wanted[name] for name in wanted)
        if not same or record["versions"]["grover_probe"] != __version__ or inputs["model"].get("revision", "") is None:
            return None
        if any(sha256_of(out / name) != sha256 for name, sha256 in record["outputs"].items()):
            return None
        return SelfSimilarity(pd.read_parquet(out / "selfsim.parquet"), pd.DataFrame(record["layers"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
