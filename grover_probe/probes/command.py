"""The command line of probes: from passes and annotation to a table, a figure and their record."""

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note, note_files
from grover_probe.errors import InputError, MissingDependencyError
from grover_probe.files import output_folder
from grover_probe.options import OutOption, ProgressOption, TokenizerOption

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.extract.results import PassResult
    from grover_probe.probes.genomic_targets import Source
    from grover_probe.probes.learners import Learner
    from grover_probe.probes.run import Found
    from grover_probe.probes.table import ProbeResult

app = new_app("What can be read from embeddings? Probes of every layer beside controls, on held-out blocks.")

_OUTPUTS = ("probes.tsv", "probes.png", "probes.svg")
_RECORD = "probes.run.json"
_CELLS = "cells"
_FEW_BLOCKS = 20
_LEVELS = {name: (name,) for name in ("tokens", "windows", "positions")} | {"both": ("tokens", "windows")}
_LEGEND = (
    "score: AUROC for classes, R2 for values, on held-out blocks, at the layer that inner folds chose; control: the "
    "best of majority or mean, composition, k-mers, one-hot, static token vectors, untrained models, shuffled labels; "
    "*: the control is not below the interval, so the model is not shown to say more"
)


@dataclass(frozen=True)
class Job:
    """One run: input files and every setting that decides the result.

    Attributes
    ----------
    passes
        Folders of passes by name: ``model``, and ``random_model`` and ``initial_model`` where given.
    genome, tokenizer, overlap
        Files.
    sources
        Annotation of windows.
    levels, probes
        What is probed, and how.
    layers, max_windows, folds, block_size, resamples, seed
        As in `window_level` and `Settings`.
    """

    passes: dict[str, Path]
    genome: Path | None
    tokenizer: str
    overlap: Path | None
    sources: tuple["Source", ...]
    levels: tuple[str, ...]
    probes: tuple[str, ...]
    layers: str | None
    max_windows: int | None
    folds: int
    block_size: int
    resamples: int
    seed: int

    def parameters(self) -> dict[str, Any]:
        """Settings that are not files."""
        names = ("levels", "probes", "layers", "max_windows", "folds", "block_size", "resamples", "seed")
        targets = {each.name: [each.kind, each.column, each.rule] for each in self.sources}
        return {**{name: getattr(self, name) for name in names}, "targets": targets}

    def inputs(self) -> dict[str, Any]:
        """Content of every input, by hash; of a pass its record, which holds the hashes of what it was made from."""
        from grover_probe.extract.results import RECORD
        from grover_probe.inputs import describe_files, describe_tokenizer

        files: dict[str, Path | None] = {name: folder / RECORD for name, folder in self.passes.items()}
        files |= {each.name: each.path for each in self.sources}
        files |= {"genome": self.genome, "overlap": self.overlap}
        return {**describe_files(**files), "tokenizer": describe_tokenizer(self.tokenizer)}


