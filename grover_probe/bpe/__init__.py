"""Byte-pair encoding of DNA: exact training at genome scale, exact encoding in linear time.

>>> from grover_probe.bpe import BPETokenizer
>>> from grover_probe.bpe.train import train
>>> tokenizer = BPETokenizer(train([codes], 600))  # doctest: +SKIP
>>> tokenizer.encode(codes).ids  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grover_probe.bpe.encode import BPETokenizer, Encoding
    from grover_probe.bpe.files import load_tokenizer, save_tokenizer
    from grover_probe.bpe.merges import Merges

__all__ = ["BPETokenizer", "Encoding", "Merges", "load_tokenizer", "save_tokenizer"]

_HOME = {
    "BPETokenizer": "encode",
    "Encoding": "encode",
    "Merges": "merges",
    "load_tokenizer": "files",
    "save_tokenizer": "files",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used, so that `--help` need not wait for numba."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
