"""A whole pass: from input files to a folder of results, alone or with other processes, and again after a stop."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.command import note, track
from grover_probe.errors import GroverProbeError, InputError
from grover_probe.extract.job import Job, differences
from grover_probe.extract.parts import Parts, cut_parts, merge_parts, run_part
from grover_probe.extract.processes import Processes, join_processes
from grover_probe.extract.results import RECORD, VOCABULARY, WINDOWS, PassResult, open_pass
from grover_probe.files import atomic_path, output_folder, staged_files
from grover_probe.inputs import chroms_of, open_tokenizer_of, read_regions

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.extract.reducers import Reducer, Setup
    from grover_probe.genome import Genome, Region
    from grover_probe.models.loading import LanguageModel

PARTS = "parts"
_KEY = "key.json"
_PILOT_WINDOWS = 64


@dataclass(frozen=True)
class Sequences:
    """What is read from the input files before the pass.

    Attributes
    ----------
    tokenizer
        Pieces, lengths and encoder.
    genome
        With the strands asked for as sequences.
    corpus
        When the input is one already, else None.
    inside
        Regions that are read, or None for everything.
    bed
        Intervals whose means are wanted, on the forward strand.
    """

    tokenizer: Any
    genome: "Genome"
    corpus: "Corpus | None"
    inside: "list[Region] | None"
    bed: "list[Region]"

    def on_strands(self, regions: "Sequence[Region]") -> "list[Region]":
        """Regions in the coordinates of each strand that is read."""
        from grover_probe.extract.strands import StrandedGenome

        return self.genome.on_strands(regions) if isinstance(self.genome, StrandedGenome) else list(regions)


def extract(
    job: Job,
    out: Path | str,
    *,
    device: str = "auto",
    batch_size: int = 8,
    resume: bool = True,
    save_every: float = 30,
    trust_remote_code: bool = False,
    progress: bool = True,
) -> PassResult:
    """Run a pass, or what is left of it, and write its folder.

    Parameters
    ----------
    job
        What to do.
    out
        Folder of the results; the format is in `grover_probe.extract.results`. While the pass runs its state is in
        ``parts`` there. Processes that share a pass must all see this folder.
    device
        ``auto`` takes a GPU when there is one; each process its own.
    batch_size
        Full windows per batch; changes results by rounding only.
    resume
        Go on from what an earlier call left, or return what it finished. If false it is thrown away.
    save_every
        Seconds between two saved states.
    trust_remote_code
        Run code that comes with the model, if it needs that (see `grover_probe.models.load`).
    progress
        Show progress bars on stderr.

    Returns
    -------
    PassResult
        The opened folder.

    Raises
    ------
    InputError
        For bad input, or when the folder holds a pass with other inputs or settings and `resume` is set.
    """
    from grover_probe import models

    job.check()
    out = Path(out)
    with join_processes() as processes, output_folder(out):
        model = models.load(
            job.model,
            device=processes.pick_device(device),
            dtype=job.dtype,
            trust_remote_code=trust_remote_code,
            revision=job.revision,
        )
        sequences = read_sequences(job, model, tell=note if processes.is_first else lambda line: None)
        plan = processes.tell(job.resolve(model) if processes.is_first else None)
        progress = progress and processes.is_first
        finished = processes.tell(_is_finished(out, plan, resume) if processes.is_first else None)
        if finished and processes.is_first:
            note(f"{out}: finished before, with the same inputs and settings")
        if not finished:
            with _unfinished(out / PARTS, processes):
                setup = _prepare(job, model, sequences, plan, out / PARTS, processes, progress)
                parts = cut_parts(out / PARTS, plan["key"], _table(setup), int(np.diff(setup.windows).max()), job.parts)
                reducers = [kind.for_pass(setup) for kind in _kinds(job)] if processes.is_first else []
                processes.wait()  # the first process has made the files that all write rows to
                reducers = reducers or [kind.for_pass(setup) for kind in _kinds(job)]
                _run_own_parts(parts, setup, reducers, processes, batch_size, save_every, progress)
                processes.wait()
                if processes.is_first:
                    _write(out, merge_parts(parts, reducers), setup, sequences, job, plan)
            processes.wait()
        if processes.is_first:
            shutil.rmtree(out / PARTS, ignore_errors=True)
        return open_pass(out)


def read_sequences(job: Job, model: "LanguageModel", tell: Callable[[str], None] = note) -> Sequences:
    """Open tokenizer and genome and read the intervals; `tell` hears of intervals that are left out.

    Raises
    ------
    InputError
        When one of them cannot be used, or the model cannot embed the tokenizer's ids.
    """
    from grover_probe.extract.inputs import open_sequences
    from grover_probe.extract.strands import StrandedGenome
    from grover_probe.models.loading import check_fits

    tokenizer = open_tokenizer_of(job.model, job.tokenizer, job.revision)
    check_fits(model, tokenizer.lengths, str(job.tokenizer or job.model))
    genome, corpus = open_sequences(job.genome, tokenizer)
    inside, bed = (read_regions(path, genome, tell) for path in (job.regions, job.bed))
    stranded = genome if corpus is not None else StrandedGenome(genome, job.strand)
    return Sequences(tokenizer, stranded, corpus, inside, bed or [])


def _is_finished(out: Path, plan: dict[str, Any], resume: bool) -> bool:
    """Whether the result is there already. What another pass left is refused, or thrown away without `resume`."""
    if not resume:
        shutil.rmtree(out / PARTS, ignore_errors=True)
        return False
    for path, what in ((out / RECORD, "a finished pass"), (out / PARTS / _KEY, "an unfinished pass")):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            same = stored["key"] == plan["key"]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{path}: damaged; use --no-resume to start anew") from None
        if not same:
            raise InputError(
                f"{out}: holds {what} of other inputs or settings: {differences(stored, plan)}; choose another --out, "
                "or --no-resume to replace it"
            )
        if path.name == RECORD and all((out / name).is_file() for name in stored["outputs"]):
            return True
    return False


@contextlib.contextmanager
def _unfinished(folder: Path, processes: Processes) -> Iterator[None]:
    """Take away the folder of parts when input turns out bad before there is any state worth keeping."""
    try:
        yield
    except GroverProbeError:
        if processes.is_first and not any(folder.glob("part-*.npz")):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _prepare(
    job: Job,
    model: "LanguageModel",
    sequences: Sequences,
    plan: dict[str, Any],
    folder: Path,
    processes: Processes,
    progress: bool,
) -> "Setup":
    """Tokenise, cut windows, and give the reducers what they need; the first process writes what all read."""
    from grover_probe.corpus_files import open_corpus, write_corpus
    from grover_probe.extract.central import central_windows
    from grover_probe.extract.intervals import TokenIntervals
    from grover_probe.extract.reducers import Setup
    from grover_probe.extract.run import check_windows
    from grover_probe.windows import MAX_WINDOW_TOKENS

    inside = None if sequences.inside is None else sequences.on_strands(sequences.inside)
    if processes.is_first:
        with atomic_path(folder / _KEY) as temporary:
            temporary.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
        if sequences.corpus is None and not (folder / "corpus").is_dir():
            chroms = chroms_of(inside, sequences.genome)
            write_corpus(sequences.genome, sequences.tokenizer, folder / "corpus", chroms=chroms, progress=progress)
    processes.wait()
    corpus = sequences.corpus or open_corpus(folder / "corpus", sequences.tokenizer)
    runs = corpus.runs(inside)
    if not len(runs):
        raise InputError(f"no whole token lies inside the regions of {job.regions}; widen them")
    windows, taken = central_windows(runs, min(MAX_WINDOW_TOKENS, model.max_tokens), job.overlap)
    check_windows(model, corpus, windows)
    placed = [(index, part) for index, region in enumerate(sequences.bed) for part in sequences.on_strands([region])]
    setup = Setup(
        model, corpus, windows, taken, tuple(plan["parameters"]["layers"]),
        window_layers=tuple(plan["parameters"]["window_layers"]),
        poolings=job.poolings,
        intervals=TokenIntervals(corpus, taken, sequences.bed, placed) if placed else None,
        options={"sample_every": job.sample_every, "sample_per_token": job.sample_per_token},
        folder=folder,
    )  # fmt: skip
    return replace(setup, options={**setup.options, **_extras(job, setup, processes)})


def _extras(job: Job, setup: "Setup", processes: Processes) -> dict[str, Any]:
    """What only some reducers need."""
    from grover_probe.extract.head import prediction_head

    found: dict[str, Any] = {}
    names = [kind.name for kind in _kinds(job)]
    if "lens" in names:
        found["head"] = prediction_head(setup.model)
    if "standardised" in names:
        assert setup.folder is not None
        path = setup.folder / "pilot.npz"
        if processes.is_first and not path.is_file():
            centre, scale = pilot(setup)
            with atomic_path(path) as temporary:
                np.savez(temporary, centre=centre, scale=scale)
        processes.wait()
        import torch

        with np.load(path) as stored:
            found |= {name: torch.from_numpy(stored[name]) for name in ("centre", "scale")}
    return found


def pilot(setup: "Setup") -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each dimension, from 64 windows spread evenly: (n_layers, width) each."""
    from grover_probe.extract.reducers import Moments
    from grover_probe.extract.run import run_windows

    table = _table(setup)
    rows = table[np.unique(np.linspace(0, len(table) - 1, _PILOT_WINDOWS).astype(np.int64))]
    sums = Moments.for_pass(setup)
    run_windows(setup.model, setup.corpus, rows, [sums], layers=setup.layers)
    state = {name: tensor.numpy() for name, tensor in sums.state_dict().items()}
    n = state["count"].sum()
    mean = state["total"].sum(1) / n
    return mean, np.sqrt(np.maximum(state["square"].sum(1) / n - mean**2, 0))


