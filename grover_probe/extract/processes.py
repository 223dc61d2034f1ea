"""The processes that share a pass: one, or those that torchrun started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grover_probe.errors import InputError

_PATIENCE = timedelta(days=7)  # a process that is done waits for the others


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is.

    Attributes
    ----------
    rank, n
        Number of this process, and how many there are.
    local
        Its number on this machine, which picks its GPU.
    """

    rank: int = 0
    n: int = 1
    local: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes results and talks to the user."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.n > 1:
            import torch.distributed

            with _or_say_who_failed():
                torch.distributed.barrier()

    def tell(self, value: Any) -> Any:
        """The first process's value, in every process."""
        if self.n == 1:
            return value
        import torch.distributed

        box = [value]
        with _or_say_who_failed():
            torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def pick_device(self, device: str) -> str:
        """A GPU of its own for each process on a machine, when the user leaves the choice to us."""
        import torch

        if device == "auto" and self.n > 1 and torch.cuda.is_available():
            return f"cuda:{self.local % torch.cuda.device_count()}"
        return device


@contextmanager
def _or_say_who_failed() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise InputError(
            "stopped, because another process of this pass has failed; its own message says why"
        ) from error


@contextmanager
def join_processes() -> Iterator[Processes]:
    """Find the other processes by the environment that torchrun sets.

    States meet as files in the output folder, so that the processes only ever wait for each other: gloo does that on
    any machine, with GPUs or without.
    """
    n = int(os.environ.get("WORLD_SIZE", "1"))
    if n == 1:
        yield Processes()
        return
    import torch.distributed

    torch.distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield Processes(torch.distributed.get_rank(), n, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        torch.distributed.destroy_process_group()
