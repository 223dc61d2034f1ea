"""A model with a classification head, its tokenizer, and what it says about sequences."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grover_probe.batches import BERT_SPECIALS, SpecialIds
from grover_probe.command import track
from grover_probe.errors import InputError
from grover_probe.finetune.examples import Windows, average, make_windows, pad
from grover_probe.kmer import AnyTokenizer
from grover_probe.models.custom_code import has_code, require_trust
from grover_probe.models.families import family_of
from grover_probe.models.files import ModelFiles, model_files
from grover_probe.models.folder import describe_model
from grover_probe.models.language_model import call
from grover_probe.models.loading import pick_device, quiet_transformers
from grover_probe.models.tokenizers import load_tokenizer

if TYPE_CHECKING:
    import pandas as pd

_AUTO = "AutoModelForSequenceClassification"
_HEADS = ("classifier", "score", "pooler", "classification_head", "dense")  # what a new head may be called
_BATCH_POSITIONS = 16_384
SETTINGS = "grover_probe"  # in config.json: how examples were made


@dataclass(frozen=True)
class Classifier:
    """A network with a classification head, and how sequences become its input.

    Attributes
    ----------
    network
        Of `transformers`, in evaluation mode.
    tokenizer
        In this project's numbers.
    specials
        What stands around the tokens, in the model's numbers.
    model_ids
        The model's own ids of the tokenizer's; None when they are the same.
    max_tokens
        Longest input in tokens, special ones not counted; None when the model has no limit.
    classes
        Names of the classes.
    source
        Name and hashes of the model.
    settings
        Of a fine-tuned model: ``task``, ``length`` and ``flank`` (bases), ``long``.
    origin
        The folder or hub id it came from.
    """

    network: Any
    tokenizer: AnyTokenizer
    specials: SpecialIds
    model_ids: np.ndarray | None
    max_tokens: int | None
    classes: tuple[str, ...]
    source: dict[str, Any]
    settings: dict[str, Any]
    origin: str = ""

    def __repr__(self) -> str:
        return (
            f"Classifier({self.origin or self.source.get('name')}: {', '.join(self.classes)}, on {self.network.device})"
        )

    def windows(
        self, table: "pd.DataFrame", *, long: Any = "refuse", flank: bool = True, tokens: bool = True
    ) -> Windows:
        """Examples as input of this model; see `grover_probe.finetune.examples.make_windows`."""
        return make_windows(
            table, self.tokenizer, self.max_tokens, long=long, flank=flank, fed_as_tokens=tokens,
            specials=self.specials, model_ids=self.model_ids,
        )  # fmt: skip

    def probabilities(self, windows: Windows, *, label: str = "predict", progress: bool = True) -> np.ndarray:
        """Probability of each class: float64, shape (n_examples, n_classes), rows sum to 1."""
        logits = average(network_logits(self.network, windows, self.specials.pad, label, progress), windows.owner,
                         windows.n_examples)  # fmt: skip
        return softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of rows of logits."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def network_logits(network: Any, windows: Windows, pad_id: int, label: str, progress: bool) -> np.ndarray:
    """Logits of each window: float64, shape (n_windows, n_classes). Windows of similar length share a batch."""
    order = np.argsort(-windows.lengths, kind="stable")
    found = np.zeros((len(windows), network.config.num_labels))
    begin = 0
    network.eval()
    with torch.inference_mode(), track(total=len(order), label=label, unit="seq", progress=progress) as bar:
        while begin < len(order):
            size = max(1, _BATCH_POSITIONS // len(windows.ids[order[begin]]))
            chosen = order[begin : begin + size]
            ids, mask = pad([windows.ids[index] for index in chosen], pad_id)
            output = call(network, ids.to(network.device), mask.to(network.device))
            found[chosen] = output.logits.float().cpu().numpy()
            begin += size
            bar.update(len(chosen))
    return found


def load_classifier(
    model: str | Path,
    classes: tuple[str, ...] | None = None,
    *,
    tokenizer: str | Path | None = None,
    device: str = "auto",
    seed: int = 0,
    random_weights: bool = False,
    trust_remote_code: bool = False,
) -> Classifier:
    """Open a model for classification.

    Parameters
    ----------
    model
        Folder or hub id: a pretrained model, which gets a new head, or one that was fine-tuned.
    classes
        Names of the classes for a new head. None wants a model that has a trained one, as fine-tuning writes it.
    tokenizer
        By default the model's own; a ``tokenizer.json``, its folder, or ``6-mer``.
    device
        ``auto`` takes a GPU when there is one.
    seed
        Decides what is drawn: the new head, and all of the model with `random_weights`.
    random_weights
        Take the shape of the model only (a control).
    trust_remote_code
        Run the code of the model's author if it needs that.

    Raises
    ------
    InputError
        When there is no such model, its weights do not fit, or its tokenizer does not fit it.
    """
    where = pick_device(device)
    files = model_files(model)
    config = files.config()
    source = describe_model(model)
    if has_code(config):
        require_trust(files, config, _AUTO, trust_remote_code, f"of {model}")
    network = _network(files, classes, seed, random_weights, has_code(config))
    if classes is None:
        classes = tuple(str(network.config.id2label[number]) for number in range(network.config.num_labels))
    settings = dict(getattr(network.config, SETTINGS, None) or {})
    family = family_of(files, config)
    vocabulary = family.vocabulary(files, config) if tokenizer is None else None
    chosen = load_tokenizer(tokenizer) if tokenizer is not None else vocabulary.tokenizer if vocabulary else None
    if chosen is None:
        raise InputError(f"{model}: has no tokenizer.json; name the tokenizer that it was trained with by --tokenizer")
    model_ids = None if vocabulary is None or vocabulary.is_ours else vocabulary.model_ids
    specials = BERT_SPECIALS if vocabulary is None else _own_specials(vocabulary.specials, model_ids)
    rows = network.get_input_embeddings().weight.shape[0]
    needed = chosen.n_ids if model_ids is None else int(model_ids.max()) + 1
    if needed > rows:
        raise InputError(
            f"{tokenizer or model}: the tokenizer has ids up to {needed - 1}, but {model} has {rows} embedding rows; "
            "use the tokenizer that the model was trained with"
        )
    try:
        most = family.positions(network.config) - specials.around
    except (InputError, AttributeError, TypeError):
        most = None
    network.config.pad_token_id = specials.pad  # causal heads look for the last token before padding
    return Classifier(
        network.to(where).eval(), chosen, specials, model_ids, most, classes, source, settings, str(model)
    )


def _own_specials(specials: SpecialIds, model_ids: np.ndarray | None) -> SpecialIds:
    """Special tokens in the model's numbers."""
    if model_ids is None:
        return specials

    def own(number: int | None) -> int | None:
        return None if number is None or model_ids[number] < 0 else int(model_ids[number])

    return SpecialIds(own(specials.pad) or 0, own(specials.cls), own(specials.sep), own(specials.mask))


