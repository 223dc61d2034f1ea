"""The command line of pretraining: genomes, tokenizer and recipe in, a checkpoint with its model card out."""

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note
from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.genome import Genome, Region

app = new_app("Pretrain a GROVER: masked-token prediction on a tokenised genome.")


@app.command()
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
    """Train a model, or continue the run in `--out`, and write `OUT/checkpoint`.

    Example: `python -m grover_probe.pretrain --genome chr20.fa.gz --genome chrX.fa.gz --tokenizer bpe600
    --recipe configs/grover-small.yaml --heldout grover_probe/data/heldout.hg19.chr20.bed --out runs/small`
    """
    import torch

    from grover_probe.bpe import load_tokenizer
    from grover_probe.corpus import concatenate, tokenize
    from grover_probe.evaluate import evaluate_masked
    from grover_probe.genome import open_genome
    from grover_probe.models.loading import pick_device
    from grover_probe.pretrain.checkpoint import save_checkpoint
    from grover_probe.pretrain.recipe import Recipe
    from grover_probe.pretrain.train import pretrain as train

    settings = Recipe.from_yaml(recipe)
    pieces = load_tokenizer(tokenizer)
    genomes = [open_genome(path) for path in genome]
    excluded = [] if heldout is None else _regions(heldout, genomes)
    if threads is not None:
        torch.set_num_threads(threads)
    corpus = concatenate([tokenize(one, pieces, progress=progress) for one in genomes])
    runs = corpus.runs(exclude=excluded)
    note(f"training on {int((runs[:, 1] - runs[:, 0]).sum()):,} of {len(corpus):,} tokens")
    began = time.monotonic()
    where = str(pick_device(device))
    model = train(corpus, runs, settings, out, device=where, progress=progress)
    report: dict[str, Any] = {"minutes_of_this_session": round((time.monotonic() - began) / 60, 1)}
    blocks = [region for region in excluded if region.name != "sample"]
    if blocks:
        measured = evaluate_masked(model, corpus, corpus.runs(blocks), progress=progress)
        report["heldout"] = dataclasses.asdict(measured)
        print(json.dumps(report["heldout"], indent=1))
    card = model_card(settings, corpus, blocks, report)
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


def model_card(recipe: Any, corpus: "Corpus", blocks: "list[Region]", report: dict[str, Any]) -> str:
    """Text of the model card: data, recipe and what was measured."""
    sources = corpus.meta["genome"] if isinstance(corpus.meta["genome"], list) else [corpus.meta["genome"]]
    data = "\n".join(f"- `{one['name']}` ({one['bytes']:,} bytes, sha256 `{one['sha256']}`)" for one in sources)
    stages = "\n".join(
        f"- {s.tokens:,} tokens in windows of up to {s.window}, {s.mask_rate:.0%} masked" for s in recipe.stages
    )
    shape = recipe.architecture
    lines = [
        "# GROVER checkpoint trained with grover_probe",
        f"BERT, {shape.layers} layers, {shape.hidden} wide, {shape.heads} heads; {len(corpus.token_lengths)} token ids.",
        "## Data",
        data,
        f"Held out, never trained on: {', '.join(map(str, blocks)) or 'nothing'}.",
        f"## Recipe\n{stages}",
        f"Batches of {recipe.batch_tokens:,} positions, AdamW, learning rate {recipe.learning_rate:g} (linear warm-up over "
        f"{recipe.warmup_tokens:,} tokens, then a cosine to zero), seed {recipe.seed}, start: {recipe.start}.",
        "With `start: corpus` the output bias is the log frequency of each token and the token embeddings come from an "
        "SVD of the log-PMI of neighbouring tokens: frequency and neighbourhood are in the embeddings before any "
        "training. Compare an analysis with the untrained start before crediting the training.",
        f"## Measured\n```json\n{json.dumps(report, indent=1)}\n```",
    ]
    return "\n\n".join(lines) + "\n"
