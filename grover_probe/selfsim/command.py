"""The command line of self-similarity: from a genome and a model to a table, a figure and their record."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.selfsim.extracted import ExtractedJob

if TYPE_CHECKING:
    from grover_probe.selfsim.similarity import SelfSimilarity

app = new_app("How much does context change the embedding of a token? Exact self-similarity per token and layer.")

_RHO_LEGEND = (
    "rho: Spearman of adjusted self-similarity with the share of a token's occurrences in repeats; "
    "rho|f,l,gc: with frequency, length and GC held constant"
)
_SAMPLE_REGION = "demo_region.bed"
_MOST_LAYERS = 999
_OUTPUTS = ("selfsim.parquet", "selfsim.tsv", "selfsim.png", "selfsim.svg")
_RECORD = "selfsim.run.json"


@dataclass(frozen=True)
class Job:
    """One run: input files and every setting that decides the result.

    Attributes
    ----------
    model
        Folder or hub id.
    genome, tokenizer, regions, annotation
        Files; `tokenizer` is a folder or ``tokenizer.json``.
    layers, max_per_token, dtype, seed
        As in `grover_probe.selfsim.self_similarity`.
    """

    model: str
    genome: Path
    tokenizer: Path
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
        from grover_probe.models.folder import describe_model
        from grover_probe.provenance import describe_file

        tokenizer = self.tokenizer / "tokenizer.json" if self.tokenizer.is_dir() else self.tokenizer
        files = {
            "genome": self.genome,
            "tokenizer": tokenizer,
            "regions": self.regions,
            "annotation": self.annotation,
        }
        for name, path in files.items():
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such file for --{name}")
        described = {name: describe_file(path) for name, path in files.items() if path is not None}
        return {"model": describe_model(self.model), **described}


@app.command(
    epilog="Example: `python -m grover_probe.selfsim --model PoetschLab/GROVER --genome hg19.2bit --regions mine.bed "
    "--annotation repeats.bed.gz --out results`"
)
def selfsim(
    model: Annotated[
        str | None, typer.Option(help="Model folder or hub id.", show_default="the embedded checkpoint")
    ] = None,
    genome: Annotated[
        Path | None, typer.Option(help="FASTA or 2bit.", show_default="the embedded slice of hg19 chr20")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json or its folder.", show_default="the model's")
    ] = None,
    regions: Annotated[Path | None, typer.Option(help="BED: use only tokens inside.")] = None,
    annotation: Annotated[Path | None, typer.Option(help="BED of repeats, for `repeat_share`.")] = None,
    extracted: Annotated[
        Path | None, typer.Option(help="Folder of `python -m grover_probe.extract`: no forward pass is needed.")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Layers, such as 0,2,4 or 1-4.", show_default="all")] = None,
    max_per_token: Annotated[
        int | None,
        typer.Option(min=2, help="Sample so many occurrences per token (the paper: 5000).", show_default="all"),
    ] = None,
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16 for the forward pass.")] = "fp32",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Full windows per batch; does not change results.")] = 8,
    seed: Annotated[int, typer.Option(help="Decides the sample of --max-per-token.")] = 0,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("selfsim-out"),
    progress: Annotated[bool, typer.Option(help="Progress bars on stderr.")] = True,
) -> None:
    """Measure how similar the embeddings of one token are in different contexts, layer by layer.

    Without arguments: the embedded checkpoint on 1 Mb of the embedded slice of hg19 chr20, with its repeats.
    """
    job: Job | ExtractedJob
    if extracted is not None:
        if model is not None or max_per_token is not None:
            raise InputError("--extracted: the pass has chosen model and tokens; leave out --model and --max-per-token")
        sample = _make_job(None, genome, tokenizer, regions, annotation, layers, None, dtype, seed)
        job = ExtractedJob(extracted, annotation, sample.genome, sample.tokenizer, sample.regions, sample.layers)
    else:
        job = _make_job(model, genome, tokenizer, regions, annotation, layers, max_per_token, dtype, seed)
    inputs = job.inputs()
    verb = "unchanged since the last run:"
    with output_folder(out):
        result = _stored(out, inputs, job.parameters())
        if result is None:
            result = _compute(job, device, batch_size, progress) if isinstance(job, Job) else job.compute()
            _write(result, job, inputs, out)
            verb = "wrote"
    print(layer_table(result))
    if "rho_repeat" in result.layers:
        note(_RHO_LEGEND)
    note(f"{verb} {', '.join(str(out / name) for name in (*_OUTPUTS, _RECORD))}")


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


def _make_job(
    model: str | None,
    genome: Path | None,
    tokenizer: Path | None,
    regions: Path | None,
    annotation: Path | None,
    layers: str | None,
    max_per_token: int | None,
    dtype: str,
    seed: int,
) -> Job:
    from grover_probe.data.sample import sample_path

    if genome is None:
        genome = sample_path("chr20_slice.2bit")
        regions = regions or sample_path(_SAMPLE_REGION)
        annotation = annotation or sample_path("repeats.bed.gz")
    model = model or str(sample_path("checkpoint"))
    if tokenizer is None:
        tokenizer = Path(model)
        if not tokenizer.is_dir():
            tokenizer = _tokenizer_from_hub(model)
    return Job(model, genome, tokenizer, regions, annotation, parse_layers(layers), max_per_token, dtype, seed)


def _tokenizer_from_hub(model: str) -> Path:
    from grover_probe.models.folder import hub_file

    return hub_file(model, "tokenizer.json")


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


def _compute(job: Job, device: str, batch_size: int, progress: bool) -> "SelfSimilarity":
    from grover_probe import models
    from grover_probe.annotation import read_bed, read_intervals, share_per_token
    from grover_probe.bpe import load_tokenizer
    from grover_probe.corpus import tokenize
    from grover_probe.genome import open_genome
    from grover_probe.models.loading import check_fits
    from grover_probe.selfsim.similarity import self_similarity

    tokenizer = load_tokenizer(job.tokenizer)
    genome = open_genome(job.genome)
    inside, outside = (None, 0) if job.regions is None else read_bed(job.regions, genome)
    repeats = None if job.annotation is None else read_intervals(job.annotation, genome)
    for path, elsewhere in ((job.regions, outside), (job.annotation, repeats.elsewhere if repeats else 0)):
        if elsewhere:
            note(f"{path}: {elsewhere:,} intervals lie on sequences that {genome.path.name} does not have; left out")
    model = models.load(job.model, device=device, dtype=job.dtype)
    check_fits(model, tokenizer.lengths, str(job.tokenizer))
    chroms = None if inside is None else sorted({region.chrom for region in inside}, key=genome.names.index)
    corpus = tokenize(genome, tokenizer, chroms, progress=progress)
    runs = corpus.runs(inside)
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
    from grover_probe.files import sha256_of, staged_files
    from grover_probe.plotting.selfsim import selfsim_figure
    from grover_probe.plotting.style import save_figure
    from grover_probe.provenance import write_run

    with staged_files(out, (*_OUTPUTS, _RECORD)) as staging:
        result.save(staging)
        save_figure(selfsim_figure(result.tokens, result.layers), staging / "selfsim", formats=("png", "svg"))
        write_run(
            staging / _RECORD,
            inputs=inputs,
            parameters=job.parameters(),
            outputs={name: sha256_of(staging / name) for name in _OUTPUTS},
            layers=json.loads(result.layers.to_json(orient="records")),
        )


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
