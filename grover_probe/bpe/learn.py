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
from grover_probe.files import atomic_path, make_folder
from grover_probe.genome import open_genome, short_name
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
    make_folder(out)
    out = Path(out)
    sequences, used = _read(genomes, chromosomes)
    content = _hash_of(sequences)
    known = _read_partial(out / PARTIAL_FILE, content)
    if known is not None:
        note(f"{out / PARTIAL_FILE}: going on after {len(known)} merges of an interrupted training")
    try:
        learnt = train(sequences, merges, known=known, threads=threads, progress=progress)
    except TrainingInterrupted as interrupted:
        _write_partial(out / PARTIAL_FILE, content, interrupted.merges)
        note(f"{out / PARTIAL_FILE}: {len(interrupted.merges)} merges kept; run the same command to go on")
        raise
    if len(learnt) < merges:
        raise InputError(
            f"{', '.join(map(str, genomes))}: after {len(learnt)} merges no pair is left; use --merges {len(learnt)}"
        )
    tokenizer = BPETokenizer(learnt)
    save_tokenizer(tokenizer, out)
    with atomic_path(out / MERGES_FILE) as temporary:
        learnt.to_frame().to_csv(temporary, sep="\t", index=False)
    write_run(
        out / "tokenizer.run.json",
        inputs={"genomes": [describe_file(path) for path in genomes], "sequences": used, "codes_sha256": content},
        parameters={"merges": merges},
        tokenizer_hash=tokenizer.hash,
        bases=int(sum(np.count_nonzero(codes < 4) for codes in sequences)),
    )
    (out / PARTIAL_FILE).unlink(missing_ok=True)
    return tokenizer


def _read(genomes: Sequence[Path | str], chromosomes: Iterable[str] | None) -> tuple[list[np.ndarray], list[str]]:
    wanted = None if chromosomes is None else {short_name(name): name for name in chromosomes}
    found: set[str] = set()
    sequences, used = [], []
    for path in genomes:
        genome = open_genome(path)
        for name in genome.names:
            if wanted is not None and short_name(name) not in wanted:
                continue
            found.add(short_name(name))
            sequences.append(genome.codes(name))
            used.append(f"{genome.path.name}:{name}")
    missing = [name for short, name in (wanted or {}).items() if short not in found]
    if missing:
        raise InputError(f"{', '.join(map(str, genomes))}: no sequence named {missing[0]!r}")
    return sequences, used


def _hash_of(sequences: Sequence[np.ndarray]) -> str:
    """SHA-256 of the sequences as training sees them."""
    digest = hashlib.sha256()
    for codes in sequences:
        digest.update(len(codes).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(codes).data)
    return digest.hexdigest()


def _write_partial(path: Path, content: str, merges: Merges) -> None:
    record = {"codes_sha256": content, "pairs": merges.pairs.tolist(), "counts": merges.counts.tolist()}
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
        same = record["codes_sha256"] == content
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged; delete it to train from the beginning") from error
    if not same:
        raise InputError(f"{path}: left by a training on other sequences; delete it or choose another --out")
    if len(merges.counts) != len(merges) or (merges.pairs >= np.arange(len(merges))[:, None] + FIRST_MERGE_ID).any():
        raise InputError(f"{path}: damaged; delete it to train from the beginning")
    return merges
