"""What the loop tells of its losses, and where it stops."""

import time

import torch

from grover_probe.errors import InputError
from grover_probe.pretrain.examples import Planned
from grover_probe.pretrain.journal import Journal


class Report:
    """Losses since the last line of the log and since the last state, and the speed.

    Parameters
    ----------
    journal
        Where lines go; None in processes that write nothing.
    """

    def __init__(self, journal: Journal | None) -> None:
        self.journal = journal
        self.since_state: list[torch.Tensor] = []
        self._begin_line()

    def _begin_line(self) -> None:
        self.line: list[tuple[torch.Tensor, Planned]] = []
        self.begun = time.monotonic()

    def add(self, loss: torch.Tensor, planned: Planned) -> None:
        """Note the loss of a step, a tensor that is not read yet."""
        self.line.append((loss, planned))
        self.since_state.append(loss)

    def check(self) -> None:
        """Stop at a loss that is not finite. Reading losses makes a GPU catch up, so this is not done every step."""
        for loss, planned in self.line:
            if not torch.isfinite(loss):
                raise InputError(
                    f"the loss is {loss.item()} at step {planned.step}, windows from token {planned.windows[0, 0]}; "
                    "nothing was saved after it. Try a lower learning rate in a new --out"
                )

    def write(self, learning_rate: float) -> float:
        """Write a line of the log and begin the next; returns the mean loss."""
        self.check()
        loss, last = mean_loss([loss for loss, _ in self.line]), self.line[-1][1]
        tokens = sum(planned.n_tokens for _, planned in self.line)
        if self.journal is not None:
            self.journal.write(
                {
                    "step": last.step + 1,
                    "tokens": last.seen + last.n_tokens,
                    "loss": loss,
                    "window": last.stage.window,
                    "learning_rate": learning_rate,
                    "tokens_per_second": tokens / (time.monotonic() - self.begun),
                }
            )
        self._begin_line()
        return loss


def mean_loss(losses: list[torch.Tensor]) -> float:
    """Mean of losses of steps."""
    return float(torch.stack(losses).double().mean())
