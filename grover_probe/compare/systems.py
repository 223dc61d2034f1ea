"""The systems that can be compared, and how a user chooses among them."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grover_probe.errors import InputError

EMBEDDED = "embedded"  # stands for the checkpoint that every installation carries
RANDOM = "random-"  # before the name of a model: its shape and tokenizer with random weights, so what its training gave
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class System:
    """One way to solve a task.

    Attributes
    ----------
    name
        What the user writes and the table says.
    kind
        ``model`` (fine-tuned), ``random`` (the same network from random weights), ``tfidf-kmer``, ``tfidf-token``,
        ``logistic``, ``cnn``, ``motif`` or ``gc``.
    title
        For people.
    model
        Folder or hub id of a model; `EMBEDDED`; None where the user has to name it.
    k
        Bases per word of ``tfidf-kmer``.
    """

    name: str
    kind: str
    title: str
    model: str | None = None
    k: int | None = None

    @property
    def is_network(self) -> bool:
        """Whether it is one of the language models, or the shape of one."""
        return self.kind in ("model", "random")


#: In the order of the table.
SYSTEMS = (
    System("grover", "model", "GROVER as published", "PoetschLab/GROVER"),
    System("embedded", "model", "the embedded checkpoint", EMBEDDED),
    *(System(f"{k}-mer", "model", f"a model of fixed {k}-mers") for k in (4, 5, 6)),
    System("dnabert2", "model", "DNABERT-2", "zhihan1996/DNABERT-2-117M"),
    System("nt-v1", "model", "Nucleotide Transformer v1", "InstaDeepAI/nucleotide-transformer-500m-human-ref"),
    System("nt-v2", "model", "Nucleotide Transformer v2", "InstaDeepAI/nucleotide-transformer-v2-50m-multi-species"),
    System("hyenadna-1k", "model", "HyenaDNA tiny", "LongSafari/hyenadna-tiny-1k-seqlen-hf"),
    System("hyenadna-32k", "model", "HyenaDNA small", "LongSafari/hyenadna-small-32k-seqlen-hf"),
    System("random", "random", "random weights in the shape of a model", EMBEDDED),
    System("cnn", "cnn", "convolutions on one-hot bases"),
    *(System(f"tfidf-{k}mer", "tfidf-kmer", f"TF-IDF of {k}-mers, random forest", k=k) for k in (3, 4, 5, 6)),
    System("tfidf-bpe", "tfidf-token", "TF-IDF of byte-pair tokens, random forest"),
    System("logistic-kmer", "logistic", "logistic regression on k-mers"),
    System("motif-score", "motif", "score of the motif alone"),
    System("gc", "gc", "GC content alone"),
)
GROUPS = {
    "all": lambda system: True,
    "neural": lambda system: system.is_network,
    "simple": lambda system: not system.is_network,
}


def choose_systems(names: str, models: Sequence[str] = ()) -> tuple[System, ...]:
    """Systems from the command line, in the order of the table whatever the order of the words.

    Parameters
    ----------
    names
        Names and groups (``all``, ``neural``, ``simple``), with commas. ``random-NAME`` is the network of the model
        ``NAME`` from random weights.
    models
        ``NAME=FOLDER`` or ``NAME=HUB_ID``: where the model of a system is, or one more system under a new name.

    Raises
    ------
    InputError
        For a name that is not known, given twice or not used.
    """
    known = {system.name: system for system in SYSTEMS}
    given: set[str] = set()
    for text in models:
        name, separator, place = text.partition("=")
        if not (separator and place and _NAME.fullmatch(name)):
            raise InputError(f"--model {text!r}: expected NAME=FOLDER, such as 6-mer=runs/6-mer/checkpoint")
        if name in GROUPS or (name in known and not known[name].is_network):
            raise InputError(f"--model {text!r}: {name!r} takes no model; choose another name")
        if name in given:
            raise InputError(f"--model {name}: given twice")
        given.add(name)
        known[name] = replace(known.get(name, System(name, "model", name)), model=place)
    added = sorted(name for name in given if name not in {system.name for system in SYSTEMS})
    table = [known[system.name] for system in SYSTEMS] + [known[name] for name in added]
    chosen: set[str] = set()
    used: set[str] = set()
    for word in filter(None, (part.strip() for part in names.split(","))):
        if word in GROUPS:
            chosen |= {system.name for system in table if GROUPS[word](system)}
        elif word in known:
            chosen.add(word)
        elif (base := known.get(word.removeprefix(RANDOM))) and base.kind == "model":
            known[word] = System(word, "random", f"random weights in the shape of {base.name}", base.model)
            table.append(known[word])
            chosen.add(word)
            used.add(base.name)
        else:
            raise InputError(f"--systems: {word!r} is not known{_suggest(word, known)}")
    if not chosen:
        raise InputError(f"--systems {names!r}: expected names such as grover,cnn,gc or one of {', '.join(GROUPS)}")
    unused = sorted(given - chosen - used)
    if unused:
        raise InputError(f"--model {unused[0]}: is not among --systems {names}; add it there")
    return tuple(system for system in table if system.name in chosen)


def _suggest(word: str, known: dict[str, System]) -> str:
    close = difflib.get_close_matches(word.lower(), [*known, *GROUPS], n=3, cutoff=0.5)
    return f"; did you mean {', '.join(close)}?" if close else f"; expected some of {', '.join([*GROUPS, *known])}"
