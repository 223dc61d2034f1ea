"""DNA language models behind one small interface (`LanguageModel`); `load` opens a folder or a hub id.

`load_tokenizer` gives the tokenizer that goes with a model, whatever its files look like.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.kmer import AnyTokenizer
    from grover_probe.models.loading import LanguageModel


def load(model: str | Path, **options: Any) -> "LanguageModel":
    """Load a masked or causal language model; see `grover_probe.models.loading.load`."""
    from grover_probe.models.loading import load as load_now

    return load_now(model, **options)


def load_tokenizer(model: str | Path, revision: str | None = None) -> "AnyTokenizer":
    """The tokenizer of a model, or one by itself; see `grover_probe.models.tokenizers.load_tokenizer`."""
    from grover_probe.models.tokenizers import load_tokenizer as load_now

    return load_now(model, revision)