def _table(setup: "Setup") -> np.ndarray:
    from grover_probe.extract.run import window_table

    return window_table(setup.windows, setup.taken)


def _kinds(job: Job) -> list[type["Reducer"]]:
    from grover_probe.extract.inputs import find_reducer

    return [find_reducer(name)[0] for name in job.reducers]


def _run_own_parts(
    parts: Parts,
    setup: "Setup",
    reducers: "Sequence[Reducer]",
    processes: Processes,
    batch_size: int,
    save_every: float,
    progress: bool,
) -> None:
    own = range(processes.rank, parts.n, processes.n)
    left = sum(parts.tokens_left(part) for part in own)
    total = int((setup.taken[:, 1] - setup.taken[:, 0]).sum())
    if processes.is_first:
        share = f", {left:,} of them by the first of {processes.n} processes" if processes.n > 1 else ""
        share = f", {left:,} of them left" if left < total and processes.n == 1 else share
        note(f"{setup.model.name} on {total:,} tokens{share}, device {setup.model.device}")
    with track(total=left, label=setup.model.name, unit="tok", unit_scale=True, progress=progress) as bar:
        for part in own:
            run_part(
                parts, part, setup.model, setup.corpus, reducers,
                layers=setup.layers, batch_size=batch_size, save_every=save_every, done=bar.update,
            )  # fmt: skip


