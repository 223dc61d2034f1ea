"""The model card: what a checkpoint was trained on, how, and what it can do."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grover_probe.corpus import Corpus
from grover_probe.genome import Region
from grover_probe.pretrain.recipe import Recipe
from grover_probe.provenance import machine, versions

if TYPE_CHECKING:
    from grover_probe.evaluate.evaluation import Evaluation
    from grover_probe.pretrain.train import Trainer

_CARD = """\
# A GROVER of {millions:.1f} M parameters, pretrained with grover_probe

BERT with {shape.layers} layers, {shape.hidden} wide, {shape.heads} heads, {n_ids} token ids, for masked-token
prediction on human DNA. `transformers.AutoModelForMaskedLM` loads it; weights in half precision.

## Data

{data}

Tokenizer: {n_pieces} pieces of {mean:.2f} bases on average, `tokenizer.json` beside this file, hash `{tokenizer}`.
Trained on {n_train:,} tokens ({n_bases:,} bases), seen {passes:.2f} times.
{heldout}

## Recipe

{stages}

Batches of {recipe.batch_tokens:,} positions; {recipe.mask_share:.0%} of the predicted tokens stand as [MASK],
{recipe.random_share:.0%} as a random token; AdamW (betas {recipe.beta1} and {recipe.beta2}, eps {recipe.eps:g},
weight decay {recipe.weight_decay}, gradient norm up to {recipe.clip:g}); learning rate {recipe.learning_rate:g} after a
linear warm-up over {recipe.warmup_tokens:,} tokens, falling as a cosine to zero{restarts}; dropout {shape.dropout};
seed {recipe.seed}. `recipe.json` beside this file has all of it.
{start}
{steps:,} steps in {hours:.1f} hours on {processor} (torch {torch}, transformers {transformers}).

## Measured

{measured}

## Limits

- {recipe.total_tokens:,} tokens seen; the paper trained BERT-base on more than five million samples of up to 510
  tokens.
- Forward strand only. No sequence but that named above: nothing about other chromosomes or species was measured.
- Perplexities depend on the vocabulary and on the sequence that is held out: compare bits per base, and on the same
  blocks.

## Licence

Weights and card: MIT. Sequence: GRCh37, public domain.
"""

_CORPUS_START = """
The start is not random: the output bias is the log frequency of each token, the token embeddings come from an SVD of
the log-PMI of neighbouring tokens, positions are sinusoids, and four heads of each block begin by attending to tokens
at fixed distances (1 before, 1 after, and further ones). Frequency and neighbourhood are therefore in the embeddings
before any training: compare every analysis with the untrained start, which
`python -m grover_probe.untrained --model THIS_FOLDER --start initial --out FOLDER` makes, and with `--start random`.
"""
_RANDOM_START = """
The start is random. `python -m grover_probe.untrained --model THIS_FOLDER --start initial --out FOLDER` makes it again.
"""


def model_card(trainer: "Trainer", test: list[Region], hours: float, measured: "Evaluation | None") -> str:
    """Text of the model card.

    Parameters
    ----------
    trainer
        What was trained, and on what.
    test
        Held-out regions that were evaluated.
    hours
        Time of training.
    measured
        Result on held-out sequence.
    """
    recipe, corpus, runs = trainer.recipe, trainer.corpus, trainer.runs
    genomes = corpus.meta["genome"]
    sources = genomes if isinstance(genomes, list) else [genomes]
    n_train = int((runs[:, 1] - runs[:, 0]).sum())
    lengths = corpus.token_lengths
    n_bases = int(sum(lengths[corpus.ids[begin:stop]].sum() for begin, stop in runs))
    return _CARD.format(
        millions=sum(p.numel() for p in trainer.model.parameters()) / 1e6,
        shape=recipe.architecture,
        recipe=recipe,
        n_ids=len(lengths),
        n_pieces=int((lengths > 0).sum()),
        mean=n_bases / n_train,
        data="\n".join(f"- `{one['name']}`, {one['bytes']:,} bytes, sha256 `{one['sha256']}`" for one in sources),
        tokenizer=corpus.tokenizer_hash,
        n_train=n_train,
        n_bases=n_bases,
        passes=recipe.total_tokens / n_train,
        heldout=_heldout(recipe, corpus, runs, test),
        stages="\n".join(
            f"- {stage.tokens:,} tokens in windows of up to {stage.window}, {stage.mask_rate:.3g} of them predicted"
            + (", placed at random positions" if stage.shift else "")
            for stage in recipe.stages
        ),
        restarts="".join(f", anew after {edge:,} tokens" for edge in recipe.restarts),
        start=_CORPUS_START if recipe.start == "corpus" else _RANDOM_START,
        steps=trainer.step_number,
        hours=hours,
        processor=_processor(trainer),
        torch=versions().get("torch"),
        transformers=versions().get("transformers"),
        measured=_measured(measured, recipe),
    )


def _heldout(recipe: Recipe, corpus: Corpus, runs: Any, test: list[Region]) -> str:
    if recipe.split == "random":
        return f"Of its windows {recipe.test_share:.0%}, drawn at random, were left out for the evaluation below."
    n_out = len(corpus) - int((runs[:, 1] - runs[:, 0]).sum())
    blocks = ", ".join(map(str, test))
    evaluated = f" Evaluated below: {blocks}." if blocks else ""
    return f"{n_out:,} tokens of these sequences were never trained on.{evaluated}"


def _measured(measured: "Evaluation | None", recipe: Recipe) -> str:
    if measured is None:
        return "Not evaluated: no sequence was held out."
    rate = measured.questions.rule.rate
    longest = int(np.diff(measured.questions.windows, axis=1).max())
    lines = [
        f"{len(measured.questions):,} masked tokens of the held-out sequence, {rate:.1%} of all, windows of up to "
        f"{longest} tokens. The n-grams were counted on the training sequence and see the true neighbours.",
        "",
        "| | perplexity | % of vocabulary | bits per base | top-1 | top-60 |",
        "|---|---|---|---|---|---|",
    ]
    for row in measured.to_frame().query("part == 'all'").itertuples():
        lines.append(
            f"| {row.system} | {row.perplexity:.1f} | {row.percent_of_vocabulary:.1f} | {row.bits_per_base:.3f} | "
            f"{row.top1:.1%} | {row.top60:.1%} |"
        )
    return "\n".join(lines)


def _processor(trainer: "Trainer") -> str:
    if trainer.accelerator.device.type == "cuda":
        return f"{trainer.accelerator.num_processes} x {torch.cuda.get_device_name()}"
    return (
        f"{machine()['processor']}, {torch.get_num_threads()} thread(s) in each of {trainer.accelerator.num_processes}"
    )
