"""The `grover-probe` command: a thin list of the modules that also run as ``python -m grover_probe.<module>``."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grover_probe import __version__
from grover_probe.bpe.__main__ import app as bpe
from grover_probe.command import new_app, run
from grover_probe.compare.command import app as compare
from grover_probe.data.command import app as data
from grover_probe.evaluate.command import app as evaluate
from grover_probe.extract.command import app as extract
from grover_probe.figures.command import app as figures
from grover_probe.finetune.command import app as finetune
from grover_probe.maps.command import app as maps
from grover_probe.nextkmer.command import app as nextkmer
from grover_probe.overlap.command import app as overlap
from grover_probe.predict.command import app as predict
from grover_probe.pretrain.command import app as pretrain
from grover_probe.probes.command import app as probes
from grover_probe.selfsim.command import app as selfsim
from grover_probe.tasks.command import app as tasks
from grover_probe.untrained import app as untrained
from grover_probe.vocabulary.command import app as vocabulary

# In the order of work: name, application, one line.
COMMANDS: dict[str, list[tuple[str, typer.Typer, str]]] = {
    "Data and tokens": [
        ("data", data, "List, fetch and verify inputs."),
        ("bpe", bpe, "Train a tokenizer, encode a genome, compare two tokenizers."),
        ("vocabulary", vocabulary, "Describe the tokens of a genome; diagnose tokenizers."),
    ],
    "Models": [
        ("pretrain", pretrain, "Train a masked language model on genomes."),
        ("untrained", untrained, "Write the untrained counterpart of a model, as a control."),
        ("evaluate", evaluate, "Predict masked tokens of held-out sequence, beside n-grams."),
    ],
    "What a model has learned": [
        ("selfsim", selfsim, "Contextual self-similarity of each token in each layer."),
        ("extract", extract, "Read a genome once and keep what the analyses need."),
        ("probes", probes, "What can be read from embeddings, beside controls."),
        ("maps", maps, "Maps of tokens and windows, each with numbers."),
        ("overlap", overlap, "Tokens and windows against annotation; browser tracks."),
    ],
    "Tasks": [
        ("tasks", tasks, "Build classification data sets."),
        ("finetune", finetune, "Fine-tune a model on a task and test it."),
        ("predict", predict, "Predict the classes of new sequences."),
        ("compare", compare, "Compare systems on one task."),
        ("nextkmer", nextkmer, "Compare tokenizers by predicting the next k bases."),
    ],
    "Figures": [("figures", figures, "Draw the figures from a folder of results.")],
}


class _InOrder(TyperGroup):
    """Lists commands as `COMMANDS` does; typer alone puts those with subcommands first."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for group in COMMANDS.values() for name, _, _ in group]


app = new_app(
    "What has a DNA language model learned, and how sure can we be?\n\n"
    "Example: `grover-probe selfsim` measures contextual self-similarity with the embedded checkpoint and sequence.",
    no_args_is_help=True,
    cls=_InOrder,
)


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Options of the command itself."""
    if version:
        print(f"grover-probe {__version__}")


def _add(name: str, module: typer.Typer, line: str, panel: str) -> None:
    """A module with subcommands as a group, one without as a command."""
    if module.registered_callback is not None or len(module.registered_commands) > 1:
        app.add_typer(module, name=name, short_help=line, rich_help_panel=panel)
        return
    (only,) = module.registered_commands
    assert only.callback is not None
    app.command(name, short_help=line, epilog=only.epilog, rich_help_panel=panel)(only.callback)


for title, group in COMMANDS.items():
    for command in group:
        _add(*command, title)


def main() -> None:
    """Entry point."""
    run(app, prog="grover-probe")


if __name__ == "__main__":
    main()
