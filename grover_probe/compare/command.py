"""The command line of the comparison: one task, many systems, one table."""

from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import DeviceOption, PatienceOption, ProgressOption, TrustOption
from grover_probe.tasks.options import PEAKS, TSS

app = new_app("Compare systems on one task: the same splits, seeds and budget, one table.")

_ON_THE_FLY = "For --task prom300, promscan and ctcf (others: `grover-probe tasks`)"


@app.command(
    epilog="Example: `python -m grover_probe.compare --task prom300 --systems embedded,random,cnn,tfidf-5mer,gc "
    "--seeds 0,1,2 --out compare`"
)
def compare(
    task: Annotated[
        str,
        typer.Option(
            help="prom300, promscan or ctcf; a folder of `grover-probe tasks`; or a file or folder as for finetune."
        ),
    ],
    systems: Annotated[
        str,
        typer.Option(
            help="Names with commas: grover, embedded, 4-mer, 5-mer, 6-mer, dnabert2, nt-v1, nt-v2, hyenadna-1k, "
            "hyenadna-32k, random, cnn, tfidf-3mer to tfidf-6mer, tfidf-bpe, logistic-kmer, motif-score, gc; "
            "random-NAME, model NAME from random weights; or neural, simple, all."
        ),
    ] = "all",
    model: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FOLDER or NAME=HUB_ID: where the model of a system is, or a system of your own."),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Of tfidf-bpe.", show_default="the embedded checkpoint's")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Each system with chance in it is trained with each.")] = "0,1,2",
    epochs: Annotated[int, typer.Option(help="Passes over the training split at most, of networks.")] = 10,
    patience: PatienceOption = 3,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of fine-tuning.", show_default="1e-4 full, 1e-3 head, 5e-4 lora")
    ] = None,
    mode: Annotated[str, typer.Option(help="What learns in fine-tuning: full, head or lora.")] = "full",
    batch_size: Annotated[int, typer.Option(help="Inputs per step, of networks.")] = 32,
    trees: Annotated[
        str, typer.Option(help="Sizes of a random forest; one is chosen on validation.")
    ] = "100,200,500,1000,2000",
    class_weights: Annotated[str, typer.Option(help="none or balanced, for all systems.")] = "none",
    long: Annotated[
        str, typer.Option(help="Sequences longer than a model's positions: refuse, cut (the middle) or window (mean).")
    ] = "refuse",
    genome: Annotated[
        list[str] | None,
        typer.Option(help="FASTA or 2bit, or an id of `grover-probe data list`.", rich_help_panel=_ON_THE_FLY),
    ] = None,
    tss: Annotated[str, typer.Option(help="Start sites.", rich_help_panel=_ON_THE_FLY)] = TSS,
    peaks: Annotated[str, typer.Option(help="ChIP-seq peaks.", rich_help_panel=_ON_THE_FLY)] = PEAKS,
    negatives: Annotated[
        str, typer.Option(help="prom300: dinucleotide, tokens or retokenised.", rich_help_panel=_ON_THE_FLY)
    ] = "dinucleotide",
    matched: Annotated[
        bool, typer.Option("--matched", help="ctcf: matched negatives.", rich_help_panel=_ON_THE_FLY)
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder; the same command again continues it.")] = Path("compare-out"),
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16 (mixed precision) of fine-tuning.")] = "fp32",
    device: DeviceOption = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Trees of a forest that grow at a time.")] = 1,
    trust_remote_code: TrustOption = False,
    progress: ProgressOption = True,
) -> None:
    """Train every system on the train split, decide on the validation split, report on the test split.

    `--out` gets `systems.tsv`, `differences.tsv` (of each pair of systems), `predictions/SYSTEM.tsv`, `systems.png` and
    `.svg`, `compare.run.json`, and `cells/`: what is finished there is not made again. A system whose weights are not
    here is listed as not run, with the command that gets them. Exit code 1: a system failed, which its row says.
    """
    from grover_probe.compare.learners import Budget
    from grover_probe.compare.run import compare as compare_now
    from grover_probe.compare.systems import choose_systems
    from grover_probe.finetune.command import open_task, parse_seeds
    from grover_probe.finetune.settings import Settings

    settings = Settings(
        mode=mode,  # type: ignore[arg-type]  # checked by Settings
        epochs=epochs, patience=patience, learning_rate=learning_rate, batch_size=batch_size,
        class_weights=class_weights, long=long, dtype=dtype,
    )  # fmt: skip
    chosen = choose_systems(systems, model or ())
    budget = Budget(settings, parse_trees(trees), tokenizer, device, trust_remote_code, threads)
    options = {
        "genome": genome, "tss": tss, "peaks": peaks, "negatives": negatives, "matched": matched,
        "tokenizer": tokenizer,
    }  # fmt: skip
    numbers = parse_seeds(seeds)
    with output_folder(out):
        dataset = open_task(task, options)
        result = compare_now(dataset, chosen, out, budget, seeds=numbers, progress=progress)
        result.save(out)
    from grover_probe.compare.result import summary_text

    print(summary_text(result.table))
    note(f"wrote {out}/systems.tsv, differences.tsv, systems.png, systems.svg, predictions, compare.run.json")
    if result.failed:
        note(f"failed: {', '.join(result.failed)}")
        raise typer.Exit(1)


def parse_trees(text: str) -> tuple[int, ...]:
    """Sizes of a forest from text such as ``100,500``.

    Raises
    ------
    InputError
        When the text is something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise InputError(f"--trees {text!r}: expected numbers of at least 1, such as 100,500,2000")
    return tuple(int(part) for part in parts)
