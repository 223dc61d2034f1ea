"""One row per window of the genome: targets from annotation, blocks and controls."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.baselines.composition import genome_composition
from grover_probe.baselines.onehot import central_one_hot
from grover_probe.errors import GroverProbeError, InputError
from grover_probe.probes.features import MODEL, Features, single
from grover_probe.probes.folds import BLOCK_SIZE, N_FOLDS, genomic_folds
from grover_probe.probes.run import Level
from grover_probe.probes.targets import Target, binary_target, class_target
from grover_probe.probes.window_tokens import static_means, token_counts

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.annotation import Annotation
    from grover_probe.extract.results import PassResult
    from grover_probe.genome import Genome
    from grover_probe.kmer import AnyTokenizer

KMER = 4  # bases; 256 columns
RULES = ("any", "majority", "centre")
KINDS = ("annotation", "signal", "strand", "distance")


@dataclass(frozen=True)
class Source:
    """A file that gives a target for windows.

    Attributes
    ----------
    kind
        ``annotation`` (inside or not, or a class), ``signal`` (mean value), ``strand`` (of what lies there),
        ``distance`` (log10 of bases to the nearest interval).
    name
        Of the target.
    path
        The file.
    column
        Class column of an annotation, empty for none.
    rule
        How a window gets a class: see `grover_probe.overlap.windows.window_labels`. Without classes ``any`` means one
        base is enough.
    """

    kind: str
    name: str
    path: Path
    column: str = ""
    rule: str = ""


def parse_source(kind: str, text: str) -> Source:
    """Read ``name=path``, for annotation ``name=path[:column][@rule]``.

    Raises
    ------
    InputError
        When the text is something else or the file is not there.
    """
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest:
        expected = "name=path[:column][@rule]" if kind == "annotation" else "name=path"
        raise InputError(f"--{kind} {text!r}: expected {expected}")
    column = rule = ""
    if kind == "annotation" and not Path(rest).is_file():
        before, _, last = rest.rpartition("@")
        if last in RULES:
            rest, rule = before, last
        path, _, after = rest.rpartition(":")
        if not Path(rest).is_file() and Path(path).is_file():
            rest, column = path, after
        if "@" in column:
            raise InputError(f"--{kind} {text!r}: rule {last!r} is none of {', '.join(RULES)}")
    if not Path(rest).is_file():
        raise InputError(f"{rest}: no such file for --{kind}")
    return Source(kind, name, Path(rest), column, rule or ("majority" if column else "any"))


def window_level(
    result: "PassResult",
    others: dict[str, "PassResult"],
    genome: "Genome",
    tokenizer: "AnyTokenizer",
    sources: list[Source],
    *,
    layers: tuple[int, ...] | None = None,
    max_windows: int | None = None,
    n_folds: int = N_FOLDS,
    block_size: int = BLOCK_SIZE,
    seed: int = 0,
) -> tuple[Level, list[str]]:
    """Everything that is asked of the embeddings of windows.

    Parameters
    ----------
    result
        The pass of the model, with window embeddings.
    others
        Passes of other models over the same windows by name of the control: ``random_model``, ``initial_model``.
    genome, tokenizer
        What the pass was made from.
    sources
        Files that give targets; GC content is always one.
    layers
        Layers to probe, all that were kept when None.
    max_windows
        Draw so many at random; all when None.
    n_folds, block_size, seed
        As in `genomic_folds`; the seed also draws the windows.

    Returns
    -------
    level : Level
        What `run_level` takes.
    notes : list of str
        Sources that could not be used, and what was left out of them.

    Raises
    ------
    InputError
        When passes, genome and tokenizer do not belong together, or folds cannot be formed.
    """
    table = result.windows
    for name, other in others.items():
        same = len(other.windows) == len(table) and all(
            np.array_equal(other.windows[column].to_numpy(), table[column].to_numpy())
            for column in ("chrom", "start", "end")
        )
        if not same:
            raise InputError(f"{other.folder}: other windows than in {result.folder}; cannot be --{name[:-6]}")
    rows = np.arange(len(table))
    if max_windows is not None and max_windows < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, max_windows, replace=False))
    table = table.iloc[rows].reset_index(drop=True)
    centres = (table["start"] + table["end"]).to_numpy() // 2
    folds = genomic_folds(table["chrom"].to_numpy(), centres, n_folds=n_folds, block_size=block_size, seed=seed)
    chroms, starts, ends = (table[name].to_numpy() for name in ("chrom", "start", "end"))
    gc, spectrum = genome_composition(genome, chroms, starts, ends, KMER)
    counts = token_counts(table, genome, tokenizer, result.pieces)
    targets, notes = window_targets(table, genome, sources)
    targets = [Target("gc", "windows", gc), *targets]
    features = [_layers(MODEL, result, rows, layers)]
    features += [_layers(name, other, rows, layers) for name, other in others.items()]
    if 0 in result.layers:
        features.append(single("input_embeddings", static_means(counts, result.token_means(0))))
    features.append(_composition(gc, spectrum, ends - starts, table["n_tokens"].to_numpy()))
    features.append(single("kmer_spectrum", spectrum))
    features.append(single("one_hot", central_one_hot(genome, chroms, starts, ends)))
    n_ids = counts.shape[1]

    def random_labels(number: int) -> np.ndarray:
        """Mean over the window's tokens of a random value per token type."""
        return static_means(counts, np.random.default_rng([number, 2]).normal(size=(n_ids, 1)))[:, 0]

    return Level("windows", targets, folds, features, random_labels), notes


