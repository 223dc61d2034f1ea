"""The vocabulary and the model of a cell: trained on everything outside of the held-out regions, or found as it was."""

import shutil
from dataclasses import replace
from pathlib import Path

from grover_probe.bpe.encode import BPETokenizer
from grover_probe.bpe.files import TOKENIZER_FILE, save_tokenizer
from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import make_folder
from grover_probe.kmer import AnyTokenizer, KmerTokenizer, open_tokenizer
from grover_probe.nextkmer.sequences import heldout_regions
from grover_probe.nextkmer.study import Study
from grover_probe.nextkmer.systems import System
from grover_probe.pretrain.recipe import Recipe


def trained_model(
    system: System,
    study: Study,
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "auto",
    dtype: str = "fp32",
    threads: int | None = None,
    progress: bool = True,
) -> Path:
    """Train the tokenizer and the model of a system, or go on where it stopped.

    Parameters
    ----------
    system
        Of kind ``bpe`` or ``kmer``.
    study
        What to train on. Byte pairs are counted without the held-out regions too.
    recipe
        Shape and budget of the model, the same for all; the system's seed is added to its seed.
    folder
        Of this system and nothing else: ``tokenizer/``, ``metrics.jsonl``, while it trains ``states/``, then
        ``checkpoint/``.
    device, dtype, threads
        For pretraining.
    progress
        Show progress bars on stderr.

    Returns
    -------
    Path
        The checkpoint, a folder for `grover_probe.models.load`.

    Raises
    ------
    InputError
        When there are fewer pairs to merge than cycles, or no training sequence.
    """
    checkpoint = folder / "checkpoint"
    if (checkpoint / "config.json").is_file():
        return checkpoint
    from grover_probe.corpus import concatenate, tokenize
    from grover_probe.pretrain.card import model_card
    from grover_probe.pretrain.checkpoint import save_checkpoint
    from grover_probe.pretrain.journal import training_hours
    from grover_probe.pretrain.train import Trainer, make_accelerator, pretrain

    make_folder(folder)
    tokenizer = _tokenizer(system, study, folder / "tokenizer", threads, progress)
    held = heldout_regions(study.genomes, study.heldout)
    corpus = concatenate([tokenize(genome, tokenizer, progress=progress) for genome in study.genomes])
    runs = corpus.runs(exclude=held)
    if not len(runs):
        raise InputError(f"{study.heldout}: nothing is left to train on")
    settings = replace(recipe, seed=recipe.seed + system.seed)
    note(f"{system.label}: training on {int((runs[:, 1] - runs[:, 0]).sum()):,} tokens, {settings.total_tokens:,} seen")
    trainer = Trainer(corpus, runs, settings, make_accelerator(device, dtype))
    model = pretrain(trainer, folder, progress=progress)
    card = model_card(trainer, held, training_hours(folder), None)
    save_checkpoint(model, trainer, tokenizer, folder / "tokenizer", checkpoint, card)
    shutil.rmtree(folder / "states", ignore_errors=True)
    return checkpoint


def _tokenizer(system: System, study: Study, folder: Path, threads: int | None, progress: bool) -> AnyTokenizer:
    if system.kind == "kmer":
        return KmerTokenizer(system.size)
    if (folder / TOKENIZER_FILE).is_file():  # written last
        return open_tokenizer(folder)
    from grover_probe.bpe.train import train

    merges = train(study.training_codes(), system.size, threads=threads, progress=progress)
    if len(merges) < system.size:
        raise InputError(f"{system.name}: no pair is left after {len(merges)} merges; ask for fewer cycles")
    tokenizer = BPETokenizer(merges)
    save_tokenizer(tokenizer, folder)
    return tokenizer
