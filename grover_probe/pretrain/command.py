"""The command line of pretraining: genomes, tokenizer and recipe in, a checkpoint with its model card out."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.genome import Genome, Region

app = new_app("Pretrain a GROVER: masked-token prediction on a tokenised genome.")


@app.command(
    epilog="Example: `python -m grover_probe.pretrain --genome chr20.fa.gz --genome chrX.fa.gz --tokenizer bpe600 "
    "--recipe configs/grover-small.yaml --heldout grover_probe/data/heldout.hg19.chr20.bed --out runs/small`"
)
def pretrain(
    genome: Annotated[list[Path], typer.Option(help="FASTA or 2bit; may be given several times.")],
    tokenizer: Annotated[Path, typer.Option(help="Folder with tokenizer.json.")],
    recipe: Annotated[Path, typer.Option(help="YAML recipe, such as configs/grover-small.yaml.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command again continues it.")],
    heldout: Annotated[Path | None, typer.Option(help="BED of sequence to keep out and evaluate on.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all.")] = None,
    progress: Annotated[bool, typer.Option(help="Progress bars on stderr.")] = True,
) -> None:
    """Train a model, or continue the run in `--out`, and write `OUT/checkpoint`."""
    from grover_probe.pretrain.recipe import Recipe

    settings = Recipe.from_yaml(recipe)  # before the slow imports: a typing error shows at once
    import torch

    from grover_probe.bpe import load_tokenizer
    from grover_probe.corpus import concatenate, tokenize
    from grover_probe.evaluate import evaluate_masked
    from grover_probe.genome import open_genome
    from grover_probe.models.loading import pick_device
    from grover_probe.pretrain.card import model_card, training_hours
    from grover_probe.pretrain.checkpoint import save_checkpoint
    from grover_probe.pretrain.train import pretrain as train
    from grover_probe.pretrain.train import steps_done

    pieces = load_tokenizer(tokenizer)
    genomes = [open_genome(path) for path in genome]
    excluded = [] if heldout is None else _regions(heldout, genomes)
    if threads is not None:
        torch.set_num_threads(threads)
    corpus = concatenate([tokenize(one, pieces, progress=progress) for one in genomes])
    runs = corpus.runs(exclude=excluded)
    note(f"training on {int((runs[:, 1] - runs[:, 0]).sum()):,} of {len(corpus):,} tokens")
    where = str(pick_device(device))
    model = train(corpus, runs, settings, out, device=where, progress=progress)
    measured = None
    blocks = [region for region in excluded if region.name != "sample"]
    if blocks:
        measured = evaluate_masked(model, corpus, corpus.runs(blocks), progress=progress)
        print(json.dumps(dataclasses.asdict(measured), indent=1))
    card = model_card(settings, corpus, runs, blocks, steps_done(out), training_hours(out / "metrics.jsonl"), measured)
    folder = save_checkpoint(model, tokenizer if tokenizer.is_dir() else tokenizer.parent, out / "checkpoint", card)
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