def _write(
    out: Path, reducers: "Sequence[Reducer]", setup: "Setup", sequences: Sequences, job: Job, plan: dict[str, Any]
) -> None:
    from grover_probe.extract.results import FORMAT_VERSION
    from grover_probe.extract.tables import window_frame, write_vocabulary
    from grover_probe.provenance import write_run

    outputs = [VOCABULARY, WINDOWS, *(name for reducer in reducers for name in reducer.files)]
    earlier = _outputs_of(out)
    with staged_files(out, (*outputs, RECORD)) as staging:
        write_vocabulary(sequences.tokenizer, setup.n_ids, staging / VOCABULARY)
        window_frame(setup.corpus, setup.taken, sequences.genome).to_parquet(staging / WINDOWS, index=False)
        for reducer in reducers:
            reducer.save(staging)
        write_run(
            staging / RECORD,
            inputs=plan["inputs"],
            parameters=plan["parameters"],
            key=plan["key"],
            format_version=FORMAT_VERSION,
            model=setup.model.name,
            layers=list(setup.layers),
            window_layers=list(setup.window_layers),
            poolings=list(setup.poolings),
            width=setup.width,
            n_ids=setup.n_ids,
            reducers=[reducer.name for reducer in reducers],
            n_tokens=int((setup.taken[:, 1] - setup.taken[:, 0]).sum()),
            n_windows=len(setup.windows),
            tokenizer_hash=setup.corpus.tokenizer_hash,
            outputs={name: (staging / name).stat().st_size for name in outputs},
        )
    for name in earlier - {*outputs}:
        (out / name).unlink(missing_ok=True)


def _outputs_of(out: Path) -> set[str]:
    """Files of the pass that is being replaced, if any."""
    try:
        return set(json.loads((out / RECORD).read_text(encoding="utf-8"))["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
