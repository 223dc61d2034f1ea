"""The command line of fine-tuning: a task and a model in; metrics, predictions and a classifier out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import (
    DeviceOption,
    ModelOption,
    ModelTokenizerOption,
    PatienceOption,
    ProgressOption,
    TrustOption,
)
from grover_probe.tasks.options import MOTIF, NAMES, PEAKS, TSS

if TYPE_CHECKING:
    from grover_probe.tasks.dataset import DataSet

app = new_app("Fine-tune a DNA language model on a classification task and test it on held-out examples.")

_ON_THE_FLY = "For --task prom300, promscan and ctcf"
_PLACE = "For these and for a BED"
_FILES = "For --task FILE"


@app.command(
    epilog="Example: `python -m grover_probe.finetune --task prom300 --model PoetschLab/GROVER --epochs 5 "
    "--seeds 0,1,2 --out runs/prom300`"
)
def finetune(
    task: Annotated[
        str,
        typer.Option(
            help="prom300, promscan or ctcf; a folder of `grover-probe tasks`; a CSV or TSV with sequence and label; a "
            "folder with train.csv, dev.csv and test.csv; a FASTA; a BED."
        ),
    ],
    model: ModelOption = None,
    tokenizer: ModelTokenizerOption = None,
    mode: Annotated[str, typer.Option(help="What learns: full, head or lora.")] = "full",
    epochs: Annotated[int, typer.Option(help="Passes over the training split at most.")] = 10,
    patience: PatienceOption = 3,
    learning_rate: Annotated[
        float | None, typer.Option(help="At its highest.", show_default="1e-4 full, 1e-3 head, 5e-4 lora")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Inputs per step.")] = 32,
    class_weights: Annotated[str, typer.Option(help="none or balanced.")] = "none",
    long: Annotated[
        str,
        typer.Option(help="Sequences longer than the model's positions: refuse, cut (the middle) or window (mean)."),
    ] = "refuse",
    flank: Annotated[bool, typer.Option(help="Tokenise with the data set's flanks and cut them away.")] = True,
    tokens: Annotated[bool, typer.Option(help="Feed a `tokens` column as it is.")] = True,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="A control: the shape of the model only.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Of head, order and dropout; and of a split that the task does not give.")
    ] = 0,
    seeds: Annotated[str | None, typer.Option(help="Several trainings instead, such as 0,1,2.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command again continues it.")] = Path(
        "finetune-out"
    ),
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16 (mixed precision).")] = "fp32",
    device: DeviceOption = "auto",
    trust_remote_code: TrustOption = False,
    progress: ProgressOption = True,
    genome: Annotated[
        list[str] | None,
        typer.Option(help="FASTA or 2bit, or an id of `grover-probe data list`.", rich_help_panel=_PLACE),
    ] = None,
    tss: Annotated[str, typer.Option(help="Start sites.", rich_help_panel=_ON_THE_FLY)] = TSS,
    peaks: Annotated[str, typer.Option(help="ChIP-seq peaks.", rich_help_panel=_ON_THE_FLY)] = PEAKS,
    motif: Annotated[str, typer.Option(help="Position frequency matrix.", rich_help_panel=_ON_THE_FLY)] = MOTIF,
    negatives: Annotated[
        str, typer.Option(help="prom300: dinucleotide, tokens or retokenised.", rich_help_panel=_ON_THE_FLY)
    ] = "dinucleotide",
    matched: Annotated[
        bool, typer.Option("--matched", help="ctcf: matched negatives.", rich_help_panel=_ON_THE_FLY)
    ] = False,
    heldout: Annotated[Path | None, typer.Option(help="BED of the test split.", rich_help_panel=_PLACE)] = None,
    block: Annotated[int, typer.Option(min=1, help="Bases of a block.", rich_help_panel=_PLACE)] = 1_000_000,
    truncated: Annotated[
        list[str] | None, typer.Option(help="Chromosome that the file only begins.", rich_help_panel=_PLACE)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Labels of a FASTA.", rich_help_panel=_FILES)] = None,
    label_column: Annotated[
        int, typer.Option(help="Column of a BED, from 1, that is the label.", rich_help_panel=_FILES)
    ] = 4,
) -> None:
    """Train on the train split, choose the epoch by the validation split, and report on the test split.

    `--out` gets `metrics.json`, `predictions.tsv`, `history.tsv`, the model (it loads with
    AutoModelForSequenceClassification) and `finetune.run.json`. An interrupted run is continued by the same command.
    """
    from grover_probe.finetune.settings import Settings

    settings = Settings(
        mode=mode,  # type: ignore[arg-type]  # checked by Settings
        epochs=epochs, patience=patience, learning_rate=learning_rate, batch_size=batch_size,
        class_weights=class_weights, long=long, flank=flank, tokens=tokens, dtype=dtype, random_weights=random_weights,
    )  # fmt: skip
    chosen = parse_seeds(seeds) if seeds is not None else (seed,)
    options = {
        "genome": genome, "tss": tss, "peaks": peaks, "motif": motif, "negatives": negatives, "matched": matched,
        "heldout": heldout, "block": block, "truncated": truncated, "labels": labels, "label_column": label_column,
        "tokenizer": tokenizer or model, "seed": seed,
    }  # fmt: skip
    with output_folder(out):
        dataset = open_task(task, options)
        from grover_probe.data.sample import sample_path
        from grover_probe.finetune.results import RECORD
        from grover_probe.finetune.runs import fine_tune

        before = (out / RECORD).stat().st_mtime_ns if (out / RECORD).is_file() else None
        result = fine_tune(
            dataset, model or str(sample_path("checkpoint")), out, settings, seeds=chosen, tokenizer=tokenizer,
            device=device, trust_remote_code=trust_remote_code, progress=progress,
        )  # fmt: skip
    print(metrics_table(result.metrics))
    unchanged = before == (out / RECORD).stat().st_mtime_ns
    note(f"{'unchanged since the last run:' if unchanged else 'wrote'} {out}/metrics.json, predictions.tsv, the model")


def open_task(task: str, options: dict[str, Any]) -> "DataSet":
    """The data set that ``--task`` names, built or read.

    Parameters
    ----------
    task
        ``prom300``, ``promscan``, ``ctcf`` or a path.
    options
        From the command line; None means the default.
    """
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items() if value is not None
    }
    if task in NAMES and not Path(task).exists():
        from grover_probe.tasks.options import Recipe

        recipe = Recipe(task=task, **{name: value for name, value in given.items() if name not in _OF_FILES})
        dataset, _ = recipe.build()
    else:
        from grover_probe.inputs import read_regions
        from grover_probe.tasks.reading import read_task
        from grover_probe.tasks.sources import file_or_resource, open_genomes
        from grover_probe.tasks.splits import SplitRule

        genome = open_genomes([file_or_resource(name) for name in given["genome"]]) if "genome" in given else None
        regions: tuple = ()
        if "heldout" in given:
            if genome is None:
                raise InputError("--heldout: give --genome too, whose coordinates these are")
            regions = tuple(read_regions(given["heldout"], genome) or ())
        seed = given.get("seed", 0)
        dataset = read_task(
            task, labels=given.get("labels"), genome=genome, label_column=given.get("label_column", 4),
            truncated=given.get("truncated", ()), seed=seed,
            rule=SplitRule.tenths(heldout=regions, block=given.get("block", 1_000_000), seed=seed),
        )  # fmt: skip
    for line in dataset.notes:
        note(line)
    note(f"{dataset!r}")
    return dataset


_OF_FILES = ("labels", "label_column")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from text such as ``0,1,2``.

    Raises
    ------
    InputError
        When the text is something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"--seeds {text!r}: expected whole numbers such as 0,1,2")
    return tuple(int(part) for part in parts)


def metrics_table(metrics: dict[str, Any]) -> str:
    """The metrics of the test split as text."""
    from grover_probe.finetune.metrics import METRICS

    several = "sd" in metrics
    lines = [f"{'metric':10} {'test':>7}   95 % interval" + ("     sd of seeds" if several else "")]
    for name in METRICS:
        low, high = metrics["intervals"][name]
        line = f"{name:10} {metrics[name]:7.3f}   {low:.3f} to {high:.3f}"
        lines.append(line + (f"   {metrics['sd'][name]:.3f}" if several else ""))
    lines.append(
        f"{metrics['n_test']:,} examples; always the commonest class: {metrics['majority_accuracy']:.3f} accuracy"
    )
    top = metrics.get("top1_in_group")
    if top:
        lines.append(
            f"highest score in its group: {top['top1']:.3f} of {top['groups']} groups (chance {top['chance']:.3f})"
        )
    return "\n".join(lines)
