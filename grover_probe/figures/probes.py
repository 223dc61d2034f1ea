"""What can be read from each layer, beside controls."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.probes import plot_target
from grover_probe.plotting.style import STYLE

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 5
_MOST = 25  # panels of one level: with those of the other they fill a page
_PANEL = 1.24  # inches, height of one
_KEPT = [
    "level", "target", "probe", "features", "layer", "pooling", "metric", "score", "ci_low", "ci_high", "best_control",
    "best_control_score", "gain", "gain_low", "gain_high", "flag", "selectivity", "n", "n_blocks",
]  # fmt: skip
_LEVELS = {"windows": "Windows", "tokens": "Tokens of the dictionary"}
_WORDS = {"gc": "GC", "ag": "AG", "ac": "AC", "cpg": "CpG", "ctcf": "CTCF", "tss": "TSS"}
_HELD_OUT = {"windows": "blocks of the genome", "tokens": "groups that share sequence"}
_SMALL = {"font.size": 7, "axes.labelsize": 7, "xtick.labelsize": 6.5, "ytick.labelsize": 6.5}


def draw(results: Results) -> Drawn:
    """One small panel per target, windows first; a target whose chosen layer is flagged has a dagger.

    Of more targets than a page holds, those that the model says worst are in the table only.
    """
    table = results.table("probes/probes.tsv")
    probe = table.loc[table["features"] == "model", "probe"].iloc[0]
    drawn = table.loc[table["probe"].isin([probe, "prior"]), _KEPT]
    with mpl.rc_context({**STYLE, **_SMALL}):
        figure = _compose(drawn, probe)
    return Drawn(figure, {"probes": drawn}, _caption(drawn, probe))


def plain_target(name: str) -> str:
    """A target's name to be read: ``share_chromatin_9_Quies`` is ``chromatin Quies``."""
    words = [word for word in name.removeprefix("share_").split("_") if not word.isdecimal()]
    return " ".join(_WORDS.get(word, word) for word in words)


def _targets(table: "pd.DataFrame", level: str) -> tuple[list[str], list[str]]:
    """Names of the targets of a level, drawn and left out."""
    best = table[(table["level"] == level) & (table["features"] == "model") & (table["layer"] == "best")]
    kept = set(best.nlargest(_MOST, "score")["target"])
    asked = list(best["target"].drop_duplicates())
    return [name for name in asked if name in kept], [name for name in asked if name not in kept]


def _compose(table: "pd.DataFrame", probe: str) -> Figure:
    levels = {level: found for level in _LEVELS if (found := _targets(table, level)[0])}
    heights = [_PANEL * -(-len(found) // _COLUMNS) + 0.25 for found in levels.values()]
    figure = Figure(figsize=(7.2, sum(heights) + 0.5), layout="constrained")
    parts: Any = figure.subfigures(len(levels), 1, height_ratios=heights, squeeze=False)
    handles: dict[str, Any] = {}
    for part, (level, targets) in zip(parts.ravel(), levels.items(), strict=True):
        n_rows = -(-len(targets) // _COLUMNS)
        axes = part.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
        part.suptitle(f"{_LEVELS[level]}, {probe} probe, {_sizes(table, level)}", fontsize=8)
        for number, (ax, target) in enumerate(zip(axes, targets, strict=False)):
            rows = table[(table["level"] == level) & (table["target"] == target)]
            plot_target(rows, ax, labels=number + _COLUMNS >= len(targets))
            title = plain_target(target) + (" †" if _flagged(rows) else "")
            ax.set_title(title, fontsize=7.5 if len(title) < 20 else 6.5)
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        for ax in axes[len(targets) :]:
            ax.axis("off")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, handlelength=2.2,
                  columnspacing=1.2, labelspacing=0.25, fontsize=6.5)  # fmt: skip
    return figure


def _sizes(table: "pd.DataFrame", level: str) -> str:
    """Rows and blocks of the targets of a level."""
    best = table[(table["level"] == level) & (table["features"] == "model") & (table["layer"] == "best")]
    low, high = int(best["n"].min()), int(best["n"].max())
    n = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    return f"n = {n} in {best['n_blocks'].max():,.0f} {_HELD_OUT[level]}"


def _flagged(rows: "pd.DataFrame") -> bool:
    best = rows[(rows["features"] == "model") & (rows["layer"] == "best")]
    return bool(len(best)) and bool(str(best["flag"].fillna("").iloc[0]))


def _caption(table: "pd.DataFrame", probe: str) -> str:
    best = table[(table["features"] == "model") & (table["layer"] == "best")]
    free = best[best["flag"].fillna("") == ""]
    gains = "; ".join(
        f"{plain_target(row.target)} ({row.level}) {row.gain:+.3f} ({row.gain_low:.3f} to {row.gain_high:.3f})"
        for row in free.sort_values("gain", ascending=False).head(8).itertuples()
    )
    text = f"""What a {probe} probe reads from each layer on held-out blocks of the genome (windows) or groups of tokens
    that share sequence (tokens): R² for numbers, AUROC for classes; bands: 95 % interval over blocks, of the mean
    pooling. Lines: controls, of those with layers the one that inner folds chose. Open markers, and
    a dagger where it is so for the layer and pooling that inner folds chose: the best control lies within the interval,
    so the embedding is not shown to say more than the control; {len(best) - len(free)} of {len(best)} targets."""
    if gains:
        text += f" Largest gains over the best control of the others, with 95 % interval: {gains}."
    if left := [plain_target(name) for level in _LEVELS for name in _targets(table, level)[1]]:
        text += f" Not drawn, the {len(left)} targets that the model says worst: {', '.join(left)}."
    return text
