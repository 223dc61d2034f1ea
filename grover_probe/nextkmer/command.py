"""The command line of next-k-mer prediction: one model (`run`), one cell (`cell`), a grid of vocabularies (`sweep`)."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError
from grover_probe.options import DeviceOption, ModelOption, ProgressOption, TrustOption

if TYPE_CHECKING:
    from grover_probe.nextkmer.cells import Runner

app = new_app(
    "Next-k-mer prediction: 50 bases in, which k bases follow? How a vocabulary is chosen.\n\n"
    "Example: `python -m grover_probe.nextkmer run --model checkpoint --k 4 --genome chr20.fa.gz --heldout heldout.bed "
    "--out nextkmer`",
    no_args_is_help=True,
)

_METRICS = ("accuracy", "top5", "bits")

Genomes = Annotated[list[Path], typer.Option(help="FASTA or 2bit (repeat for several).")]
Heldout = Annotated[Path, typer.Option(help="BED of sequence that only tests; all other sequence trains.")]
Out = Annotated[Path, typer.Option(help="Folder; what is finished there is not done again.")]
K = Annotated[str, typer.Option("--k", help="Bases to predict, 2 to 6: 4, or 2,3,4, or 2-6.")]
Train = Annotated[int, typer.Option(help="Training sequences (the paper: 400000).")]
Test = Annotated[int, typer.Option(help="Held-out sequences to test on (the paper: 100000).")]
Mode = Annotated[str, typer.Option(help="head: a linear head on fixed features; full: all weights, for each k anew.")]
Read = Annotated[
    str, typer.Option(help="Hidden state for the head: cls, last token, mask after it, mean; auto is cls, or last.")
]
Align = Annotated[str, typer.Option(help="Fixed k-mers: frame that fits the end or the start of the 50 bases.")]
Flank = Annotated[int, typer.Option(min=0, help="Bases on the left with which the 50 are tokenised.")]
Epochs = Annotated[int | None, typer.Option(help="At most.", show_default="30 for head, 3 for full")]
Rate = Annotated[float | None, typer.Option(help="Of AdamW.", show_default="1e-3 for head, 2e-4 for full")]
Batch = Annotated[int | None, typer.Option(min=1, help="Sequences per step.", show_default="256, 64 for full")]
Trees = Annotated[int, typer.Option(min=1, help="Trees of the random forest (tfidf).")]
Blocks = Annotated[int, typer.Option(min=1, help="Bases of a block: unit of the bootstrap.")]
Seed = Annotated[int, typer.Option(min=0, help="Of places, heads and bootstrap.")]
Recipe = Annotated[Path, typer.Option(help="YAML recipe of pretraining, the same for all vocabularies.")]
Dtype = Annotated[str, typer.Option(help="fp32 or bf16 (mixed precision) of the pretraining of a vocabulary's model.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all")]
Baselines = Annotated[str, typer.Option(help="Some of majority,markov,markov-sequences,tfidf; or empty.")]


@app.command(
    epilog="Example: `python -m grover_probe.nextkmer run --model checkpoint --k 4 --genome chr20.fa.gz "
    "--heldout grover_probe/data/heldout.hg19.chr20.bed --out nextkmer`"
)
def run(
    genome: Genomes,
    heldout: Heldout,
    out: Out,
    model: ModelOption = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="For a model without one: tokenizer.json, its folder, or 6-mer.")
    ] = None,
    k: K = "4",
    n_train: Train = 20_000,
    n_test: Test = 5_000,
    baselines: Baselines = "majority,markov",
    mode: Mode = "head",
    read: Read = "auto",
    align: Align = "end",
    flank: Flank = 0,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    batch_size: Batch = None,
    trees: Trees = 100,
    block_size: Blocks = 100_000,
    seed: Seed = 0,
    device: DeviceOption = "auto",
    threads: Threads = None,
    trust_remote_code: TrustOption = False,
    progress: ProgressOption = True,
) -> None:
    """Ask one model, beside baselines on the same sequences."""
    given = dict(locals())
    from grover_probe.data.sample import sample_path
    from grover_probe.nextkmer.systems import sweep_systems

    systems = sweep_systems((), (), _names(baselines), [model or str(sample_path("checkpoint"))], ())
    runner = _runner(given, None)
    _compare(runner, systems, given, "accuracy", None)


@app.command(
    epilog="Example: `python -m grover_probe.nextkmer cell --system bpe-600 --genome chr20.fa.gz "
    "--heldout grover_probe/data/heldout.hg19.chr20.bed --recipe configs/grover-short.yaml --out sweep`"
)
def cell(
    system: Annotated[str, typer.Option(help="bpe-600, 4-mer, a baseline, a model, or NAME=MODEL.")],
    genome: Genomes,
    heldout: Heldout,
    out: Out,
    recipe: Recipe = Path("configs/grover-short.yaml"),
    train_seed: Annotated[int, typer.Option(min=0, help="Added to the recipe's seed.")] = 0,
    k: K = "2-6",
    n_train: Train = 20_000,
    n_test: Test = 5_000,
    mode: Mode = "head",
    read: Read = "auto",
    align: Align = "end",
    flank: Flank = 0,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    batch_size: Batch = None,
    trees: Trees = 100,
    block_size: Blocks = 100_000,
    seed: Seed = 0,
    dtype: Dtype = "fp32",
    device: DeviceOption = "auto",
    threads: Threads = None,
    trust_remote_code: TrustOption = False,
    progress: ProgressOption = True,
) -> None:
    """Finish one system of a sweep, on any machine that sees the folder; `sweep` finds what is there."""
    given = dict(locals())
    from grover_probe.files import output_folder
    from grover_probe.nextkmer.systems import parse_system

    one = parse_system(system, train_seed)
    runner = _runner(given, recipe if one.is_trained else None)
    ks = _ks(k)
    with output_folder(out):
        runner.finish(one, ks)
    note(f"{out}: {one.label} finished for k = {', '.join(map(str, ks))}")


@app.command(
    epilog="Example: `python -m grover_probe.nextkmer sweep --cycles 100,300,600,1000,2000,5000 --kmers 4,5,6 "
    "--genome chr20.fa.gz --heldout grover_probe/data/heldout.hg19.chr20.bed --recipe configs/grover-short.yaml "
    "--out sweep`; on a cluster run each line of `sweep ... --print-cells`, then `sweep` itself"
)
def sweep(
    genome: Genomes,
    heldout: Heldout,
    out: Out,
    recipe: Recipe = Path("configs/grover-short.yaml"),
    cycles: Annotated[str, typer.Option(help="Cycles of byte-pair encoding.")] = "100,300,600,1000,2000,5000",
    kmers: Annotated[str, typer.Option(help="Fixed k-mers.")] = "4,5,6",
    models: Annotated[
        list[str] | None, typer.Option(help="NAME=MODEL: folder or hub id of another model (repeat for more).")
    ] = None,
    baselines: Baselines = "majority,markov,markov-sequences,tfidf",
    train_seeds: Annotated[str, typer.Option(help="A model of each vocabulary for each; added to the recipe's.")] = "0",
    k: K = "2-6",
    n_train: Train = 20_000,
    n_test: Test = 5_000,
    metric: Annotated[str, typer.Option(help="That chooses: accuracy, top5 or bits.")] = "accuracy",
    span: Annotated[float, typer.Option(help="Of the loess: share of the models that each place looks at.")] = 0.85,
    mode: Mode = "head",
    read: Read = "auto",
    align: Align = "end",
    flank: Flank = 0,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    batch_size: Batch = None,
    trees: Trees = 100,
    block_size: Blocks = 100_000,
    seed: Seed = 0,
    dtype: Dtype = "fp32",
    device: DeviceOption = "auto",
    threads: Threads = None,
    trust_remote_code: TrustOption = False,
    print_cells: Annotated[
        bool, typer.Option("--print-cells", help="Only print the command of each cell, one a line.")
    ] = False,
    progress: ProgressOption = True,
) -> None:
    """Train a vocabulary and a model for each number of cycles, ask them, and choose."""
    given = dict(locals())
    from grover_probe.nextkmer.cells import parse_numbers
    from grover_probe.nextkmer.systems import sweep_systems

    if metric not in _METRICS:
        raise InputError(f"--metric {metric!r}: expected one of {', '.join(_METRICS)}")
    if not 0 < span <= 1:
        raise InputError(f"--span {span:g}: expected more than 0, up to 1")
    seeds = parse_numbers(train_seeds, "--train-seeds")
    numbers = parse_numbers(cycles, "--cycles"), parse_numbers(kmers, "--kmers")
    systems = sweep_systems(*numbers, _names(baselines), models or [], seeds)
    _ks(k)
    if print_cells:
        texts = {each.label: f"{each.name}={each.model}" if each.model else each.name for each in systems}
        for each in systems:
            print(_cell_command(texts[each.label], each.seed, given))
        return
    runner = _runner(given, recipe if any(each.is_trained for each in systems) else None)
    _compare(runner, systems, given, metric, span)


def _names(text: str) -> list[str]:
    return [name for name in text.replace(" ", "").split(",") if name]


def _ks(text: str) -> tuple[int, ...]:
    from grover_probe.nextkmer.cells import parse_numbers
    from grover_probe.nextkmer.sequences import check_k

    found = parse_numbers(text, "--k")
    if not found:
        raise InputError("--k: expected numbers such as 4, or 2-6")
    for k in found:
        check_k(k)
    return found


def _runner(given: dict[str, Any], recipe: Path | None) -> "Runner":
    """Everything that the options say, checked before anything slow or written."""
    from grover_probe.nextkmer.cells import Learning, Runner
    from grover_probe.nextkmer.study import Sampling, Study
    from grover_probe.pretrain.recipe import Recipe as Read

    _ks(given["k"])
    if given.get("dtype", "fp32") not in ("fp32", "bf16"):
        raise InputError(f"--dtype {given['dtype']!r}: expected fp32 or bf16")
    settings = None if recipe is None else Read.from_yaml(recipe)
    names = ("mode", "read", "align", "epochs", "learning_rate", "batch_size", "seed", "trees")
    learning = Learning(**{name: given[name] for name in names})
    sampling = Sampling(**{name: given[name] for name in ("n_train", "n_test", "flank", "block_size", "seed")})
    if given["threads"]:
        import torch

        torch.set_num_threads(given["threads"])
    return Runner(
        Study(given["genome"], given["heldout"], sampling),
        learning,
        settings,
        given["out"],
        tokenizer=given.get("tokenizer"),
        dtype=given.get("dtype", "fp32"),
        **{name: given[name] for name in ("device", "threads", "trust_remote_code", "progress")},
    )


def _compare(runner: "Runner", systems: list[Any], given: dict[str, Any], metric: str, span: float | None) -> None:
    from grover_probe.files import output_folder
    from grover_probe.nextkmer.curve import SPAN
    from grover_probe.nextkmer.sweep import compare, text_table, write_comparison

    ks, out = _ks(given["k"]), given["out"]
    with output_folder(out):
        result = compare(runner, systems, ks, metric=metric, span=span or SPAN)
        written = write_comparison(result, runner, systems, out, {"k": ks, "metric": metric, "span": span})
    print(text_table(result.table))
    if result.choice is not None:
        found = result.choice.summary()
        note(f"best {metric}: {found['cycles']:,} cycles (95 % of the draws: {found['low']:,} to {found['high']:,})")
    note(f"wrote {', '.join(map(str, written))}")


def _cell_command(system: str, seed: int, given: dict[str, Any]) -> str:
    """The command line of one cell with the options of the sweep."""
    names = (
        "heldout", "out", "recipe", "k", "n_train", "n_test", "mode", "read", "align", "flank", "epochs",
        "learning_rate", "batch_size", "trees", "block_size", "seed", "dtype", "device", "threads",
    )  # fmt: skip
    words = ["python", "-m", "grover_probe.nextkmer", "cell", "--system", system, "--train-seed", str(seed)]
    for path in given["genome"]:
        words += ["--genome", str(path)]
    for name in names:
        if given[name] is not None:
            words += [f"--{name.replace('_', '-')}", str(given[name])]
    words += ["--trust-remote-code"] if given["trust_remote_code"] else []
    return shlex.join(words + ([] if given["progress"] else ["--no-progress"]))
