"""The tokenizer that goes with a model, from the model's own files."""

from pathlib import Path

from grover_probe.bpe.files import TOKENIZER_FILE
from grover_probe.errors import InputError
from grover_probe.kmer import AnyTokenizer, open_tokenizer
from grover_probe.models.families import family_of
from grover_probe.models.files import model_files
from grover_probe.models.vocabulary import read_vocabulary


def load_tokenizer(model: str | Path, revision: str | None = None) -> AnyTokenizer:
    """Open the tokenizer of a model, or one that stands alone. No code of a model's author is run.

    Parameters
    ----------
    model
        A model folder or hub id; a ``tokenizer.json`` or a folder with one; or a name such as ``6-mer``.
    revision
        Of a hub id, as for `grover_probe.models.load`.

    Returns
    -------
    AnyTokenizer
        In this project's numbers: special tokens 0 to 4, then `pieces`. A model that `grover_probe.models.load` opens
        takes these ids, whatever its own are.

    Raises
    ------
    InputError
        When there is none, or it cannot be used for DNA.
    """
    path = Path(model)
    if path.is_file():
        return read_vocabulary(path).tokenizer
    if path.is_dir() and not (path / "config.json").is_file():
        return read_vocabulary(path / TOKENIZER_FILE).tokenizer
    if not path.is_dir() and "/" not in str(model):
        return open_tokenizer(model)
    files = model_files(model, revision)
    config = files.config()
    vocabulary = family_of(files, config).vocabulary(files, config)
    if vocabulary is None:
        raise InputError(f"{model}: has no {TOKENIZER_FILE}; name the tokenizer that the model was trained with")
    return vocabulary.tokenizer
