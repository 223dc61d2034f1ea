"""Print the folder of a model that a next-k-mer sweep has trained.

    python analyses/sweep_model.py --sweep runs/sample/nextkmer --system bpe-600

The folders of a sweep have names made of all that decides a model; the record of the sweep lists them.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import run
from grover_probe.errors import InputError
from grover_probe.nextkmer.sweep import RECORD
from grover_probe.nextkmer.systems import parse_system

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def model_folder(sweep: Path, name: str, seed: int = 0) -> Path:
    """The checkpoint of a system that a finished sweep has trained.

    Raises
    ------
    InputError
        When the sweep has not finished, or has no such system.
    """
    record = sweep / RECORD
    if not record.is_file():
        raise InputError(f"{record}: not there; python -m grover_probe.nextkmer sweep writes it")
    models = json.loads(record.read_text(encoding="utf-8")).get("models", {})
    label = parse_system(name, seed).label
    if label not in models:
        raise InputError(f"{record}: no model {label}; it has {', '.join(models) or 'none'}")
    folder = sweep / "models" / models[label] / "checkpoint"
    if not folder.is_dir():
        raise InputError(f"{folder}: not there; run the sweep again")
    return folder


@app.command()
def main(
    sweep: Annotated[Path, typer.Option(help="Folder of `python -m grover_probe.nextkmer sweep`.")],
    system: Annotated[str, typer.Option(help="bpe-600, 6-mer, ...")],
    train_seed: Annotated[int, typer.Option(help="As in `nextkmer cell`.")] = 0,
) -> None:
    """Print the folder of the checkpoint."""
    print(model_folder(sweep, system, train_seed))


if __name__ == "__main__":
    run(app)
