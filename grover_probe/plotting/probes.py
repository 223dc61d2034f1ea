"""Figures of probes: what each layer says, and how far controls come without it."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 4
_PANEL = (2.1, 1.9)  # inches
_CONTROLS = {
    "majority": (GREY, ":"), "mean": (GREY, ":"), "shuffled_labels": (GREY, "-."),
    "composition": (ORANGE, "-"), "kmer_spectrum": (RED, "-"), "one_hot": (ORANGE, "--"),
    "input_embeddings": (GREEN, "-"), "random_model": (GREEN, "--"), "initial_model": (GREEN, ":"),
}  # fmt: skip
_MARKERS = {"mean": "o", "cls": "s", "max": "^"}
_POOLINGS = {"mean": "model, mean", "cls": "model, [CLS]", "max": "model, max", "-": "model, token means"}
_LABELS = {"auroc": "AUROC", "r2": "R²", "majority": "majority or mean", "mean": "majority or mean"}


def probes_figure(table: "pd.DataFrame", probe: str | None = None) -> Figure:
    """One small panel per target: the metric by layer, controls as lines.

    Parameters
    ----------
    table
        Of `grover_probe.probes.ProbeResult`.
    probe
        Which kind; the first of the table when None.
    """
    probe = probe or next(iter(table.loc[table["features"] == "model", "probe"]), "linear")
    own = table[(table["probe"] == probe) | (table["probe"] == "prior")]
    asked = own.loc[own["features"] == "model", ["level", "target"]]
    questions = list(asked.drop_duplicates().itertuples(index=False))
    n_rows = -(-(len(questions) + 1) // _COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_PANEL[0] * _COLUMNS, _PANEL[1] * n_rows), layout="constrained")
        axes = figure.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
        handles: dict[str, Any] = {}
        for (level, target), ax in zip(questions, axes, strict=False):
            part = own[(own["level"] == level) & (own["target"] == target)]
            plot_target(part, ax)
            ax.set_title(f"{target} ({level})", fontsize=8)
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        for ax in axes[len(questions) :]:
            ax.set_axis_off()
        key = axes[len(questions)]
        key.legend(handles.values(), handles.keys(), loc="center left", fontsize=7, title=f"{probe} probe")
    return figure


def plot_target(part: "pd.DataFrame", ax: Any, labels: bool = True) -> None:
    """The headline metric of one target by layer and pooling, with intervals; the best row of each control as a line.

    A layer whose interval holds its best control (`flag`) has an open marker.

    Parameters
    ----------
    part
        Rows of one target, level and probe.
    ax
        Where to draw.
    labels
        Name the layer axis.
    """
    model = part[(part["features"] == "model") & (part["layer"] != "best")]
    for pooling, rows in model.groupby("pooling"):
        x = rows["layer"].astype(int)
        marker, alpha = _MARKERS.get(pooling, "o"), 1.0 if pooling in ("mean", "-") else 0.55
        ax.plot(x, rows["score"], lw=1, color=BLUE, alpha=alpha)
        if pooling in ("mean", "-"):
            ax.fill_between(x, rows["ci_low"], rows["ci_high"], color=BLUE, alpha=0.15, lw=0)
        flagged = rows["flag"].fillna("").ne("").to_numpy()
        for keep, fill in ((~flagged, BLUE), (flagged, "white")):
            ax.plot(x[keep], rows["score"][keep], marker, ms=3, color=BLUE, mfc=fill, mew=0.8, alpha=alpha, zorder=3)
        ax.plot([], [], marker=marker, ms=3, lw=1, color=BLUE, alpha=alpha, label=_POOLINGS.get(pooling, pooling))
    for name, (colour, style) in _CONTROLS.items():
        rows = part[part["features"] == name]
        if len(rows):
            ax.axhline(
                rows["score"].iloc[-1], color=colour, ls=style, lw=1, label=_LABELS.get(name, name.replace("_", " "))
            )
    scores = part.loc[part["features"].isin(["model", *_CONTROLS]), "score"].dropna()
    if len(scores):
        low = max(scores.min(), -0.25)  # an R2 far below 0 says no more than one below 0
        margin = 0.05 * max(scores.max() - low, 0.1)
        ax.set_ylim(low - margin, max(scores.max(), model["ci_high"].max()) + margin)
    ax.set_xticks(sorted(model["layer"].astype(int).unique()))
    if labels:
        ax.set_xlabel("layer")
    ax.set_ylabel(_LABELS.get(part["metric"].iloc[0], part["metric"].iloc[0]))
