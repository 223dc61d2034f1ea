"""The model card: what a checkpoint was trained on, how, and what it can do."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grover_probe.genome import Region
from grover_probe.pretrain.recipe import Recipe
from grover_probe.provenance import machine, versions

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.evaluate import MaskedAccuracy

_CARD = """\
# A small GROVER, pretrained with grover_probe

BERT with {shape.layers} layers, {shape.hidden} wide, {shape.heads} heads, {n_ids} token ids, for masked-token
prediction on human DNA. It is small enough to travel with the package: for trying the tools, not for biology.

## Data

{data}

Tokenizer: byte-pair encoding, `tokenizer.json` beside this file, hash `{tokenizer}`.
Windows were drawn from {n_train:,} tokens ({n_bases:,} bases). Never trained on, and used for the evaluation below:
{blocks}.

## Recipe

{stages}

Batches of {recipe.batch_tokens:,} positions; AdamW (beta2 {recipe.beta2}, eps {recipe.eps:g}, weight decay
{recipe.weight_decay}); learning rate {recipe.learning_rate:g} after a linear warm-up over {recipe.warmup_tokens:,}
tokens, falling as a cosine to zero; dropout {shape.dropout}; seed {recipe.seed}; start: {recipe.start}.
{start}
{time}

## Measured on the held-out blocks

{measured}

## Limits and licence

Little sequence and {recipe.total_tokens:,} tokens seen, where the paper trained on more than five million samples;
forward strand only. Its perplexity is not comparable with the paper's, which is on all of hg19. Weights and card: MIT.
Sequence: GRCh37, public domain.
"""

_CORPUS_START = """
The start is not random: the output bias is the log frequency of each token, the token embeddings come from an SVD of
the log-PMI of neighbouring tokens, positions are sinusoids, and four heads of each block begin by attending to tokens
at fixed distances (1 before, 1 after, and further ones). Frequency and neighbourhood are in the embeddings before any
training, so an analysis must be compared with the untrained start (the same recipe with stages of 0 tokens) before
training is credited.
"""


def model_card(
    recipe: Recipe,
    corpus: "Corpus",
    runs: np.ndarray,
    blocks: list[Region],
    steps: int,
    hours: float,
    measured: "MaskedAccuracy | None",
) -> str:
    """Text of the model card.

    Parameters
    ----------
    recipe, corpus, runs
        What was trained, and on what.
    blocks
        Held-out regions that were evaluated.
    steps, hours
        Optimisation steps and time of training.
    measured
        Result on the held-out regions.
    """
    genomes = corpus.meta["genome"]
    sources = genomes if isinstance(genomes, list) else [genomes]
    result = "not evaluated" if measured is None else json.dumps(dataclasses.asdict(measured), indent=1)
    host = machine()
    return _CARD.format(
        shape=recipe.architecture,
        recipe=recipe,
        n_ids=len(corpus.token_lengths),
        data="\n".join(f"- `{one['name']}`, {one['bytes']:,} bytes, sha256 `{one['sha256']}`" for one in sources),
        tokenizer=corpus.tokenizer_hash,
        n_train=int((runs[:, 1] - runs[:, 0]).sum()),
        n_bases=int(sum(corpus.token_lengths[corpus.ids[begin:stop]].sum() for begin, stop in runs)),
        blocks=", ".join(map(str, blocks)) or "nothing",
        stages="\n".join(
            f"- {stage.tokens:,} tokens in windows of up to {stage.window}, {stage.mask_rate:.3g} of them predicted"
            + (", placed at random positions" if stage.shift else "")
            for stage in recipe.stages
        ),
        start=_CORPUS_START if recipe.start == "corpus" else "",
        time=f"{steps:,} steps in {hours:.1f} hours on {host['processor']} (torch {versions().get('torch')}).",
        measured=f"```json\n{result}\n```",
    )


def training_hours(metrics: Path) -> float:
    """Hours of training from the log of a run, however often it was stopped."""
    seconds, tokens = 0.0, 0
    for line in metrics.read_text(encoding="utf-8").splitlines() if metrics.is_file() else []:
        record = json.loads(line)
        seconds += (record["tokens"] - tokens) / record["tokens_per_second"]
        tokens = record["tokens"]
    return seconds / 3600
