"""``python -m grover_probe.untrained``: a model's untrained start, or random weights of its shape, as a control."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import new_app, note, run

app = new_app("Write the untrained counterpart of a model: what an analysis of it must be compared with.")


class Start(StrEnum):
    """How the weights begin."""

    INITIAL = "initial"
    RANDOM = "random"


@app.command(epilog="Example: `python -m grover_probe.untrained --model checkpoint --start initial --out untrained`")
def untrained(
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    model: Annotated[
        str | None, typer.Option(help="Model folder (or hub id, for random).", show_default="the embedded checkpoint")
    ] = None,
    start: Annotated[
        Start, typer.Option(help="initial: as this checkpoint's training began; random: drawn anew.")
    ] = Start.INITIAL,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Write a model folder with the same shape and tokenizer as `--model`, and untrained weights."""
    from grover_probe.data.sample import sample_path
    from grover_probe.pretrain.untrained import random_start, save_untrained, untrained_start

    source = model or str(sample_path("checkpoint"))
    network = untrained_start(source) if start is Start.INITIAL else random_start(source, seed)
    note(f"wrote {save_untrained(network, source, out)}")


if __name__ == "__main__":
    run(app, prog="python -m grover_probe.untrained")
