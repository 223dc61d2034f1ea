"""What a model was before training: the control that every analysis of it needs.

A checkpoint keeps how it began (recipe, seed, and what came from the corpus) instead of a second copy of its weights.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.files import atomic_path
from grover_probe.pretrain.initialise import CorpusStart, begin_with
from grover_probe.pretrain.model import build_model
from grover_probe.pretrain.recipe import Recipe

RECIPE, START = "recipe.json", "start.safetensors"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def write_start(folder: Path, recipe: Recipe, n_ids: int, start: CorpusStart | None) -> None:
    """Write how a model begins into the folder of its checkpoint: ``recipe.json`` and ``start.safetensors``."""
    if start is not None:
        half = CorpusStart(start.vectors.half(), start.bias.half())
        save_file({"vectors": half.vectors, "bias": half.bias}, folder / START)
        (folder / START).chmod(0o644)
        start = CorpusStart(half.vectors.float(), half.bias.float())
    record = {"recipe": recipe.to_dict(), "n_ids": n_ids, "start_sha256": _hash(_build(recipe, n_ids, start))}
    (folder / RECIPE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def untrained_start(checkpoint: Path | str) -> Any:
    """The model as it was before its first step.

    Parameters
    ----------
    checkpoint
        Folder that `grover_probe.pretrain` wrote.

    Returns
    -------
    transformers.BertForMaskedLM
        Its embeddings and bias come from half precision.

    Raises
    ------
    InputError
        When the folder does not say how the model began.
    """
    folder = Path(checkpoint)
    try:
        record = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        recipe, n_ids, expected = Recipe.from_dict(record["recipe"]), record["n_ids"], record["start_sha256"]
        start = None
        if recipe.start == "corpus":
            start = CorpusStart(**{name: tensor.float() for name, tensor in load_file(folder / START).items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: does not say how the model began ({RECIPE}, {START}); only checkpoints of this package do. "
            "Use a random start as the control"
        ) from error
    model = _build(recipe, n_ids, start)
    if _hash(model) != expected:
        note("the random weights of this start differ from the original ones: another release of torch made them")
    return model.eval()


def random_start(checkpoint: Path | str, seed: int) -> Any:
    """A model of the same shape with random weights, for any masked model that `transformers` builds by itself."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    from grover_probe.models.loading import quiet_transformers

    torch.manual_seed(seed)
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(str(checkpoint), trust_remote_code=False)
            return AutoModelForMaskedLM.from_config(config, dtype=torch.float32, trust_remote_code=False).eval()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{checkpoint}: no masked language model can be built from its config.json ({error})"
        ) from error


def save_untrained(model: Any, checkpoint: Path | str, out: Path | str) -> Path:
    """Write a model folder with the tokenizer of the checkpoint that it is a control for."""
    from grover_probe.models.loading import quiet_transformers

    with atomic_path(out) as temporary:
        with quiet_transformers():
            model.save_pretrained(temporary)
        for name in TOKENIZER_FILES:
            if (Path(checkpoint) / name).is_file():
                shutil.copyfile(Path(checkpoint) / name, temporary / name)
    return Path(out)


def _build(recipe: Recipe, n_ids: int, start: CorpusStart | None) -> Any:
    model = build_model(recipe.architecture, n_ids, recipe.seed)
    if start is not None:
        begin_with(model, start)
    return model


def _hash(model: Any) -> str:
    """Of the weights in half precision, in which the last bit of a sine does not matter."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
    return found.hexdigest()
