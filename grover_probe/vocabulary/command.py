"""The command line of vocabularies: a table of tokens, and diagnostics of tokenizers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note_files, refuse_misplaced_options
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import ChromosomesOption, GenomeOption, OutOption, ProgressOption, TokenizerOption

if TYPE_CHECKING:
    from grover_probe.kmer import AnyTokenizer
    from grover_probe.vocabulary.diagnostics import Diagnostics
    from grover_probe.vocabulary.table import Vocabulary

app = new_app("What should one know about a vocabulary? One row per token of a genome; diagnostics of tokenizers.")

_SAMPLE_ANNOTATION = ("repeats.bed.gz:7", "exons.bed.gz", "cpg_islands.bed.gz")


@app.callback(
    invoke_without_command=True,
    epilog="Example: `python -m grover_probe.vocabulary --tokenizer tokenizer --genome chr20.fa.gz "
    "--annotation repeats.bed.gz:7 --annotation exons.bed --out vocabulary`",
)
def vocabulary(
    context: typer.Context,
    tokenizer: TokenizerOption = None,
    genome: GenomeOption = None,
    annotation: Annotated[
        list[str] | None,
        typer.Option(help="BED (repeat for more); FILE:7 makes a class of each value of its 7th column."),
    ] = None,
    chromosomes: ChromosomesOption = None,
    out: OutOption = Path("vocabulary-out"),
    progress: ProgressOption = True,
) -> None:
    """Describe every token: sequence, merge, frequency against expectation, and share inside annotation.

    Without arguments: the embedded checkpoint's tokenizer on the embedded slice of hg19 chr20 with its annotation.
    """
    if context.invoked_subcommand is not None:
        refuse_misplaced_options(context)
        return
    from grover_probe.corpus import tokenize
    from grover_probe.genome import open_genome
    from grover_probe.provenance import describe_file
    from grover_probe.vocabulary.classes import parse_annotation, read_classes
    from grover_probe.vocabulary.table import vocabulary_table

    sample = genome is None
    _, scheme = _open_tokenizer(tokenizer)
    sequences = open_genome(_genome_path(genome))
    if sample and annotation is None:
        annotation = [str(_sample(name)) for name in _SAMPLE_ANNOTATION]
    files = [parse_annotation(text) for text in annotation or ()]
    classes = [intervals for file in files for intervals in read_classes(file, sequences)]
    with output_folder(out):
        corpus = tokenize(sequences, scheme, chromosomes, progress=progress)
        result = vocabulary_table(scheme, corpus, classes, progress=progress)
        _write(
            result,
            out,
            "vocabulary",
            inputs={
                "genome": describe_file(sequences.path),
                "tokenizer": {"hash": scheme.hash},
                "annotation": [{**describe_file(file.path), "column": file.column} for file in files],
            },
            parameters={"chromosomes": list(corpus.chroms)},
            summary=result.summary,
        )
    for name, value in result.summary.items():
        print(f"{name}\t{value:.4g}" if isinstance(value, float) else f"{name}\t{value}")


@app.command(
    epilog="Example: `python -m grover_probe.vocabulary diagnose --tokenizer tokenizer --genome chr20.fa.gz "
    "--motif MA0139.1.jaspar --out diagnostics`"
)
def diagnose(
    tokenizer: TokenizerOption = None,
    genome: GenomeOption = None,
    motif: Annotated[Path | None, typer.Option(help="Position frequency matrix in JASPAR format.")] = None,
    motif_p_value: Annotated[float, typer.Option(help="Chance of an occurrence, per place and strand.")] = 1e-5,
    kmers: Annotated[str, typer.Option(help="k-mer tokenizers to compare with; empty for none.")] = "4,5,6",
    chromosomes: ChromosomesOption = None,
    windows: Annotated[int, typer.Option(min=1, help="Random windows per diagnostic.")] = 5000,
    length: Annotated[int, typer.Option(min=512, help="Bases per window.")] = 2048,
    seed: Annotated[int, typer.Option(help="Decides windows, shifts, cuts and substitutions.")] = 0,
    out: OutOption = Path("vocabulary-out"),
    progress: ProgressOption = True,
) -> None:
    """Measure how tokens answer to shifts, cuts, the other strand, substitutions and motifs, beside fixed k-mers.

    Without arguments: the embedded checkpoint's tokenizer on the embedded slice of hg19 chr20.
    """
    from grover_probe.genome import open_genome
    from grover_probe.provenance import describe_file
    from grover_probe.vocabulary.diagnostics import diagnose as diagnose_tokenizers
    from grover_probe.vocabulary.motif import read_pfm

    name, scheme = _open_tokenizer(tokenizer)
    schemes = {name: scheme, **_kmer_tokenizers(kmers)}
    sequences = open_genome(_genome_path(genome))
    matrix = None if motif is None else read_pfm(motif)
    for chromosome in chromosomes or ():
        sequences.resolve(chromosome)
    settings: dict[str, Any] = {
        "motif_p_value": motif_p_value, "chromosomes": chromosomes, "windows": windows, "length": length, "seed": seed
    }  # fmt: skip
    with output_folder(out):
        result = diagnose_tokenizers(schemes, sequences, motif=matrix, progress=progress, **settings)
        _write(
            result,
            out,
            "diagnostics",
            inputs={
                "genome": describe_file(sequences.path),
                "tokenizers": {name: {"hash": each.hash} for name, each in schemes.items()},
                "motif": None if motif is None else describe_file(motif),
            },
            parameters=settings,
        )
    wide = result.table.pivot(index=["diagnostic", "statistic"], columns="tokenizer", values="value")
    order = result.table[["diagnostic", "statistic"]].drop_duplicates()
    wide = wide.loc[list(order.itertuples(index=False, name=None)), list(schemes)].reset_index()
    print(wide.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


def _write(result: "Vocabulary | Diagnostics", out: Path, name: str, **record: Any) -> None:
    from grover_probe.provenance import write_result

    write_result(out, result.files, result.save, f"{name}.run.json", **record)
    note_files(out, [*result.files, f"{name}.run.json"])


def _open_tokenizer(text: str | None) -> "tuple[str, AnyTokenizer]":
    """A tokenizer and its name in tables: BPE-600 for 600 merges, 6-mer."""
    from grover_probe.bpe.encode import BPETokenizer
    from grover_probe.kmer import open_tokenizer

    scheme = open_tokenizer(_sample("checkpoint") if text is None else text)
    name = f"BPE-{len(scheme.merges)}" if isinstance(scheme, BPETokenizer) else str(text)
    return name, scheme


def _kmer_tokenizers(text: str) -> "dict[str, AnyTokenizer]":
    from grover_probe.kmer import KmerTokenizer

    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() for word in words):
        raise InputError(f"--kmers {text!r}: expected numbers such as 4,5,6")
    return {f"{int(word)}-mer": KmerTokenizer(int(word)) for word in words}


def _genome_path(genome: Path | None) -> Path:
    from grover_probe.data.sample import GENOME

    return _sample(GENOME) if genome is None else genome


def _sample(name: str) -> Path:
    """A file of the embedded sample; a class column after a colon is kept."""
    from grover_probe.data.sample import sample_path

    file, colon, column = name.partition(":")
    return Path(f"{sample_path(file)}{colon}{column}")
