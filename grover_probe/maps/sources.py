"""Where the vectors of a token map come from: a pass, other passes, and the controls of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.errors import InputError
from grover_probe.extract.layers import parse_layers
from grover_probe.extract.results import RECORD, PassResult, open_pass
from grover_probe.provenance import describe_file
from grover_probe.windows import MAX_WINDOW_TOKENS, fixed_windows

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.models.loading import LanguageModel

CONTROL_TOKENS = 500_000


@dataclass(frozen=True)
class Controls:
    """What to hold beside the layers of a pass.

    Attributes
    ----------
    model
        Folder or hub id: its input embeddings, and with a genome a randomly initialised model of its shape.
    initial
        Folder of its untrained start. That of the model (``initial/``) when None and there is one.
    genome, tokenizer, regions
        The tokens that these models and Word2Vec read; the tokenizer is the model's when None.
    compare
        ``NAME=FOLDER`` of further passes.
    word2vec, word2vec_epochs
        Whether to train Word2Vec, and for how long.
    n_tokens
        Tokens that the untrained models read, spread over the corpus.
    seed
        Of random weights and of Word2Vec.
    device, batch_size, progress
        Where and how the untrained models run; progress bars on stderr.
    """

    model: str | None = None
    initial: Path | None = None
    genome: Path | None = None
    tokenizer: Path | None = None
    regions: Path | None = None
    compare: tuple[str, ...] = ()
    word2vec: bool = False
    word2vec_epochs: int = 5
    n_tokens: int = CONTROL_TOKENS
    seed: int = 0
    device: str = "auto"
    batch_size: int = 8
    progress: bool = True


def describe_pass(found: PassResult) -> dict[str, Any]:
    """What a pass was made from, for the record of a result."""
    return {"record": describe_file(found.folder / RECORD), "model": found.record.get("model")}


def describe_genome(genome: Path, found: PassResult) -> dict[str, Any]:
    """Name and hash of a sequence file.

    Raises
    ------
    InputError
        When the pass read another one.
    """
    if not genome.is_file():
        raise InputError(f"{genome}: no such file; expected the FASTA or 2bit that the pass read")
    described = describe_file(genome)
    read = found.record.get("inputs", {}).get("genome", {})
    tokenised = read.get("name") == "corpus.json"  # of what, its own record says
    if not tokenised and read.get("sha256", described["sha256"]) != described["sha256"]:
        raise InputError(f"{genome}: not the sequence that the pass read, which was {read.get('name')}")
    return described


def pick_layers(text: str, found: PassResult) -> list[int]:
    """Layers of a pass from ``last``, ``all``, or text such as ``embedding,2-4``, the last one first.

    Raises
    ------
    InputError
        When the pass did not keep one.
    """
    if text == "all":
        return list(found.layers)[::-1]
    wanted = parse_layers(text, found.layers[-1] + 1)
    for layer in wanted:
        found.token_means(layer)
    return list(wanted)[::-1]


def gather_spaces(
    found: PassResult,
    layers: Sequence[int],
    controls: Controls,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Token vectors of each space by its name, and a description of what they were made from.

    The first of `layers` leads: of it the controls are made.

    Raises
    ------
    InputError
        When a control lacks what it needs, or its tokens are not those of the pass.
    """
    spaces = {f"layer {layer}": found.token_means(layer) for layer in layers}
    described: dict[str, Any] = {"pass": describe_pass(found)}
    others = [_other_pass(text, found) for text in controls.compare]  # cheap, and may fail: before any training
    corpus, runs = _read_corpus(controls, found, described)
    _add_models(spaces, described, layers[0], controls, corpus, runs, found)
    if controls.word2vec:
        from grover_probe.baselines.word2vec import train_word2vec

        assert corpus is not None
        spaces["word2vec"] = train_word2vec(
            corpus, fixed_windows(runs), epochs=controls.word2vec_epochs, seed=controls.seed, progress=controls.progress
        )
    for name, other in others:
        spaces[f"{name} layer {layers[0]}"] = other.token_means(layers[0])
        described[f"pass {name}"] = describe_pass(other)
    return spaces, described


