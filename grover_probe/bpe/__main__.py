"""``python -m grover_probe.bpe``: train a tokenizer, encode a genome, compare two tokenizers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import new_app, note, run
from grover_probe.options import ChromosomesOption, ProgressOption

app = new_app(
    "Byte-pair encoding of DNA: exact, at genome scale.\n\n"
    "Example: `grover-probe bpe train --genome chr20.fa.gz --merges 600 --out tokenizer`",
    no_args_is_help=True,
)

ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="all processors")]


@app.command(epilog="Example: `python -m grover_probe.bpe train --genome chr20.fa.gz --merges 600 --out tokenizer`")
def train(
    genome: Annotated[list[Path], typer.Option(help="FASTA or 2bit file (repeat for several genomes).")],
    out: Annotated[Path, typer.Option(help="Folder for tokenizer.json, merges.tsv and tokenizer.run.json.")],
    merges: Annotated[int, typer.Option(min=1, max=64_000, help="Merges to learn.")] = 600,
    chromosomes: ChromosomesOption = None,
    threads: ThreadsOption = None,
    progress: ProgressOption = True,
) -> None:
    """Learn a tokenizer. Interrupted with Ctrl-C it keeps its merges, and the same command goes on from there."""
    from grover_probe.bpe.learn import learn_tokenizer

    tokenizer = learn_tokenizer(genome, out, merges, chromosomes=chromosomes, threads=threads, progress=progress)
    note(f"{out}: {len(tokenizer.merges)} merges, {tokenizer.n_ids} ids, longest piece {tokenizer.longest} bases")


@app.command(
    epilog="Example: `python -m grover_probe.bpe encode --tokenizer tokenizer --genome chr20.fa.gz --out corpus`"
)
def encode(
    tokenizer: Annotated[Path, typer.Option(help="tokenizer.json or its folder.")],
    genome: Annotated[Path, typer.Option(help="FASTA or 2bit file.")],
    out: Annotated[Path, typer.Option(help="Folder for the corpus: ids, base offsets, corpus.json.")],
    chromosomes: ChromosomesOption = None,
    progress: ProgressOption = True,
) -> None:
    """Encode a genome and store its tokens as a corpus."""
    from grover_probe.bpe.files import load_tokenizer
    from grover_probe.corpus_files import write_corpus
    from grover_probe.genome import open_genome

    corpus = write_corpus(open_genome(genome), load_tokenizer(tokenizer), out, chroms=chromosomes, progress=progress)
    note(f"{out}: {len(corpus):,} tokens")


@app.command(epilog="Example: `python -m grover_probe.bpe compare old new --genome chr20.fa.gz`")
def compare(
    a: Annotated[Path, typer.Argument(help="tokenizer.json or its folder.")],
    b: Annotated[Path, typer.Argument(help="The other one.")],
    genome: Annotated[Path, typer.Option(help="FASTA or 2bit file.")],
    chromosomes: ChromosomesOption = None,
    progress: ProgressOption = True,
) -> None:
    """Say how two tokenizers differ on a genome: one row of tab-separated values on stdout."""
    from grover_probe.bpe.compare import compare as compare_tokenizers
    from grover_probe.bpe.files import load_tokenizer
    from grover_probe.genome import open_genome

    found = compare_tokenizers(
        load_tokenizer(a), load_tokenizer(b), open_genome(genome), chromosomes=chromosomes, progress=progress
    )
    found.to_frame().to_csv(sys.stdout, sep="\t", index=False)


if __name__ == "__main__":
    run(app, "python -m grover_probe.bpe")
