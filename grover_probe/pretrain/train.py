"""The training loop: masked-token pretraining of a BERT on a tokenised genome, read from top to bottom.

Data order, masks and learning rate are functions of the recipe and the step alone, so a run that was stopped goes on
from its last state as if nothing had happened, and several processes compute together what one would alone.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grover_probe.command import note, track
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.files import make_folder
from grover_probe.pretrain.devices import make_accelerator
from grover_probe.pretrain.examples import Planned, make_example, plan, step_seed
from grover_probe.pretrain.initialise import CorpusStart, begin_with
from grover_probe.pretrain.journal import Journal
from grover_probe.pretrain.model import MaskedLoss, build_model
from grover_probe.pretrain.recipe import Recipe, learning_rate_at
from grover_probe.pretrain.report import Report, mean_loss
from grover_probe.pretrain.states import States

if TYPE_CHECKING:
    from accelerate import Accelerator

_REPORT_EVERY_STEPS = 50


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
    accelerator
        `accelerate.Accelerator`: device, precision and the other processes. One process on the CPU when None.
    micro_tokens
        Positions per process that are computed at a time: bounds memory, does not change the result.
    compile
        Let torch compile the network: slower to begin, then faster.
    """

    def __init__(
        self,
        corpus: Corpus,
        runs: np.ndarray,
        recipe: Recipe,
        accelerator: "Accelerator | None" = None,
        *,
        micro_tokens: int = 32_768,
        compile: bool = False,
    ) -> None:
        self.recipe, self.corpus, self.runs = recipe, corpus, runs
        self.accelerator = accelerator or make_accelerator("cpu")
        self.micro_tokens = micro_tokens
        self.is_piece = torch.from_numpy(np.asarray(corpus.token_lengths) > 0)
        self.model = build_model(recipe.architecture, len(self.is_piece), recipe.seed)
        self.start: CorpusStart | None = None
        if recipe.start == "corpus":
            width = recipe.architecture.hidden
            self.start = CorpusStart.count(corpus.ids, runs, len(self.is_piece), width)
            begin_with(self.model, self.start)
        self.model.to(self.accelerator.device).train()
        self.optimizer = _adamw(self.model, recipe)
        network = torch.compile(MaskedLoss(self.model), dynamic=True) if compile else MaskedLoss(self.model)
        self.network = self.accelerator.prepare_model(network)
        self.step_number = 0

    def step(self, planned: Planned) -> torch.Tensor:
        """One step; returns the mean loss in nats per masked token over all processes, a tensor on the device.

        The tensor is not read here, so that a GPU need not wait.
        """
        example = make_example(self.corpus.ids, planned, self.recipe, self.is_piece)
        n_masked = max(1, int(example.selected.sum()))
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        torch.manual_seed(step_seed(self.recipe, planned.step) + rank)  # dropout draws from the global source
        # With fewer windows than processes some compute a window again, for nothing.
        mine = torch.arange(rank, len(planned.windows), world) if rank < len(planned.windows) else torch.tensor([0])
        weight = 1.0 if rank < len(planned.windows) else 0.0
        parts = mine.split(max(1, self.micro_tokens // example.ids.shape[1]))
        total = torch.zeros((), device=self.accelerator.device)
        self.optimizer.zero_grad(set_to_none=True)
        for number, part in enumerate(parts):
            arguments = [None if each is None else each.to(self.accelerator.device) for each in example.rows(part)]
            # Processes exchange gradients once, after the last part.
            waiting = self.accelerator.no_sync(self.network) if number < len(parts) - 1 else nullcontext()
            with waiting:
                loss = self.network(*arguments) * (weight / n_masked)
                # Gradients are averaged over processes, so each counts times their number.
                self.accelerator.backward(loss * world)
            total += loss.detach()
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(planned.seen, self.recipe)
        loss = self.accelerator.reduce(total, "sum")
        self.optimizer.step()
        self.step_number = planned.step + 1
        return loss

    def state(self) -> dict[str, Any]:
        """Everything that a run needs to go on, and what it belongs to."""
        return {
            "step": self.step_number,
            "belongs": self._belongs(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises
        ------
        InputError
            When it belongs to another recipe, genome, held-out sequence or tokenizer; the message names what differs.
        """
        now, then = self._belongs(), state["belongs"]
        changed = [
            f"{key} (was {then.get(key)}, is {value})" if isinstance(value, int | float) else key
            for key, value in now.items()
            if value != then.get(key)
        ]
        if changed:
            raise InputError(
                f"this run was begun with another {', '.join(changed)}; use the old settings, or a new --out"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_number = state["step"]

    def _belongs(self) -> dict[str, Any]:
        genomes = self.corpus.meta["genome"]
        return {
            **self.recipe.to_dict(),
            "tokenizer": self.corpus.tokenizer_hash[:12],
            "genome": [one["sha256"] for one in (genomes if isinstance(genomes, list) else [genomes])],
            "held-out sequence": hashlib.sha256(self.runs.tobytes()).hexdigest(),
        }


def pretrain(
    trainer: Trainer,
    out: Path | str,
    *,
    validate: Callable[[Any], float] | None = None,
    save_minutes: float = 5.0,
    keep: int = 2,
    progress: bool = True,
) -> Any:
    """Train, or go on training, and return the model.

    Parameters
    ----------
    trainer
        What to train on what.
    out
        Folder for ``states/`` (continued from when there are any), ``metrics.jsonl`` (one line per 50 steps: tokens,
        loss, learning rate, tokens per second) and ``tensorboard/``.
    validate
        Loss of a model on sequence kept for this; taken whenever a state is saved, and decides which one is the best.
    save_minutes
        Time between states.
    keep
        Newest states that are kept, besides the best.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    transformers.BertForMaskedLM
        The trained model, in evaluation mode.

    Raises
    ------
    InputError
        When the loss is not finite, or the states in `out` belong to another run.
    """
    accelerator, recipe, out = trainer.accelerator, trainer.recipe, make_folder(out)
    states = States(out / "states", keep)
    found = states.newest(accelerator.device)
    if found is not None:
        trainer.load(found[1])
    begin, tokens = (found[0].step, found[0].tokens) if found else (0, 0)
    main = accelerator.is_main_process
    journal = Journal(out, begin, tokens) if main else None
    if found and main:
        note(f"continuing after step {begin:,}")
    report = Report(journal)
    saved, saved_step = time.monotonic(), begin
    with track(total=recipe.total_tokens, initial=tokens, label="train", unit="tok", unit_scale=True,
               progress=progress and main) as bar:  # fmt: skip
        for planned in plan(trainer.runs, recipe):
            if planned.step < begin:
                continue
            loss = trainer.step(planned)
            tokens = planned.seen + planned.n_tokens
            bar.update(planned.n_tokens)
            report.add(loss, planned)
            if trainer.step_number % _REPORT_EVERY_STEPS == 0:
                bar.set_postfix(loss=f"{report.write(learning_rate_at(planned.seen, recipe)):.3f}")
            if _time_to_save(trainer, time.monotonic() - saved > 60 * save_minutes):
                _save(trainer, states, report, tokens, validate)
                saved, saved_step = time.monotonic(), trainer.step_number
    if trainer.step_number > saved_step:
        _save(trainer, states, report, tokens, validate)
    if journal is not None:
        journal.close()
    return trainer.model.eval()


def _save(
    trainer: Trainer, states: States, report: Report, tokens: int, validate: Callable[[Any], float] | None
) -> None:
    """Save a state of a run that is in order; the main process writes, the others wait."""
    report.check()
    if trainer.accelerator.is_main_process:
        loss = mean_loss(report.since_state)
        if validate is not None:
            trainer.model.eval()
            loss = validate(trainer.model)
            trainer.model.train()
            if report.journal is not None:
                report.journal.write({"step": trainer.step_number, "tokens": tokens, "validation_loss": loss})
        states.save(trainer.state(), trainer.step_number, tokens, loss)
    report.since_state = []
    trainer.accelerator.wait_for_everyone()


def _time_to_save(trainer: Trainer, wish: bool) -> bool:
    """What the main process wishes, for clocks differ; several processes ask now and then only."""
    if trainer.accelerator.num_processes == 1:
        return wish
    if trainer.step_number % _REPORT_EVERY_STEPS:
        return False
    flag = torch.tensor([int(wish)], device=trainer.accelerator.device)
    torch.distributed.broadcast(flag, src=0)
    return bool(flag.item())


def _adamw(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices alone."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.eps,
        fused=True,
    )