def _other_pass(text: str, found: PassResult) -> tuple[str, PassResult]:
    name, equals, folder = text.partition("=")
    if not equals or not name or not folder:
        raise InputError(f"--compare {text}: expected NAME=FOLDER of a pass")
    other = open_pass(folder)
    if other.pieces != found.pieces:
        raise InputError(
            f"--compare {text}: its tokens are not those of {found.folder}; compare passes of one tokenizer"
        )
    return name, other


def _read_corpus(
    controls: Controls, found: PassResult, described: dict[str, Any]
) -> "tuple[Corpus | None, np.ndarray]":
    """The tokens that control models read, and their runs; nothing when there is no genome."""
    if controls.genome is None:
        needs = [name for name, given in (("--word2vec", controls.word2vec), ("--initial", controls.initial)) if given]
        if needs:
            raise InputError(
                f"{needs[0]} needs the sequence of the pass: --genome FASTA (and --regions, if it had any)"
            )
        return None, np.empty((0, 2), dtype=np.int64)
    source = controls.tokenizer or controls.model or controls.initial
    if source is None:
        raise InputError("--genome needs a tokenizer: give --tokenizer, or --model with one in its folder")
    from grover_probe.genome import open_genome
    from grover_probe.inputs import open_tokenizer_of, read_regions, tokenize_regions

    tokenizer = open_tokenizer_of(str(source))
    pieces = [""] * (tokenizer.n_ids - len(tokenizer.pieces)) + list(tokenizer.pieces)
    if pieces != found.pieces[: len(pieces)] or any(found.pieces[len(pieces) :]):
        raise InputError(f"{source}: its tokens are not those of the pass {found.folder}; give the pass's tokenizer")
    described["genome"] = describe_genome(controls.genome, found)
    genome = open_genome(controls.genome)
    inside = read_regions(controls.regions, genome)
    corpus, runs = tokenize_regions(genome, tokenizer, inside, progress=controls.progress)
    described["tokenizer"] = {"hash": tokenizer.hash}
    if controls.regions is not None:
        described["regions"] = describe_file(controls.regions)
    return corpus, runs


def _add_models(
    spaces: dict[str, np.ndarray],
    described: dict[str, Any],
    layer: int,
    controls: Controls,
    corpus: "Corpus | None",
    runs: np.ndarray,
    found: PassResult,
) -> None:
    """Input embeddings of the model, and averages of its untrained start and of a randomly initialised one."""
    if controls.model is None and controls.initial is None:
        return
    from grover_probe import models
    from grover_probe.maps.controls import contextual_means, input_embeddings, spread_windows, untrained

    readers = {}
    if controls.model is not None:
        model = models.load(controls.model, device=controls.device)
        if model.n_ids != found.n_ids or model.width != found.width:
            raise InputError(f"{controls.model}: not the shape of the model of {found.folder}; give the pass's model")
        spaces["input embeddings"] = input_embeddings(model)
        described["model"] = model.source
        readers["random"] = untrained(model, controls.seed)
    if corpus is None:
        return
    start = _untrained_start(controls)
    if start is not None:
        readers["initial"] = start
        described["initial"] = start.source
    for name, reader in readers.items():
        if layer >= reader.n_layers:
            raise InputError(f"the {name} model has layers 0 to {reader.n_layers - 1}, not {layer}")
        length = min(MAX_WINDOW_TOKENS, reader.max_tokens)  # as in a pass
        windows = spread_windows(fixed_windows(runs, length), controls.n_tokens)
        means = contextual_means(
            reader, corpus, windows, [layer], batch_size=controls.batch_size, progress=controls.progress
        )
        spaces[f"{name} layer {layer}"] = means[0]


def _untrained_start(controls: Controls) -> "LanguageModel | None":
    """The folder that was named, the model's ``initial/``, or what its ``recipe.json`` says; None without any."""
    from grover_probe import models
    from grover_probe.maps.controls import untrained_start

    model = Path(controls.model or "")
    beside = model / "initial" if controls.model and (model / "initial").is_dir() else None
    if folder := controls.initial or beside:
        return models.load(folder, device=controls.device)
    if controls.model and (model / "recipe.json").is_file():
        return untrained_start(model, controls.device)
    return None
