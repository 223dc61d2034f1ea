"""Figure 1: byte-pair encoding of an example, the model, and the lengths of a genome's tokens."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.errors import InputError
from grover_probe.figures import paper
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.encoding_steps import EXAMPLE_BASES, example_of_sample
from grover_probe.figures.results import Results
from grover_probe.plotting.bpe import plot_length_shares, plot_steps
from grover_probe.plotting.model import plot_architecture, plot_shape_table
from grover_probe.plotting.style import STYLE, title_panel

if TYPE_CHECKING:
    import pandas as pd

_KEYS = {
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "width": "hidden_size",
    "feed-forward": "intermediate_size",
    "positions": "max_position_embeddings",
    "vocabulary": "vocab_size",
}


def draw(results: Results) -> Drawn:
    """Draw it.

    Raises
    ------
    InputError
        When the vocabulary has no merges, or a configuration lacks what is drawn.
    """
    vocabulary = results.table("vocabulary/vocabulary.parquet")
    steps, place = example_of_sample(vocabulary)
    shape, model = model_shape(_model_folder(results))
    lengths = length_shares(vocabulary)
    mean = float((lengths["length"] * lengths["share"]).sum())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=[1.1, 1])
        axes = [parts[0].subplots(), *parts[1].subplots(1, 3, width_ratios=[3, 1.6, 2.2])]
        plot_steps(steps, axes[0])
        plot_architecture(dict(zip(shape["number"], shape["model"], strict=True)), _last_tokens(steps), axes[1])
        plot_shape_table(shape, axes[2])
        plot_length_shares(lengths, mean, paper.MEAN_TOKEN_LENGTH, axes[3])
        title_panel(axes[0], "a", f"byte-pair encoding of {place} (hg19)")
        title_panel(axes[1], "b", "the model")
        title_panel(axes[3], "c")
    merges = int(vocabulary["merge_rank"].max())
    caption = (
        f"(a) Byte-pair encoding of {EXAMPLE_BASES} bases of {place} (hg19), tokenised by themselves: the first merges "
        f"of the tokenizer one by one, then all {merges}; boxes are tokens, each with its own colour, bases white. "
        f"(b) The model ({model}), drawn from its config.json, with the shape of the paper's model beside it. "
        f"(c) Lengths of the {lengths['occurrences'].sum():,} tokens of the tokenised genome; mean {mean:.2f} bases, "
        f"in the paper {paper.MEAN_TOKEN_LENGTH} (hg19)."
    )
    return Drawn(figure, {"a_steps": steps, "b_model": shape, "c_lengths": lengths}, caption)


def length_shares(vocabulary: "pd.DataFrame") -> "pd.DataFrame":
    """Occurrences by length of the token: ``length``, ``tokens`` (different ones), ``occurrences``, ``share``."""
    used = vocabulary[vocabulary["emitted"]]
    found = used.groupby("length")["count"].agg(tokens="size", occurrences="sum").reset_index()
    return found.assign(share=found["occurrences"] / found["occurrences"].sum())


def model_shape(folder: Path) -> "tuple[pd.DataFrame, str]":
    """Numbers of a model folder beside the paper's: ``number``, ``model``, ``paper``; and its kind of network."""
    import json

    import pandas as pd

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    absent = [key for key in _KEYS.values() if key not in config]
    if absent:
        raise InputError(f"{folder}/config.json: has no {absent[0]}; figure 1 draws an encoder that says it")
    numbers: dict[str, Any] = {name: config[key] for name, key in _KEYS.items()}
    numbers["parameters"] = _parameters(folder)
    rows = [{"number": name, "model": value, "paper": paper.SHAPE[name]} for name, value in numbers.items()]
    # A number that is not known would make fractions of all.
    return pd.DataFrame(rows).astype(
        {"model": "Int64"}
    ), f"{config.get('model_type', 'encoder').upper()}, {config.get('hidden_act', '?')}"


def _model_folder(results: Results) -> Path:
    """A model of the checkpoint's shape: its random control, which the results hold; else the embedded checkpoint."""
    from grover_probe.data.sample import CHECKPOINT, sample_path

    for name in ("random", "initial"):
        if results.has(f"{name}/config.json"):
            return results.folder / name
    return sample_path(CHECKPOINT)


def _parameters(folder: Path) -> int | None:
    """Numbers in model.safetensors, tied ones once; None for a model without this file."""
    from safetensors import safe_open

    path = folder / "model.safetensors"
    if not path.is_file():
        return None
    with safe_open(path, "numpy") as weights:
        return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118


def _last_tokens(steps: "pd.DataFrame", most: int = 5) -> list[str]:
    """Tokens of the finished encoding for the drawing of the model."""
    return list(steps.loc[steps["step"] == steps["step"].max(), "token"])[:most]