def _network(files: ModelFiles, classes: tuple[str, ...] | None, seed: int, random_weights: bool, coded: bool) -> Any:
    import transformers

    auto = transformers.AutoModelForSequenceClassification
    transformers.set_seed(seed)
    names: dict[str, Any] = {}
    if classes is not None:
        names = {
            "num_labels": len(classes),
            "id2label": dict(enumerate(classes)),
            "label2id": {name: number for number, name in enumerate(classes)},
        }
    try:
        with quiet_transformers():
            if random_weights:
                shape = transformers.AutoConfig.from_pretrained(files.model, trust_remote_code=coded, **names)
                shape.dtype = torch.float32
                return auto.from_config(shape, trust_remote_code=coded)
            network, info = auto.from_pretrained(
                files.model, dtype=torch.float32, trust_remote_code=coded, output_loading_info=True,
                ignore_mismatched_sizes=True, **names,
            )  # fmt: skip
    except pickle.UnpicklingError as error:
        raise InputError(f"{files.model}: the pickled weights hold more than tensors and were not executed") from error
    except Exception as error:  # safetensors, config checks, hub and custom code each raise their own
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"{files.model}: cannot be loaded for classification: {first[:300]}") from error
    _check(files.model, info, new_head=classes is not None)
    return network


def _check(model: str, info: dict[str, Any], new_head: bool) -> None:
    """Refuse weights that leave anything random but a new head."""
    for name, found, expected in sorted(info["mismatched_keys"]):
        if not (new_head and _is_head(name)):
            raise InputError(
                f"{model}: the weights do not fit config.json: {name} has shape {tuple(found)}, "
                f"expected {tuple(expected)}"
            )
    missing = sorted(key for key in info["missing_keys"] if not (new_head and _is_head(key)))
    if missing and not new_head and all(_is_head(key) for key in missing):
        raise InputError(f"{model}: has no trained classification head; fine-tune it first (grover-probe finetune)")
    if missing:
        raise InputError(
            f"{model}: the weights do not fit config.json: {len(missing)} tensors are missing, first {missing[0]}"
        )


def _is_head(key: str) -> bool:
    return any(part in _HEADS for part in key.split(".")[:2])


def head_parameters(network: Any) -> list[tuple[str, Any]]:
    """Names and tensors of the head: the classifier and the pooler before it, which pretraining leaves untrained."""
    return [(name, tensor) for name, tensor in network.named_parameters() if _is_head(name)]
