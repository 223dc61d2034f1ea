"""Which family a model belongs to, and what is particular to each; the particulars are in one file per family."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grover_probe.bpe.files import TOKENIZER_FILE
from grover_probe.errors import InputError
from grover_probe.models import dnabert2, grover, hyenadna, kmers, nucleotide_transformer
from grover_probe.models.files import ModelFiles
from grover_probe.models.language_model import Reader, read_hidden_states
from grover_probe.models.vocabulary import Vocabulary, read_vocabulary

# Learned positions that are counted from the padding id on, as in RoBERTa.
_POSITIONS_AFTER_PAD = {"roberta", "camembert", "xlm-roberta", "esm", "longformer", "data2vec-text"}


def read_tokenizer_json(files: ModelFiles, config: dict[str, Any]) -> Vocabulary | None:
    """The tokenizer of ``tokenizer.json``; None when the model has no such file."""
    return read_vocabulary(files.path(TOKENIZER_FILE)) if files.has(TOKENIZER_FILE) else None


def positions(config: Any) -> int:
    """Positions that a window can have, from its configuration: special tokens included.

    Raises
    ------
    InputError
        When the configuration does not say.
    """
    found = getattr(config, "max_position_embeddings", None)
    if not isinstance(found, int) or found < 1:
        raise InputError("config.json does not say how long a window can be (max_position_embeddings)")
    return found - (config.pad_token_id + 1 if config.model_type in _POSITIONS_AFTER_PAD else 0)


@dataclass(frozen=True)
class Family:
    """Models that are alike.

    Attributes
    ----------
    name
        What people call it.
    recognises
        Whether a model is one of them, by its files and ``config.json``.
    vocabulary
        Its tokenizer, with the model's ids.
    read
        How hidden states are had.
    positions
        Positions of a window, special tokens included, from the configuration.
    """

    name: str
    recognises: Callable[[ModelFiles, dict[str, Any]], bool]
    vocabulary: Callable[[ModelFiles, dict[str, Any]], Vocabulary | None] = read_tokenizer_json
    read: Reader = read_hidden_states
    positions: Callable[[Any], int] = positions


FAMILIES = (
    Family(grover.NAME, grover.recognises, grover.vocabulary),
    Family(dnabert2.NAME, dnabert2.recognises, read=dnabert2.read),
    Family(nucleotide_transformer.NAME, nucleotide_transformer.recognises, nucleotide_transformer.vocabulary),
    Family(kmers.NAME, kmers.recognises),
    Family(hyenadna.NAME, hyenadna.recognises, hyenadna.vocabulary, read=hyenadna.read, positions=hyenadna.max_tokens),
)
ANY = Family("transformers", lambda files, config: True)


def family_of(files: ModelFiles, config: dict[str, Any]) -> Family:
    """The first family that recognises a model; `ANY` when none does."""
    return next((family for family in FAMILIES if family.recognises(files, config)), ANY)
