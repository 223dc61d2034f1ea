"""Print the folder of a model that a next-k-mer sweep has trained.

    python analyses/sweep_model.py --sweep runs/sample/nextkmer --system bpe-600

The folders of a sweep have names made of all that decides a model. The record of the sweep says what that was.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import run
from grover_probe.errors import InputError
from grover_probe.nextkmer.sweep import RECORD
from grover_probe.nextkmer.systems import parse_system
from grover_probe.probes.cells import cell_key

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def model_folder(sweep: Path, name: str, seed: int = 0) -> Path:
    """The checkpoint of a system that a finished sweep has trained.

    Raises
    ------
    InputError
        When the sweep has not finished, or has no such system.
    """
    record_path = sweep / RECORD
    if not record_path.is_file():
        raise InputError(f"{record_path}: not there; python -m grover_probe.nextkmer sweep writes it")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    system = parse_system(name, seed)
    known = record["parameters"]["systems"]
    if not system.is_trained or asdict(system) not in known:
        raise InputError(f"{name}, seed {seed}: not trained by this sweep, which has {[s['name'] for s in known]}")
    inputs, recipe = record["inputs"], record["parameters"]["recipe"]
    content = {
        "genome": [each["sha256"] for each in inputs["genome"]],
        "heldout": inputs["heldout"]["sha256"],
    }
    key = cell_key(**content, system=asdict(system), recipe=recipe)
    folder = sweep / "models" / f"{system.label}-{key[:12]}" / "checkpoint"
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
