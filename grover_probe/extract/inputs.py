"""What a command was given: files of the user or the embedded sample, and their content for the record."""

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.extract.reducers import Reducer
    from grover_probe.genome import Genome

_CORPUS = "corpus.json"


def describe_inputs(model: str, tokenizer: str | Path, **files: Path | None) -> dict[str, Any]:
    """Content of model, tokenizer and input files, by hash: what decides whether an earlier result is still right.

    Parameters
    ----------
    model, tokenizer
        Folder or hub id each; the tokenizer also a file or a name such as ``6-mer``.
    files
        By option name; those that are None are left out. A corpus folder counts as a file.

    Raises
    ------
    InputError
        When one is not there.
    """
    from grover_probe.models.folder import describe_model
    from grover_probe.provenance import describe_file

    path = Path(tokenizer)
    path = path / "tokenizer.json" if path.is_dir() else path
    found: dict[str, Any] = {"model": describe_model(model)}
    for name, file in files.items():
        if file is None:
            continue
        inside = file / _CORPUS
        if not (file.is_file() or inside.is_file()):
            raise InputError(f"{file}: no such file for --{name.replace('_', '-')}")
        found[name] = describe_file(file if file.is_file() else inside)
    return found | {"tokenizer": describe_file(path) if path.is_file() else {"name": str(tokenizer)}}


def open_sequences(path: Path, tokenizer: Any) -> "tuple[Genome, Corpus | None]":
    """A genome file, or a corpus folder (`grover_probe.bpe encode`) with the names of its sequences.

    Raises
    ------
    InputError
        When it is neither, or the corpus was made with another tokenizer.
    """
    from grover_probe.corpus_files import open_corpus
    from grover_probe.extract.strands import CorpusNames
    from grover_probe.genome import open_genome

    if not (path / _CORPUS).is_file():
        return open_genome(path), None
    corpus = open_corpus(path, tokenizer)
    return CorpusNames(path, corpus.chroms), corpus


def find_reducer(name: str) -> "tuple[type[Reducer], str | None]":
    """A reducer's class by its name, or by ``module:Class``, with the hash of that module's file.

    Raises
    ------
    InputError
        When there is no such reducer.
    """
    from grover_probe.extract.reducers import REDUCERS, Reducer

    module, colon, kind = name.partition(":")
    if not colon:
        try:
            return REDUCERS[name], None
        except KeyError:
            raise InputError(
                f"--reducers: no reducer {name!r}; expected some of {', '.join(REDUCERS)}, or your own as module:Class"
            ) from None
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, kind)
    except (ImportError, AttributeError) as error:
        raise InputError(f"--reducers {name}: cannot be imported ({error}); is its folder in PYTHONPATH?") from error
    if not (isinstance(found, type) and issubclass(found, Reducer) and found.name):
        raise InputError(f"--reducers {name}: expected a subclass of grover_probe.extract.reducers.Reducer with a name")
    return found, hashlib.sha256(Path(str(loaded.__file__)).read_bytes()).hexdigest()
