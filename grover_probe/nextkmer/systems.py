"""What can be asked for next k-mers: names, and what each is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grover_probe.errors import InputError

BASELINES = ("majority", "markov", "markov-sequences", "tfidf")
_TRAINED = re.compile(r"bpe-?(\d+)|(\d)-?mers?", re.IGNORECASE)
MOST_CYCLES = 60_000
Kind = Literal["bpe", "kmer", "model", "baseline"]


@dataclass(frozen=True)
class System:
    """One thing to be compared.

    Attributes
    ----------
    name
        As in tables.
    kind
        ``bpe`` and ``kmer`` models are trained here; ``model`` is one that exists.
    size
        Cycles of byte-pair encoding, or bases of a fixed k-mer; 0 for others.
    model
        Folder or hub id of an existing model.
    seed
        Of the training of a model; added to the recipe's.
    """

    name: str
    kind: Kind
    size: int = 0
    model: str = ""
    seed: int = 0

    @property
    def is_trained(self) -> bool:
        """Whether its model is trained here."""
        return self.kind in ("bpe", "kmer")

    @property
    def label(self) -> str:
        """Its name in file names."""
        safe = re.sub(r"[^A-Za-z0-9.-]+", "_", self.name)
        return f"{safe}-seed{self.seed}" if self.is_trained else safe


def parse_system(text: str, seed: int = 0) -> System:
    """A system from its name on the command line.

    Parameters
    ----------
    text
        ``bpe-600``, ``4-mer``, one of `BASELINES`, a model's folder or hub id, or NAME=MODEL.
    seed
        For models that are trained.

    Raises
    ------
    InputError
        When the numbers are out of range.
    """
    if text in BASELINES:
        return System(text, "baseline")
    found = _TRAINED.fullmatch(text)
    if found and found[1]:
        cycles = int(found[1])
        if not 1 <= cycles <= MOST_CYCLES:
            raise InputError(f"{text}: expected 1 to {MOST_CYCLES:,} cycles of byte-pair encoding")
        return System(f"bpe-{cycles}", "bpe", cycles, seed=seed)
    if found:
        return System(f"{found[2]}-mer", "kmer", int(found[2]), seed=seed)
    name, equals, model = text.partition("=")
    if equals and not (name and model):
        raise InputError(f"{text}: expected NAME=MODEL")
    model = model or name
    return System(name if equals else model.rstrip("/").rpartition("/")[2], "model", model=model)


def sweep_systems(
    cycles: Sequence[int], kmers: Sequence[int], baselines: Sequence[str], models: Sequence[str], seeds: Sequence[int]
) -> list[System]:
    """The systems of a sweep, cheap ones first.

    Raises
    ------
    InputError
        When a baseline is unknown, or two systems have one name.
    """
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise InputError(f"baseline {unknown[0]!r}: expected some of {', '.join(BASELINES)}")
    given = [*baselines, *models]
    found = [parse_system(text) for text in given]
    for seed in seeds:
        found += [parse_system(f"bpe-{number}", seed) for number in cycles]
        found += [parse_system(f"{number}-mer", seed) for number in kmers]
    labels = [system.label for system in found]
    double = next((label for label in labels if labels.count(label) > 1), None)
    if double:
        raise InputError(f"{double} is given twice; call models NAME=MODEL")
    if not found:
        raise InputError("nothing to compare: give --cycles, --kmers, --models or --baselines")
    return found
