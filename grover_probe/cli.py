"""The `grover-probe` command: a thin list of the modules that also run as ``python -m grover_probe.<module>``."""

from typing import Annotated

import typer

from grover_probe import __version__
from grover_probe.bpe.__main__ import app as bpe
from grover_probe.command import new_app, run
from grover_probe.data.command import app as data
from grover_probe.extract.command import extract
from grover_probe.finetune.command import finetune
from grover_probe.maps.command import app as maps
from grover_probe.overlap.command import app as overlap
from grover_probe.predict.command import predict
from grover_probe.pretrain.command import pretrain
from grover_probe.probes.command import probes
from grover_probe.selfsim.command import selfsim
from grover_probe.tasks.command import app as tasks
from grover_probe.vocabulary.command import app as vocabulary

app = new_app(
    "What has a DNA language model learned, and how sure can we be?\n\n"
    "Example: `grover-probe selfsim` measures contextual self-similarity with the embedded checkpoint and sequence.",
    no_args_is_help=True,
)
app.add_typer(data, name="data")
app.add_typer(bpe, name="bpe")
app.add_typer(vocabulary, name="vocabulary")
app.add_typer(overlap, name="overlap")
app.add_typer(maps, name="maps")
app.add_typer(tasks, name="tasks")
app.command("pretrain")(pretrain)
app.command("selfsim")(selfsim)
app.command("extract")(extract)
app.command("probes")(probes)
app.command("finetune")(finetune)
app.command("predict")(predict)


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Options of the command itself."""
    if version:
        print(f"grover-probe {__version__}")


def main() -> None:
    """Entry point."""
    run(app, prog="grover-probe")


if __name__ == "__main__":
    main()
