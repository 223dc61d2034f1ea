"""The training loop: masked-token pretraining of a BERT on a tokenised genome, read from top to bottom.

The data order, the masks and the learning rate are functions of the seed and the step alone, so a run that was stopped
goes on from its last saved state as if nothing had happened.
"""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grover_probe.batches import Batch, gather, shuffled
from grover_probe.command import note, track
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.masking import MaskRule, mask_tokens
from grover_probe.pretrain.initialise import start_from_corpus
from grover_probe.pretrain.recipe import Architecture, Recipe, Stage, learning_rate_at
from grover_probe.windows import sample_windows

_SAVE_EVERY_SECONDS = 300.0
_REPORT_EVERY_STEPS = 50


def build_model(architecture: Architecture, n_ids: int, seed: int) -> Any:
    """A randomly initialised `transformers.BertForMaskedLM` of the given shape."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=n_ids,
        num_hidden_layers=architecture.layers,
        hidden_size=architecture.hidden,
        num_attention_heads=architecture.heads,
        intermediate_size=architecture.intermediate,
        max_position_embeddings=architecture.max_positions,
        hidden_dropout_prob=architecture.dropout,
        attention_probs_dropout_prob=architecture.dropout,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=0,
        attn_implementation="sdpa",
    )
    return BertForMaskedLM(config)


def training_batches(ids: np.ndarray, runs: np.ndarray, recipe: Recipe) -> Iterator[tuple[int, Stage, Batch]]:
    """All batches of a recipe in order: (tokens seen before, stage, `grover_probe.batches.Batch`).

    Every pass over the corpus cuts new windows.
    """
    seen = stage_end = 0
    for number, stage in enumerate(recipe.stages):
        stage_end += stage.tokens
        epoch = 0
        while seen < stage_end:
            rng = np.random.default_rng([recipe.seed, number, epoch])
            for windows in shuffled(sample_windows(runs, rng, stage.window), recipe.batch_tokens, rng):
                if seen >= stage_end:
                    break
                batch = gather(ids, windows)
                yield seen, stage, batch
                seen += batch.n_tokens
            epoch += 1


class Trainer:
    """The state of a pretraining run, and one optimisation step.

    Parameters
    ----------
    corpus
        Tokenised genome.
    runs
        Token ranges to train on, shape (n_runs, 2).
    recipe
        What to do.
    device
        torch device.
    """

    def __init__(self, corpus: Corpus, runs: np.ndarray, recipe: Recipe, device: str = "cpu") -> None:
        self.recipe, self.corpus, self.runs = recipe, corpus, runs
        self.n_ids = len(corpus.token_lengths)
        self.model = build_model(recipe.architecture, self.n_ids, recipe.seed)
        if recipe.start == "corpus":
            start_from_corpus(self.model, corpus.ids, runs)
        self.model.to(device).train()
        self.device = device
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
            betas=(0.9, recipe.beta2),
            eps=recipe.eps,
            fused=True,
        )
        self.step_number = 0

    def step(self, seen: int, stage: Stage, batch: Batch) -> float:
        """One step on one batch; returns the mean loss in nats per masked token."""
        step_seed = self.recipe.seed * 1_000_003 + self.step_number
        generator = torch.Generator().manual_seed(step_seed)
        torch.manual_seed(step_seed)  # dropout draws from the global source: tie it to the step as well
        ids = torch.from_numpy(batch.input_ids)
        corrupted, selected = mask_tokens(ids, self.n_ids, MaskRule(stage.mask_rate), generator)
        positions = self._positions(ids.shape[1], stage, generator)
        attention = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask).to(self.device)
        hidden = self.model.bert(
            corrupted.to(self.device), attention_mask=attention, position_ids=positions.to(self.device)
        ).last_hidden_state
        # Logits over the vocabulary only where something is predicted: a few tokens in a hundred.
        logits = self.model.cls(hidden[selected.to(self.device)])
        loss = torch.nn.functional.cross_entropy(logits.float(), ids[selected].to(self.device))
        if not torch.isfinite(loss):
            raise InputError(
                f"the loss is {loss.item()} at step {self.step_number}, windows from token {batch.windows[0, 0]}; "
                "try a lower learning rate"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(seen, self.recipe)
        self.optimizer.step()
        self.step_number += 1
        return loss.item()

    def _positions(self, width: int, stage: Stage, generator: torch.Generator) -> torch.Tensor:
        """Position ids, shape (1, width); [CLS] is always at 0."""
        positions = torch.arange(width)
        room = self.recipe.architecture.max_positions - (stage.window + 2)
        if stage.shift and room > 0:
            positions[1:] += torch.randint(0, room + 1, (), generator=generator)
        return positions[None]

    def save(self, path: Path) -> None:
        """Write the state atomically."""
        state = {
            "step": self.step_number,
            "recipe": json.dumps(dataclasses.asdict(self.recipe)),
            "tokenizer": self.corpus.tokenizer_hash,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Go on from a saved state.

        Raises
        ------
        InputError
            When it belongs to another recipe or tokenizer; the message names what differs.
        """
        state = torch.load(path, weights_only=True, map_location=self.device)
        now, then = json.loads(json.dumps(dataclasses.asdict(self.recipe))), json.loads(state["recipe"])
        changed = [key for key in now if now[key] != then.get(key)]
        if state["tokenizer"] != self.corpus.tokenizer_hash:
            changed.append("tokenizer")
        if changed:
            raise InputError(
                f"{path}: was saved with another {', '.join(changed)}; use a new --out or the old settings"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_number = state["step"]


def pretrain(
    corpus: Corpus,
    runs: np.ndarray,
    recipe: Recipe,
    out: Path | str,
    *,
    device: str = "cpu",
    progress: bool = True,
) -> Any:
    """Train, or go on training, and return the model.

    Parameters
    ----------
    corpus
        `grover_probe.corpus.Corpus`.
    runs
        Token ranges to train on (`Corpus.runs`), held-out sequence left out.
    recipe
        What to do.
    out
        Folder for ``state.pt`` (saved every five minutes, continued from when it is there) and ``metrics.jsonl``
        (one line per 50 steps: tokens, loss, tokens per second).

    Returns
    -------
    transformers.BertForMaskedLM
        The trained model, in evaluation mode.
    """
    out = make_folder(out)
    trainer = Trainer(corpus, runs, recipe, device)
    state = out / "state.pt"
    if state.exists():
        trainer.load(state)
        note(f"continuing after step {trainer.step_number:,}")
        _forget_after(out / "metrics.jsonl", trainer.step_number)
    begin = trainer.step_number
    losses: list[float] = []
    saved = reported = time.monotonic()
    tokens = 0
    with track(total=recipe.total_tokens, label="train", unit="tok", unit_scale=True, progress=progress) as bar:
        for index, (seen, stage, batch) in enumerate(training_batches(corpus.ids, runs, recipe)):
            bar.update(batch.n_tokens)
            if index < begin:
                continue
            losses.append(trainer.step(seen, stage, batch))
            tokens += batch.n_tokens
            if len(losses) == _REPORT_EVERY_STEPS:
                now = time.monotonic()
                record = {"step": index + 1, "tokens": seen + batch.n_tokens, "loss": sum(losses) / len(losses),
                          "window": stage.window, "tokens_per_second": tokens / (now - reported)}  # fmt: skip
                with (out / "metrics.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(record) + "\n")
                bar.set_postfix(loss=f"{record['loss']:.3f}")
                losses, tokens, reported = [], 0, now
            if time.monotonic() - saved > _SAVE_EVERY_SECONDS:
                trainer.save(state)
                saved = time.monotonic()
    trainer.save(state)
    return trainer.model.eval()


def steps_done(out: Path | str) -> int:
    """Optimisation steps of the run in a folder, from its saved state."""
    return int(torch.load(Path(out) / "state.pt", weights_only=True, map_location="cpu")["step"])


def _forget_after(metrics: Path, step: int) -> None:
    """Drop the records of steps that were lost with a stopped run and will be made again."""
    if metrics.is_file():
        lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        with atomic_path(metrics) as temporary:
            temporary.write_text("".join(line for line in lines if json.loads(line)["step"] <= step), encoding="utf-8")
