"""Fine-tuning a whole model, or what it is read by, for one k: a plain loop that can be stopped and goes on."""

import copy
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grover_probe.command import track
from grover_probe.errors import InputError
from grover_probe.files import atomic_path
from grover_probe.models.language_model import LanguageModel
from grover_probe.nextkmer.heads import new_linear
from grover_probe.nextkmer.reading import Inputs, read_states
from grover_probe.nextkmer.scores import Outcome

SAVE_SECONDS = 300.0


@dataclass(frozen=True)
class Rates:
    """How a model is fine-tuned.

    Attributes
    ----------
    epochs
        Passes over the examples; the one that predicts the choosing examples best (log loss) is kept.
    learning_rate
        Of AdamW at its highest: a tenth of the steps lead up to it, then it falls linearly to 0.
    batch_size
        Sequences per step.
    weight_decay
        Of AdamW.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    weight_decay: float = 0.01


class Tuned:
    """A model with a head for one k, while it learns and afterwards.

    Parameters
    ----------
    model
        Its network is changed.
    labels
        Classes of the examples to learn from, for the first bias of the head.
    n_classes
        4^k.
    rates, seed
        How.
    """

    def __init__(self, model: LanguageModel, labels: np.ndarray, n_classes: int, rates: Rates, seed: int) -> None:
        self.model, self.rates, self.seed = model, rates, seed
        self.head = new_linear(model.width, labels, n_classes).to(model.device)
        weights = [*model.network.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.AdamW(weights, lr=rates.learning_rate, weight_decay=rates.weight_decay)
        self.epoch, self.step, self.chosen = 0, 0, 0
        self.best_loss, self.best = float("inf"), self._weights()

    def fit(
        self,
        inputs: Inputs,
        labels: np.ndarray,
        learn: np.ndarray,
        choose: np.ndarray,
        *,
        state: Path | None = None,
        key: str = "",
        save_seconds: float = SAVE_SECONDS,
        progress: bool = True,
    ) -> "Tuned":
        """Learn, or go on from a saved state.

        Parameters
        ----------
        inputs, labels
            All training examples.
        learn, choose
            Rows to learn from and rows to choose the epoch by.
        state, key
            File for the state every few minutes, and what it belongs to; a state of something else is passed over.
        save_seconds
            Time between states.
        progress
            Show a progress bar on stderr.

        Raises
        ------
        InputError
            When the loss is not a number.
        """
        self._resume(state, key)
        per_epoch = -(-len(learn) // self.rates.batch_size)
        total, saved = per_epoch * self.rates.epochs, time.monotonic()
        with track(total=total, initial=self.epoch * per_epoch + self.step, label="fine-tune", unit="step",
                   progress=progress) as bar:  # fmt: skip
            while self.epoch < self.rates.epochs:
                order = np.random.default_rng((self.seed, self.epoch)).permutation(learn)
                while self.step < per_epoch:
                    begin = self.step * self.rates.batch_size
                    rows = order[begin : begin + self.rates.batch_size]
                    self._learn(inputs, labels, rows, self.epoch * per_epoch + self.step, total)
                    self.step += 1
                    bar.update(1)
                    if state is not None and time.monotonic() - saved >= save_seconds:
                        self._save(state, key)
                        saved = time.monotonic()
                self.epoch, self.step = self.epoch + 1, 0
                loss = float(self.outcome(inputs.rows(choose), labels[choose]).bits.mean())
                if loss < self.best_loss:
                    self.best_loss, self.chosen, self.best = loss, self.epoch, self._weights()
        self.model.network.load_state_dict(self.best["network"])
        self.head.load_state_dict(self.best["head"])
        return self

    def _learn(self, inputs: Inputs, labels: np.ndarray, rows: np.ndarray, number: int, total: int) -> None:
        """One step."""
        self.model.network.train()
        torch.manual_seed(self.seed * 1_000_003 + number)  # dropout draws from the global source
        warm = max(1, total // 10)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rates.learning_rate * min((number + 1) / warm, (total - number) / max(1, total - warm))
        target = torch.from_numpy(labels[rows]).to(self.model.device)
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(self.head(read_states(self.model, inputs, rows).float()), target)
        if not torch.isfinite(loss):
            raise InputError(
                f"the loss is not a number; choose a smaller --learning-rate than {self.rates.learning_rate:g}"
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.network.parameters(), 1.0)
        self.optimizer.step()

    def outcome(self, inputs: Inputs, labels: np.ndarray) -> Outcome:
        """What the model says about examples."""
        self.model.network.eval()
        batches, parts = inputs.by_length(), []
        with torch.inference_mode():
            for rows in batches:
                probabilities = torch.softmax(self.head(read_states(self.model, inputs, rows).float()), dim=1)
                parts.append(Outcome.of(probabilities.cpu().numpy(), labels[rows]))
        joined, order = Outcome.joined(parts), np.argsort(np.concatenate(batches), kind="stable")
        return Outcome(joined.true[order], joined.called[order], joined.rank[order], joined.bits[order])

    def _weights(self) -> dict[str, Any]:
        return copy.deepcopy({"network": self.model.network.state_dict(), "head": self.head.state_dict()})

    def _save(self, path: Path, key: str) -> None:
        content = {
            "key": key, "epoch": self.epoch, "step": self.step, "chosen": self.chosen, "best_loss": self.best_loss,
            "best": self.best, "now": self._weights(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def _resume(self, path: Path | None, key: str) -> None:
        if path is None or not path.is_file():
            return
        try:
            content = torch.load(path, map_location=self.model.device, weights_only=True)
            if content["key"] != key:
                return
        except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError):
            return  # damaged: begin anew
        self.model.network.load_state_dict(content["now"]["network"])
        self.head.load_state_dict(content["now"]["head"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.epoch, self.step, self.chosen = content["epoch"], content["step"], content["chosen"]
        self.best_loss, self.best = content["best_loss"], content["best"]
