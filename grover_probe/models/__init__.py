"""DNA language models behind one small interface (`LanguageModel`); `load` opens a folder or a hub id."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.models.loading import LanguageModel


def load(model: str | Path, **options: Any) -> "LanguageModel":
    """Load a masked language model; see `grover_probe.models.loading.load`."""
    from grover_probe.models.loading import load as load_now

    return load_now(model, **options)