def window_targets(table: "pd.DataFrame", genome: "Genome", sources: list[Source]) -> tuple[list[Target], list[str]]:
    """Targets of windows from files; a file that cannot be used is noted, and the others go on."""
    targets: list[Target] = []
    notes: list[str] = []
    for source in sources:
        try:
            target, more = _target(table, genome, source)
            targets.append(target)
            notes += more
        except GroverProbeError as reason:
            notes.append(f"windows {source.name}: skipped, {reason}")
    return targets, notes


def _target(table: "pd.DataFrame", genome: "Genome", source: Source) -> tuple[Target, tuple[str, ...]]:
    if source.kind == "signal":
        from grover_probe.overlap.signals import read_signal
        from grover_probe.overlap.windows import window_signal

        signal = read_signal(source.path, genome)
        means = window_signal(table, signal)["mean"].to_numpy(dtype=np.float64)
        return Target(source.name, "windows", means), signal.notes
    from grover_probe.annotation import read_annotation
    from grover_probe.overlap.windows import window_coverage, window_labels, window_strand

    annotation = read_annotation(source.path, genome, source.column or None, name=source.name)
    if source.kind == "strand":
        share = window_strand(table, annotation).to_numpy(dtype=np.float64)[:, 0]
        labels = np.where(share > 0, "+", np.where(share < 0, "-", "")).astype(object)
        return class_target(source.name, "windows", labels), annotation.notes
    if source.kind == "distance":
        bases = distances(table, annotation)
        return Target(source.name, "windows", np.log10(1 + bases)), annotation.notes
    coverage = window_coverage(table, annotation.classes)
    by_class = window_labels(coverage, source.rule, windows=table, intervals_by_class=annotation.classes)  # type: ignore[arg-type]
    if source.column:
        return class_target(source.name, "windows", by_class.to_numpy(dtype=object)), annotation.notes
    return binary_target(source.name, "windows", (by_class == source.name).to_numpy()), annotation.notes


def distances(table: "pd.DataFrame", annotation: "Annotation") -> np.ndarray:
    """Bases from the middle of each window to the nearest interval: float64, 0 inside, NaN on a bare chromosome."""
    from grover_probe.annotation.intervals import merge

    found = np.full(len(table), np.nan)
    middles = ((table["start"] + table["end"]) // 2).to_numpy(dtype=np.int64)
    for code, chrom in enumerate(annotation.chroms):
        own = annotation.chrom == code
        rows = np.flatnonzero(table["chrom"].to_numpy() == chrom)
        if not own.any() or not len(rows):
            continue
        merged = merge(np.stack([annotation.start[own], annotation.end[own]], axis=1))
        middle = middles[rows]
        after = np.searchsorted(merged[:, 0], middle, side="right")  # the first interval that begins after it
        behind = np.where(after > 0, np.maximum(middle - merged[np.maximum(after - 1, 0), 1] + 1, 0), np.inf)
        last = len(merged) - 1
        ahead = np.where(after <= last, merged[np.minimum(after, last), 0] - middle, np.inf)
        found[rows] = np.minimum(behind, ahead)
    return found


def _composition(gc: np.ndarray, spectrum: np.ndarray, bases: np.ndarray, n_tokens: np.ndarray) -> Features:
    cube = spectrum.reshape(len(spectrum), 4, 4, -1).sum(3)
    first = cube.sum(2)
    columns = {
        "gc": gc,
        "ag": first[:, 0] + first[:, 2],
        "ac": first[:, 0] + first[:, 1],
        "cpg": cube[:, 1, 2],
        "log_bases": np.log10(bases),
        "token_length": bases / n_tokens,
    }
    values = np.stack([np.nan_to_num(each) for each in columns.values()], axis=1).astype(np.float32)
    return single("composition", values, tuple(columns))


def _layers(name: str, result: "PassResult", rows: np.ndarray, layers: tuple[int, ...] | None) -> Features:
    kept = [layer for layer in result.window_layers if layers is None or layer in layers]
    if not kept:
        have = ", ".join(map(str, result.window_layers)) or "none"
        raise InputError(f"{result.folder}: none of the layers asked for has window embeddings; it has {have}")

    def loader(layer: int, pooling: str):  # type: ignore[no-untyped-def]
        return lambda: np.asarray(result.window_embeddings(layer, pooling)[rows], dtype=np.float32)

    return Features(
        name, {(str(layer), pooling): loader(layer, pooling) for layer in kept for pooling in result.poolings}
    )
