"""Panels of byte-pair encoding: an example step by step, lengths of tokens."""

from typing import TYPE_CHECKING, Any

from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle

from grover_probe.plotting.style import BLUE, CLASS_COLOURS, GREY, RED, note_n

if TYPE_CHECKING:
    import pandas as pd

_TINTS = (0.52, 0.82)  # how much white; the second round of colours is paler


def token_colours(tokens: "pd.Series[str]") -> dict[str, str]:
    """A pale colour for each token longer than a base, in order of first appearance; white for bases.

    Parameters
    ----------
    tokens
        Sequences; with more of them than colours (24) some share one.
    """
    longer = list(dict.fromkeys(token for token in tokens if len(token) > 1))
    rounds = [_mix(colour, tint) for tint in _TINTS for colour in CLASS_COLOURS]
    colours = {token: rounds[number % len(rounds)] for number, token in enumerate(longer)}
    return colours | {token: "white" for token in tokens if len(token) == 1}


def plot_steps(steps: "pd.DataFrame", ax: Any) -> None:
    """A sequence as boxes of tokens, one row per step of the encoding.

    Parameters
    ----------
    steps
        One row per token and step: ``step`` (from 0), ``label``, ``token``, ``start``, ``end`` (bases).
    ax
        Axes.
    """
    colours = token_colours(steps["token"])
    for row in steps.itertuples():
        width = row.end - row.start
        ax.add_patch(
            Rectangle((row.start + 0.04, row.step - 0.38), width - 0.08, 0.76, lw=0.6, ec=GREY, fc=colours[row.token])
        )
        for offset, letter in enumerate(row.token):
            ax.text(row.start + offset + 0.5, row.step, letter, ha="center", va="center_baseline", fontsize=7.5,
                    family="DejaVu Sans Mono")  # fmt: skip
    labels = steps.drop_duplicates("step")
    counts = steps.groupby("step").size()
    ax.set_yticks(labels["step"], labels["label"])
    for step, count in counts.items():
        ax.text(1.008, step, f"{count}", transform=ax.get_yaxis_transform(), va="center_baseline", fontsize=7)
    ax.text(1.008, -0.75, "tokens", transform=ax.get_yaxis_transform(), va="bottom", ha="center", fontsize=7)
    ax.set_xlim(-0.02, steps["end"].max())
    ax.set_ylim(steps["step"].max() + 0.5, -0.6)
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.spines[:].set_visible(False)


def plot_length_shares(lengths: "pd.DataFrame", mean: float, paper_mean: float, ax: Any) -> None:
    """Share of a genome's tokens by length, with the mean and the paper's.

    Parameters
    ----------
    lengths
        ``length`` (bases), ``occurrences``, ``share`` (of all occurrences).
    mean, paper_mean
        Bases, weighted by occurrence.
    ax
        Axes.
    """
    ax.bar(lengths["length"], 100 * lengths["share"], color=BLUE, width=0.75)
    top = 100 * lengths["share"].max()
    ax.axvline(mean, color="black", lw=1, label=f"mean {mean:.2f}", ymax=0.96)
    ax.plot([paper_mean], [1.09 * top], "x", ms=5, color=RED, label=f"the paper's {paper_mean:.2f}", ls="none")
    ax.set_ylim(0, 1.15 * top)
    ax.set_xticks(range(1, int(lengths["length"].max()) + 1, 2))
    ax.set_xlabel("token length (bases)")
    ax.set_ylabel("tokens of the genome (%)")
    ax.legend(loc="upper right", handlelength=1.2, borderaxespad=0)
    note_n(ax, f"n = {lengths['occurrences'].sum():,} tokens")


def _mix(colour: str, white: float) -> str:
    return str(to_hex([part + (1 - part) * white for part in to_rgb(colour)]))
