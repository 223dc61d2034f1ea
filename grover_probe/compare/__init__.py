"""Every system on one task, with the same splits, seeds and budget; ``python -m grover_probe.compare``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.compare.result import Comparison


def compare(*arguments: Any, **options: Any) -> "Comparison":
    """Compare systems on a task; see `grover_probe.compare.run.compare`."""
    from grover_probe.compare.run import compare as compare_now

    return compare_now(*arguments, **options)