@app.command(
    epilog="Example: `python -m grover_probe.probes --extracted pass --random pass-random --genome hg19.2bit "
    "--tokenizer checkpoint --annotation repeat=repeats.bed.gz:7 --annotation ctcf=ctcf.bed.gz "
    "--signal timing=timing.bedgraph.gz --distance tss=tss.bed.gz --out results`"
)
def probes(
    extracted: Annotated[Path, typer.Option(help="Folder of a pass (`python -m grover_probe.extract`).")],
    random: Annotated[
        Path | None, typer.Option(help="Pass of a randomly initialised model of the same shape.", show_default="none")
    ] = None,
    initial: Annotated[
        Path | None, typer.Option(help="Pass of the untrained start of the model.", show_default="none")
    ] = None,
    genome: Annotated[Path | None, typer.Option(help="FASTA or 2bit of the pass, for windows.")] = None,
    tokenizer: TokenizerOption = None,
    annotation: Annotated[
        list[str] | None,
        typer.Option(help="name=path[:class column][@any|majority|centre]: what windows lie in. Repeatable."),
    ] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="name=path: bedGraph, wiggle or bigWig, averaged. Repeatable.")
    ] = None,
    strand: Annotated[
        list[str] | None, typer.Option(help="name=path: the strand of what a window lies in. Repeatable.")
    ] = None,
    distance: Annotated[
        list[str] | None, typer.Option(help="name=path: log10 of the bases to the nearest interval. Repeatable.")
    ] = None,
    overlap: Annotated[
        Path | None, typer.Option(help="tokens.parquet of `grover_probe.overlap`: share of tokens in classes.")
    ] = None,
    level: Annotated[
        str,
        typer.Option(help="tokens, windows, both, or positions: intervals of `extract --bed`, single bases as a rule."),
    ] = "both",
    probes: Annotated[str, typer.Option(help="Of linear, knn, mlp, with commas.")] = "linear",
    layers: Annotated[
        str | None, typer.Option(help="Layers of windows, such as 0,2-4,last.", show_default="all")
    ] = None,
    max_windows: Annotated[int | None, typer.Option(min=1, help="Draw so many windows.", show_default="all")] = None,
    folds: Annotated[int, typer.Option(help="Outer folds; inner folds are taken from them.")] = 5,
    block_size: Annotated[int, typer.Option(help="Bases that are held out together.")] = 500_000,
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap resamples of blocks.")] = 200,
    seed: Annotated[int, typer.Option(help="Decides folds, draws, shuffles and resamples.")] = 0,
    out: OutOption = Path("probes-out"),
    progress: ProgressOption = True,
) -> None:
    """Probe embeddings of tokens and windows for what annotation says, layer by layer, with controls.

    A run that was stopped goes on where it was: finished cells are kept in the folder `cells` of the output.
    """
    from grover_probe.data.sample import sample_path
    from grover_probe.probes.genomic_targets import KINDS, parse_source

    if level not in _LEVELS:
        raise InputError(f"--level {level!r}: expected one of {', '.join(_LEVELS)}")
    given = dict(zip(KINDS, (annotation, signal, strand, distance), strict=True))
    job = Job(
        passes={
            name: folder
            for name, folder in (("model", extracted), ("random_model", random), ("initial_model", initial))
            if folder is not None
        },
        genome=genome,
        tokenizer=tokenizer or str(sample_path("checkpoint")),
        overlap=overlap,
        sources=tuple(parse_source(kind, text) for kind in KINDS for text in given[kind] or ()),
        levels=_LEVELS[level],
        probes=_probe_names(probes),
        layers=layers,
        max_windows=max_windows,
        folds=folds,
        block_size=block_size,
        resamples=resamples,
        seed=seed,
    )
    _check(job)
    with output_folder(out):
        result = _compute(job, out, progress)
        _write(result, job, out)
    for each in result.notes:
        note(each)
    print(summary(result))
    note(_LEGEND)
    note_files(out, (*_OUTPUTS, _RECORD))


def summary(result: "ProbeResult") -> str:
    """The best layer of each target beside its best control, as text."""
    from grover_probe.probes.table import best_rows

    best = best_rows(result.table)
    shown = best[["level", "target", "probe", "metric", "score", "ci_low", "ci_high"]].copy()
    shown["layer"] = best["chosen"].map(_short_choice)
    shown["best control"] = best["best_control"]
    shown["control"] = best["best_control_score"]
    shown["gain"] = [
        f"{gain:+.3f} ({low:+.3f} to {high:+.3f})"
        for gain, low, high in zip(best["gain"], best["gain_low"], best["gain_high"], strict=True)
    ]
    shown[""] = best["flag"].map(lambda flag: "*" if flag else "")
    return shown.to_string(index=False, float_format=lambda value: f"{value:.3f}")


def _short_choice(chosen: str) -> str:
    """``4:mean`` or ``4:mean, 3:mean``: what outer folds chose, without settings, each once."""
    return ",".join(sorted({each.split(" ")[0] for each in chosen.split(", ")}))


def _probe_names(text: str) -> tuple[str, ...]:
    known = ("linear", "knn", "mlp")
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or set(names) - set(known):
        raise InputError(f"--probes {text!r}: expected some of {', '.join(known)}, with commas")
    return names


