"""From genome files to a tokenizer on disk: training that can be interrupted and goes on where it was."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.files import save_tokenizer
from grover_probe.bpe.merges import FIRST_MERGE_ID, Merges
from grover_probe.bpe.train import TrainingInterrupted, train
from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, output_folder
from grover_probe.genome import Genome, open_genome, short_name
from grover_probe.provenance import describe_file, write_run

MERGES_FILE = "merges.tsv"
PARTIAL_FILE = "merges.partial.json"  # what an interrupted training leaves


def learn_tokenizer(
    genomes: Sequence[Path | str],
    out: Path | str,
    merges: int = 600,
    *,
    chromosomes: Iterable[str] | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> BPETokenizer:
    """Train a tokenizer on genome files and write it to a folder.

    Parameters
    ----------
    genomes
        FASTA or 2bit files, taken together.
    out
        Folder for `tokenizer.json` and its companions, `merges.tsv` and `tokenizer.run.json`. An interrupted
        training leaves `merges.partial.json` there and, called again on the same sequences, goes on to the
        same result.
    merges
        Merges to learn.
    chromosomes
        Names to train on; all sequences when None. Each must be in at least one of the files.
    threads, progress
        As for `grover_probe.bpe.train.train`.

    Raises
    ------
    InputError
        When a file cannot be read, a chromosome is nowhere, or there are fewer merges to learn than asked
        for.
    """
    with output_folder(out) as folder:
        return _learn([open_genome(path) for path in genomes], folder, merges, chromosomes, threads, progress)


def _learn(
    genomes: Sequence[Genome],
    out: Path,
    n_merges: int,
    chromosomes: Iterable[str] | None,
    threads: int | None,
    progress: bool,
) -> BPETokenizer:
    chosen = _choose(genomes, chromosomes)
    inputs = {
        "genomes": [describe_file(genome.path) for genome in genomes],
        "sequences": [f"{genome.path.name}:{name}" for genome, name in chosen],
    }
    content = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    partial = out / PARTIAL_FILE
    known = _read_partial(partial, content)
    if known is not None:
        note(f"{partial}: going on after {len(known)} merges of an interrupted training")
    try:
        merges = train(
            (genome.codes(name) for genome, name in chosen),
            n_merges,
            lengths=[genome.lengths[name] for genome, name in chosen],
            known=known,
            threads=threads,
            progress=progress,
        )
    except TrainingInterrupted as interrupted:
        _write_partial(partial, content, interrupted.merges)
        note(f"{partial}: {len(interrupted.merges)} merges kept; run the same command to go on")
        raise
    if len(merges) < n_merges:
        raise InputError(f"{_names(genomes)}: no pair is left after {len(merges)} merges; use --merges {len(merges)}")
    tokenizer = BPETokenizer(merges)
    with atomic_path(out / MERGES_FILE) as temporary:
        merges.to_frame().to_csv(temporary, sep="\t", index=False)
    save_tokenizer(tokenizer, out)
    write_run(
        out / "tokenizer.run.json",
        inputs=inputs,
        parameters={"merges": n_merges},
        tokenizer_hash=tokenizer.hash,
    )
    partial.unlink(missing_ok=True)
    return tokenizer


def _names(genomes: Sequence[Genome]) -> str:
    return ", ".join(str(genome.path) for genome in genomes)


def _choose(genomes: Sequence[Genome], chromosomes: Iterable[str] | None) -> list[tuple[Genome, str]]:
    """The sequences to train on, in file order."""
    wanted = None if chromosomes is None else {short_name(name): name for name in chromosomes}
    chosen = [
        (genome, name) for genome in genomes for name in genome.names if wanted is None or short_name(name) in wanted
    ]
    found = {short_name(name) for _, name in chosen}
    missing = [name for short, name in (wanted or {}).items() if short not in found]
    if missing:
        raise InputError(f"{_names(genomes)}: no sequence named {missing[0]!r}")
    return chosen


def _write_partial(path: Path, content: str, merges: Merges) -> None:
    record = {"inputs_sha256": content, "pairs": merges.pairs.tolist(), "counts": merges.counts.tolist()}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


def _read_partial(path: Path, content: str) -> Merges | None:
    """Merges of an interrupted training on the same sequences; None when there is none."""
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        merges = Merges(
            np.array(record["pairs"], dtype=np.int32).reshape(-1, 2), np.array(record["counts"], dtype=np.int64)
        )
        same = record["inputs_sha256"] == content
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged; delete it to train from the beginning") from error
    if not same:
        raise InputError(f"{path}: left by a training on other sequences; delete it or choose another --out")
    if len(merges.counts) != len(merges) or (merges.pairs >= np.arange(len(merges))[:, None] + FIRST_MERGE_ID).any():
        raise InputError(f"{path}: damaged; delete it to train from the beginning")
    return merges
