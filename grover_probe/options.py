"""Command line options that commands share: one name, one type and one help text each."""

from pathlib import Path
from typing import Annotated

import typer

ModelOption = Annotated[
    str | None, typer.Option(help="Model folder or hub id.", show_default="the embedded checkpoint")
]
RevisionOption = Annotated[
    str | None,
    typer.Option(help="Commit, branch or tag of a hub id.", show_default="the one that the manifests pin, or newest"),
]
TrustOption = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run the code of the model's author if it needs that.")
]
ModelTokenizerOption = Annotated[
    str | None, typer.Option(help="tokenizer.json, its folder, or 6-mer.", show_default="the model's")
]
TokenizerOption = Annotated[
    str | None,
    typer.Option(help="tokenizer.json, its folder, or 6-mer.", show_default="that of the embedded checkpoint"),
]
GenomeOption = Annotated[
    Path | None, typer.Option(help="FASTA or 2bit.", show_default="the embedded slice of hg19 chr20")
]
ChromosomesOption = Annotated[
    list[str] | None, typer.Option(help="Only this sequence; repeat for more.", show_default="all")
]
RegionsOption = Annotated[Path | None, typer.Option(help="BED: use only tokens inside.", show_default="all")]
DtypeOption = Annotated[str, typer.Option(help="fp32, bf16 or fp16 for the forward pass.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
BatchSizeOption = Annotated[int, typer.Option(min=1, help="Full windows per batch; does not change results.")]
PatienceOption = Annotated[
    int, typer.Option(help="Stop after so many epochs without a better validation MCC; 0: never.")
]
OutOption = Annotated[Path, typer.Option(help="Output folder.")]
ProgressOption = Annotated[bool, typer.Option("--progress/--no-progress", help="Progress bars on stderr.")]
