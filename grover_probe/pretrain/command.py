"""The command line of pretraining: genomes, tokenizer and recipe in, a checkpoint with its model card out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError
from grover_probe.options import ProgressOption

if TYPE_CHECKING:
    from accelerate import Accelerator

    from grover_probe.corpus import Corpus
    from grover_probe.evaluate.evaluation import Evaluation
    from grover_probe.genome import Genome, Region
    from grover_probe.kmer import AnyTokenizer

app = new_app("Pretrain a GROVER: masked-token prediction on a tokenised genome.")

_VALIDATION_TOKENS = 2_000


@app.command(
    epilog="Example: `python -m grover_probe.pretrain --genome chr20.fa.gz --genome chrX.fa.gz --tokenizer bpe600 "
    "--recipe configs/grover-small.yaml --heldout grover_probe/data/heldout.hg19.chr20.bed --out runs/small`; "
    "on 8 GPUs: `torchrun --nproc-per-node 8 -m grover_probe.pretrain ...`"
)
def pretrain(
    genome: Annotated[list[Path], typer.Option(help="FASTA or 2bit; may be given several times.")],
    tokenizer: Annotated[str, typer.Option(help="Folder with tokenizer.json, or 4-mer, 5-mer, 6-mer, ...")],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command again continues it.")],
    recipe: Annotated[Path, typer.Option(help="YAML recipe; the default is the paper's, which needs GPUs.")] = Path(
        "configs/grover-base.yaml"
    ),
    heldout: Annotated[
        Path | None, typer.Option(help="BED of sequence to keep out and evaluate on at the end.")
    ] = None,
    validate: Annotated[
        Path | None,
        typer.Option(help="BED of sequence to keep out for choosing the best state; not in the final evaluation."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto or cpu; CUDA_VISIBLE_DEVICES chooses among GPUs.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto (bf16 where it is fast), fp32 or bf16.")] = "auto",
    micro_tokens: Annotated[
        int, typer.Option(min=1, help="Positions computed at a time per process: bounds memory, changes no result.")
    ] = 32_768,
    compile: Annotated[bool, typer.Option("--compile", help="torch.compile the network.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all")] = None,
    save_minutes: Annotated[float, typer.Option(min=0, help="Minutes between saved states.")] = 5.0,
    keep: Annotated[int, typer.Option(min=1, help="Newest states to keep, besides the best.")] = 2,
    progress: ProgressOption = True,
) -> None:
    """Train a model, or continue the run in `--out`, and write `OUT/checkpoint`."""
    from grover_probe.pretrain.recipe import Recipe

    settings = Recipe.from_yaml(recipe)  # before the slow imports: a typing error shows at once
    import torch

    from grover_probe.genome import open_genome
    from grover_probe.kmer import open_tokenizer
    from grover_probe.pretrain.devices import make_accelerator
    from grover_probe.pretrain.train import Trainer
    from grover_probe.pretrain.train import pretrain as train

    pieces = open_tokenizer(tokenizer)
    genomes = [open_genome(path) for path in genome]
    held, validation = (_regions(bed, genomes) if bed else [] for bed in (heldout, validate))
    test = [region for region in held if region not in validation]
    if threads is not None:
        torch.set_num_threads(threads)
    accelerator = make_accelerator(device, dtype)
    corpus = _corpus(genomes, pieces, out, accelerator, progress)
    runs = corpus.runs(exclude=held + validation)
    if not len(runs):
        raise InputError(f"{heldout}: nothing is left to train on")
    trainer = Trainer(corpus, runs, settings, accelerator, micro_tokens=micro_tokens, compile=compile)
    if accelerator.is_main_process:
        note(f"training on {int((runs[:, 1] - runs[:, 0]).sum()):,} of {len(corpus):,} tokens, {accelerator.device}")
    model = train(
        trainer,
        out,
        validate=_validation(corpus, corpus.runs(validation)) if validation else None,
        save_minutes=save_minutes,
        keep=keep,
        progress=progress,
    )
    if accelerator.is_main_process:
        measured = _evaluate(model, trainer, pieces, test, progress)
        _write_checkpoint(model, trainer, pieces, tokenizer, test, measured, out)
    accelerator.end_training()


def _corpus(
    genomes: "list[Genome]", tokenizer: "AnyTokenizer", out: Path, accelerator: "Accelerator", progress: bool
) -> "Corpus":
    """The tokenised genomes: in memory, or on disk for several processes to share."""
    from grover_probe.corpus import concatenate, tokenize
    from grover_probe.corpus_files import open_corpus, save_corpus

    def make() -> "Corpus":
        return concatenate([tokenize(one, tokenizer, progress=progress) for one in genomes])

    if accelerator.num_processes == 1:
        return make()
    folder = out / "corpus"
    if accelerator.is_main_process:
        save_corpus(make(), folder)
    accelerator.wait_for_everyone()
    return open_corpus(folder, tokenizer)


def _validation(corpus: "Corpus", runs: Any) -> Callable[[Any], float]:
    """Loss of a model on a fixed sample of masked tokens."""
    from functools import partial

    from grover_probe.evaluate.masked import ask_model
    from grover_probe.evaluate.questions import draw_questions
    from grover_probe.pretrain.model import masked_logits

    def loss(model: Any) -> float:
        window = model.config.max_position_embeddings - 2
        questions = draw_questions(corpus, runs, n_masked=_VALIDATION_TOKENS, window=window)
        answers = ask_model(partial(masked_logits, model), corpus, questions, progress=False)
        return float(answers.nats.mean())

    return loss


def _evaluate(
    model: Any, trainer: Any, tokenizer: "AnyTokenizer", test: "list[Region]", progress: bool
) -> "Evaluation | None":
    """Accuracy on held-out sequence beside n-grams that were counted on what the model was trained on."""
    from functools import partial

    from grover_probe.evaluate.command import systems_table
    from grover_probe.evaluate.evaluation import evaluate
    from grover_probe.pretrain.examples import split_windows
    from grover_probe.pretrain.model import masked_logits

    corpus, training = trainer.corpus, trainer.runs
    runs = corpus.runs(test) if test else None
    if trainer.recipe.split == "random":
        training, runs = split_windows(trainer.runs, trainer.recipe)
    if runs is None:
        return None
    found = evaluate(
        partial(masked_logits, model),
        corpus,
        runs,
        tokenizer.pieces,
        training=[(corpus, training)],
        window=model.config.max_position_embeddings - 2,
        progress=progress,
    )
    print(systems_table(found.to_frame()))
    return found


def _write_checkpoint(
    model: Any,
    trainer: Any,
    tokenizer: "AnyTokenizer",
    source: str,
    test: "list[Region]",
    measured: "Evaluation | None",
    out: Path,
) -> None:
    from grover_probe.pretrain.card import model_card
    from grover_probe.pretrain.checkpoint import save_checkpoint
    from grover_probe.pretrain.journal import training_hours

    card = model_card(trainer, test, training_hours(out), measured)
    folder = save_checkpoint(model, trainer, tokenizer, Path(source), out / "checkpoint", card)
    note(f"wrote {folder}")


def _regions(bed: Path, genomes: "list[Genome]") -> "list[Region]":
    """Intervals of a BED file on any of several genomes."""
    from grover_probe.annotation import read_bed

    found: list[Region] = []
    problems = []
    for genome in genomes:
        try:
            found += read_bed(bed, genome)[0]
        except InputError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found
