"""A fine-tuned model as a folder that `AutoModelForSequenceClassification` and `AutoTokenizer` load."""

import shutil
from pathlib import Path
from typing import Any

from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.files import atomic_path
from grover_probe.finetune.classifier import SETTINGS, Classifier
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.files import model_files
from grover_probe.models.kmers import save_kmer_tokenizer
from grover_probe.models.loading import quiet_transformers

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def save_model(classifier: Classifier, folder: Path, described: dict[str, Any]) -> None:
    """Write ``config.json``, ``model.safetensors`` (fp32) and the tokenizer's files.

    Parameters
    ----------
    classifier
        The model.
    folder
        An earlier one is replaced once the new one is complete.
    described
        How examples are made, kept in ``config.json`` under ``grover_probe``.
    """
    setattr(classifier.network.config, SETTINGS, described)
    with atomic_path(folder) as temporary:
        with quiet_transformers():
            classifier.network.save_pretrained(temporary)
        for weights in temporary.glob("*.safetensors"):
            weights.chmod(0o644)  # safetensors makes it readable by its owner only
        tokenizer = classifier.tokenizer
        if classifier.model_ids is not None:
            _copy_tokenizer(classifier, temporary)
        elif isinstance(tokenizer, BPETokenizer):
            save_tokenizer(tokenizer, temporary)
        elif isinstance(tokenizer, KmerTokenizer):
            save_kmer_tokenizer(tokenizer, temporary)
        else:
            _copy_tokenizer(classifier, temporary)


def _copy_tokenizer(classifier: Classifier, folder: Path) -> None:
    """A tokenizer with numbers of its own stays as its author wrote it."""
    files = model_files(classifier.origin)
    for name in _TOKENIZER_FILES:
        if files.has(name):
            shutil.copyfile(files.path(name), folder / name)
