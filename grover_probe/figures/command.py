"""The command line of the figures."""

from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import new_app, note, note_files, track
from grover_probe.options import ProgressOption

app = new_app("The figures of the GROVER paper and four more, from a folder of results.")


@app.command(
    epilog="Example: `python -m grover_probe.figures figure4 figure5 --results runs/chr20 --out figures/chr20`; "
    "`snakemake -s analyses/Snakefile` makes the results as well"
)
def figures(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIGURE]...", help="figure1 to figure6, diagnostics, probes, layers, region.", show_default="all"
        ),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of results, with a folder for each command.")] = Path(
        "runs/sample"
    ),
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("figures/sample"),
    progress: ProgressOption = True,
) -> None:
    """Draw figures as PNG (300 dpi), SVG and PDF, each with tables of the plotted numbers and a caption."""
    from grover_probe.errors import InputError
    from grover_probe.figures.catalogue import choose
    from grover_probe.figures.results import Results
    from grover_probe.files import output_folder
    from grover_probe.provenance import write_result

    chosen = choose(names or [])
    if not results.is_dir():
        raise InputError(f"{results}: no such folder for --results; snakemake -s analyses/Snakefile makes one")
    with output_folder(out):
        for entry in track(chosen, label="figures", unit="figure", progress=progress):
            source = Results(results)
            drawn = entry.draw(source)
            files = drawn.files(entry.name)
            write_result(
                out,
                files,
                lambda folder, drawn=drawn, name=entry.name: drawn.save(folder, name),  # type: ignore[misc]
                f"{entry.name}.run.json",
                inputs={name: _record_hash(results / name) for name in sorted(source.used)},
                parameters={"figure": entry.name},
            )
            note_files(out, files)
    note(f"{len(chosen)} figures in {out}")


def _record_hash(folder: Path) -> dict[str, str]:
    """Hashes of the records of the results that lie in a folder."""
    from grover_probe.files import sha256_of

    return {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.glob("**/*.run.json"))
            if "cells" not in path.parts}  # fmt: skip