def _check(job: Job) -> None:
    for package in ("scipy", "Bio"):
        if find_spec(package) is None:
            raise MissingDependencyError("probes need scipy and Biopython; pip install 'grover-probe[probes]'")
    names = [each.name for each in job.sources]
    twice = {name for name in (*names, "gc") if (*names, "gc").count(name) > 1}
    if twice:
        raise InputError(f"two targets are called {sorted(twice)[0]!r}; give another name before the =")
    for option, path in (("genome", job.genome), ("overlap", job.overlap)):
        if path is not None and not path.is_file():
            raise InputError(f"{path}: no such file for --{option}")
    if job.genome is None and job.levels != ("tokens",):
        raise InputError("--genome is needed for windows: their composition is a control; or use --level tokens")


def _learners(names: tuple[str, ...]) -> list["Learner"]:
    from grover_probe.probes.learners import Neighbours
    from grover_probe.probes.linear import Linear
    from grover_probe.probes.mlp import Network

    makers: dict[str, Any] = {"linear": Linear, "knn": Neighbours, "mlp": Network}
    return [makers[name]() for name in names]


def _compute(job: Job, out: Path, progress: bool) -> "ProbeResult":
    import numpy as np

    from grover_probe.extract.results import open_pass
    from grover_probe.probes.cells import CellStore
    from grover_probe.probes.run import Settings, run_level
    from grover_probe.probes.table import ProbeResult, probe_table

    passes = {name: open_pass(folder) for name, folder in job.passes.items()}
    settings = Settings(_learners(job.probes), job.seed, job.resamples)
    store = CellStore(out / _CELLS)
    cells, notes = [], []
    if "random_model" not in passes:
        notes.append("no --random pass: the table has no randomly initialised model among its controls")
    for name in job.levels:
        level, more = _level(name, job, passes)
        note(f"{name}: {len(level.folds.fold):,} rows, {level.folds.n_folds} folds of {level.folds.rule}")
        n_blocks = len(np.unique(level.folds.block))
        if n_blocks < _FEW_BLOCKS:
            notes.append(f"{name}: only {n_blocks} blocks, so intervals are rough; use more sequence or --block-size")
        found: Found = run_level(level, settings, store, progress=progress)
        cells += found.cells
        notes += [*more, *found.notes]
    if store.found:
        note(f"{store.found} cells were there from an earlier run")
    if not cells:
        raise InputError("no target can be probed: " + "; ".join(notes))
    return ProbeResult(probe_table(cells), tuple(notes))


def _level(name: str, job: Job, passes: dict[str, "PassResult"]) -> tuple[Any, list[str]]:
    others = {name: each for name, each in passes.items() if name != "model"}
    if name == "tokens":
        from grover_probe.probes.token_level import read_overlap, token_level

        overlap = None if job.overlap is None else read_overlap(job.overlap)
        return token_level(passes["model"], others, overlap, n_folds=job.folds, seed=job.seed), []
    from grover_probe.extract.layers import parse_layers
    from grover_probe.genome import open_genome
    from grover_probe.kmer import open_tokenizer
    from grover_probe.probes.position_level import position_level
    from grover_probe.probes.window_level import window_level

    assert job.genome is not None
    make = position_level if name == "positions" else partial(window_level, max_windows=job.max_windows)
    return make(
        passes["model"],
        others,
        open_genome(job.genome),
        open_tokenizer(job.tokenizer),
        list(job.sources),
        layers=parse_layers(job.layers, max(passes["model"].window_layers, default=0) + 1),
        n_folds=job.folds,
        block_size=job.block_size,
        seed=job.seed,
    )


def _write(result: "ProbeResult", job: Job, out: Path) -> None:
    from grover_probe.plotting.probes import probes_figure
    from grover_probe.plotting.style import save_figure
    from grover_probe.provenance import write_result

    def save(folder: Path) -> None:
        result.save(folder)
        save_figure(probes_figure(result.table), folder / "probes", formats=("png", "svg"))

    write_result(
        out, _OUTPUTS, save, _RECORD,
        inputs=job.inputs(), parameters=job.parameters(), notes=list(result.notes), best=_records(result.table),
    )  # fmt: skip


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    import json

    from grover_probe.probes.table import best_rows

    columns = ["level", "target", "probe", "metric", "score", "ci_low", "ci_high", "best_control", "gain", "flag"]
    return json.loads(best_rows(table)[columns].to_json(orient="records"))
