"""What one should know about a vocabulary; on the command line ``python -m grover_probe.vocabulary``.

`vocabulary_table` gives one row per token of a genome, `diagnose` numbers on how a tokenizer behaves: whether its
boundaries survive a shift, a substitution or the other strand, and how it breaks motifs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.vocabulary.composition import token_table
    from grover_probe.vocabulary.diagnostics import Diagnostics, diagnose
    from grover_probe.vocabulary.table import Vocabulary, vocabulary_table

__all__ = ["Diagnostics", "Vocabulary", "diagnose", "token_table", "vocabulary_table"]

_HOME = {
    "Diagnostics": "diagnostics",
    "Vocabulary": "table",
    "diagnose": "diagnostics",
    "token_table": "composition",
    "vocabulary_table": "table",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used, so that `--help` need not wait for pandas and numba."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
