"""What only a pass reads: a corpus in place of a genome, and reducers by name."""

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError
from grover_probe.inputs import is_corpus

if TYPE_CHECKING:
    from grover_probe.corpus import Corpus
    from grover_probe.extract.reducers import Reducer
    from grover_probe.genome import Genome


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

    if not is_corpus(path):
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
