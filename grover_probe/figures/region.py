"""Masked accuracy along a region, with its annotation, as in a genome browser."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.style import CLASS_COLOURS, STYLE, note_n, title_panel
from grover_probe.plotting.tracks import (
    plot_classes,
    plot_genes,
    plot_intervals,
    plot_states,
    plot_tokens,
    plot_values,
)
from grover_probe.plotting.window_maps import plain_class

if TYPE_CHECKING:
    import pandas as pd

GENES, EXONS = "genes", "exons"  # names of annotation that are drawn as genes
N_BINS = 150
PER_LINE, N_LINES = 104, 3  # bases of the close-up
FEWEST_TOKENS = 20  # of a class, to be listed
_MOST_ROWS = 7
_COVERING = 0.8  # share of the region from which on classes are states that fill one row
_TITLES = {"cpg_islands": "CpG islands", "ctcf": "CTCF sites", "chromatin": "chromatin state"}


def draw(results: Results) -> Drawn:
    """Accuracy and annotation along the region, the best predicted stretch token by token, accuracy by class."""
    tokens = results.table("region/tokens.tsv")
    annotation = results.table("region/annotation.tsv", dtype={"class": str, "strand": str}, keep_default_na=False)
    close = close_up(tokens, PER_LINE * N_LINES)
    tables = {
        "a_bins": binned(tokens),
        "a_annotation": annotation,
        "a_b_tokens": tokens,
        "c_classes": by_class(tokens, annotation),
    }
    with mpl.rc_context(STYLE):
        figure = _compose(tables, close)
    return Drawn(figure, tables, _caption(tables, close))


def binned(tokens: "pd.DataFrame", n_bins: int = N_BINS) -> "pd.DataFrame":
    """Share of tokens predicted right in bins of equal length: ``start``, ``end``, ``n``, ``top1``, ``bigram_top1``.

    A token belongs to the bin of its first base. A bin without tokens is empty.
    """
    import pandas as pd

    start, end = int(tokens["start"].iloc[0]), int(tokens["end"].iloc[-1])
    size = max(1, round((end - start) / n_bins))
    number = (tokens["start"] - start) // size
    parts = tokens.groupby(number)
    found = parts[["top1", "bigram_top1"]].mean().assign(n=parts.size())
    found = found.reindex(range((end - 1 - start) // size + 1))
    begins = start + size * found.index.to_numpy()
    edges = pd.DataFrame({"start": begins, "end": np.minimum(begins + size, end)}, index=found.index)
    return edges.join(found[["n", "top1", "bigram_top1"]])


def close_up(tokens: "pd.DataFrame", n_bases: int) -> "pd.DataFrame":
    """The tokens of the stretch without a gap, of so many bases, that the model predicts best (mean probability)."""
    starts, ends = tokens["start"].to_numpy(), tokens["end"].to_numpy()
    last = np.searchsorted(ends, starts + n_bases, side="right")
    sums = np.concatenate(([0.0], np.cumsum(tokens["probability"])))
    first = np.arange(len(tokens))
    whole = (last > first) & (ends[last - 1] - starts > 0.9 * min(n_bases, ends[-1] - starts[0]))
    gaps = np.concatenate(([0], np.cumsum(starts[1:] != ends[:-1])))
    whole &= gaps[last - 1] == gaps
    if not whole.any():
        return tokens.iloc[: last[0]]
    mean = np.where(whole, (sums[last] - sums[first]) / np.maximum(last - first, 1), -np.inf)
    best = int(mean.argmax())
    return tokens.iloc[best : last[best]]


def by_class(tokens: "pd.DataFrame", annotation: "pd.DataFrame") -> "pd.DataFrame":
    """Accuracy of the tokens that touch each class of annotation, of all, and of those that touch no repeat or exon.

    Returns
    -------
    pandas.DataFrame
        ``annotation``, ``class``, ``label``, ``n`` (tokens), ``top1``, ``bigram_top1``, ``probability``; classes with
        fewer than 20 tokens are left out; genes, which have names, count as one class.
    """
    import pandas as pd

    from grover_probe.annotation.intervals import Intervals, merge

    chrom = tokens["chrom"].iloc[0]
    starts, ends = tokens["start"].to_numpy(), tokens["end"].to_numpy()
    rows = [("all", "all", "all tokens", np.ones(len(tokens), dtype=bool))]
    table = annotation.assign(**{"class": annotation["class"].where(annotation["annotation"] != GENES, GENES)})
    for (name, klass), part in table.groupby(["annotation", "class"], sort=False):
        merged = merge(part[["start", "end"]].to_numpy(dtype=np.int64))
        label = _TITLES.get(klass, plain_class(klass))
        label = label if label == _TITLES.get(name, plain_class(name)) else f"{label} ({_short(name)})"
        inside = Intervals(klass, {chrom: merged}, len(part), 0).overlaps(chrom, starts, ends)
        rows.append((name, klass, label, inside))
    columns = ["top1", "bigram_top1", "probability"]
    found = [
        {"annotation": name, "class": klass, "label": label, "n": int(keep.sum()), **tokens.loc[keep, columns].mean()}
        for name, klass, label, keep in rows
        if keep.sum() >= FEWEST_TOKENS
    ]
    return pd.DataFrame(found)


def lanes(genes: "pd.DataFrame", room: float) -> np.ndarray:
    """Row of each gene, from 0, so that neither genes nor their names meet, which take `room` bases at their middle."""
    middle = ((genes["start"] + genes["end"]) / 2).to_numpy()
    left = np.minimum(genes["start"].to_numpy(), middle - room / 2)
    right = np.maximum(genes["end"].to_numpy(), middle + room / 2)
    free: list[float] = []  # where each lane is free from
    found = np.zeros(len(genes), dtype=np.int64)
    for number in np.argsort(left, kind="stable"):
        lane = next((lane for lane, begin in enumerate(free) if begin <= left[number]), len(free))
        free[lane : lane + 1] = [right[number]]
        found[number] = lane
    return found


def _short(name: str) -> str:
    return {"repeats": "repeat", "chromatin": "chromatin"}.get(name, name)


def _kinds(annotation: "pd.DataFrame", length: int) -> dict[str, str]:
    """How each annotation is drawn: ``genes``, ``states`` (one row), ``rows`` (one per class) or ``single``."""
    kinds = {}
    for name, part in annotation.groupby("annotation", sort=False):
        covered = (part["end"] - part["start"]).sum() / length
        several = part["class"].nunique() > 1
        if name in (GENES, EXONS):
            kinds[name] = GENES
        else:
            kinds[name] = "states" if several and covered > _COVERING else "rows" if several else "single"
    return kinds


def _compose(tables: "dict[str, pd.DataFrame]", close: "pd.DataFrame") -> Figure:
    tokens, annotation, bins = tables["a_b_tokens"], tables["a_annotation"], tables["a_bins"]
    start, end = int(tokens["start"].iloc[0]), int(tokens["end"].iloc[-1])
    kinds = _kinds(annotation, end - start)
    genes, exons = _gene_lanes(annotation, (end - start) / 9)
    repeats = {name: _largest(annotation, name) for name, kind in kinds.items() if kind == "rows"}
    singles = annotation[annotation["annotation"].map(kinds) == "single"]
    states = [name for name, kind in kinds.items() if kind == "states"]

    heights = {"values": 1.5}
    if len(genes):
        heights["genes"] = 0.24 * (int(genes["lane"].max()) + 1) + 0.12
    heights |= {name: 0.15 * len(rows) + 0.1 for name, rows in repeats.items()}
    if len(singles):
        heights["singles"] = 0.15 * singles["annotation"].nunique() + 0.1
    heights |= dict.fromkeys(states, 0.22)
    lower = [0.17 * N_LINES + 0.75, 0.145 * len(tables["c_classes"]) + 0.65]
    tracks = sum(heights.values()) + 0.05 * len(heights) + 0.75
    figure = Figure(figsize=(7.2, tracks + sum(lower)), layout="constrained")
    parts: Any = figure.subfigures(3, 1, height_ratios=[tracks, *lower])
    grid = parts[0].subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights.values()))
    axes = dict(zip(heights, grid[:, 0], strict=True))

    axes["values"].set_xlim(start / 1_000, end / 1_000)
    plot_values(bins, axes["values"])
    axes["values"].legend(loc="upper right", ncols=2, borderaxespad=0)
    note_n(
        axes["values"], f"n = {len(tokens):,} tokens, bins of {int(bins['end'].iloc[0] - bins['start'].iloc[0])} bases"
    )
    title_panel(axes["values"], "a")
    if len(genes):
        plot_genes(genes, exons, axes["genes"])
        axes["genes"].set_ylabel("genes", rotation=0, ha="right", va="center", fontsize=7)
    for name, rows in repeats.items():
        part = annotation[annotation["annotation"] == name]
        shown = part.assign(**{"class": part["class"].where(part["class"].isin(rows), "other").map(plain_class)})
        plot_intervals(shown, [plain_class(row) for row in rows], axes[name])
    if len(singles):
        names = list(singles["annotation"].unique())
        titles = [_TITLES.get(name, plain_class(name)) for name in names]
        named = singles.assign(**{"class": singles["annotation"].map(dict(zip(names, titles, strict=True)))})
        plot_intervals(named, titles, axes["singles"])
    for name in states:
        _states(annotation[annotation["annotation"] == name], name, axes[name])
    for ax in list(axes.values())[1:]:
        ax.spines["left"].set_visible(False)
    for ax in list(axes.values())[:-1]:
        ax.tick_params(bottom=False)
        ax.spines["bottom"].set_visible(False)
    last = list(axes.values())[-1]
    last.xaxis.set_major_formatter("{x:,.0f}")
    last.set_xlabel(f"position on {tokens['chrom'].iloc[0]} (kb)")

    ax = parts[1].subplots()
    scale = plot_tokens(close, PER_LINE, ax)
    parts[1].colorbar(scale, ax=ax, label="probability", fraction=0.02, pad=0.01)
    title_panel(ax, "b")
    note_n(ax, f"n = {len(close)} tokens")
    ax = parts[2].subplots()
    plot_classes(tables["c_classes"], ax)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    title_panel(ax, "c")
    return figure


def _states(part: "pd.DataFrame", name: str, ax: Any) -> None:
    sizes = (part["end"] - part["start"]).groupby(part["class"]).sum().sort_values(ascending=False, kind="stable")
    colours = dict(zip(sizes.index, ("#D5D5D5", *CLASS_COLOURS), strict=False))  # the commonest is the background
    plot_states(part, colours, ax)
    ax.set_ylabel(_TITLES.get(name, plain_class(name)), rotation=0, ha="right", va="center", fontsize=7)
    handles = [mpl.patches.Patch(color=colour, label=plain_class(key)) for key, colour in colours.items()]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -2.0), ncols=len(handles), handlelength=1,
              handletextpad=0.4, columnspacing=1)  # fmt: skip


def _largest(annotation: "pd.DataFrame", name: str) -> list[str]:
    """Classes of an annotation by the bases that they cover; those after the seventh are ``other``."""
    part = annotation[annotation["annotation"] == name]
    sizes = (part["end"] - part["start"]).groupby(part["class"]).sum().sort_values(ascending=False, kind="stable")
    names = list(sizes.index)
    return names if len(names) <= _MOST_ROWS else [*names[: _MOST_ROWS - 1], "other"]


def _gene_lanes(annotation: "pd.DataFrame", room: float) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Genes and exons with their lanes; an exon lies on that of the first gene of its strand around it."""
    genes = annotation[annotation["annotation"] == GENES].copy()
    genes["lane"] = lanes(genes, room)
    genes["name"] = genes["class"].where(genes["class"] != GENES, "")
    exons = annotation[annotation["annotation"] == EXONS].copy()
    exons["lane"] = -1
    for gene in genes.itertuples():
        inside = (exons["start"] >= gene.start) & (exons["end"] <= gene.end) & (exons["strand"] == gene.strand)
        exons.loc[inside & (exons["lane"] < 0), "lane"] = gene.lane
    return genes, exons[exons["lane"] >= 0]


def _caption(tables: "dict[str, pd.DataFrame]", close: "pd.DataFrame") -> str:
    tokens, classes = tables["a_b_tokens"], tables["c_classes"]
    chrom, start, end = tokens["chrom"].iloc[0], int(tokens["start"].iloc[0]), int(tokens["end"].iloc[-1])
    best = classes.iloc[1:]
    text = f"""Masked-token prediction along {chrom}:{start:,}-{end:,} (0-based): each of {len(tokens):,} tokens while
    it is masked, {100 * tokens["top1"].mean():.1f} % right, product of both bigrams
    {100 * tokens["bigram_top1"].mean():.1f} % (the paper, genome-wide: 21 %). (a) Share of tokens right in bins, with
    the annotation that lies there; genes with their direction, boxes are exons. (b) The {PER_LINE * N_LINES} bases
    that are predicted best (from {int(close["start"].iloc[0]):,}), token by token ({len(close)}), coloured by the
    probability of the true token; dots: predicted right. (c) Share of tokens right by class of annotation that they
    touch (at least {FEWEST_TOKENS} tokens)."""
    if len(best):
        row = best.loc[best["top1"].idxmax()]
        right, control = 100 * row["top1"], 100 * row["bigram_top1"]
        text += f" Best: {row['label']}, {right:.1f} % of {row['n']:,} (bigrams {control:.1f} %)."
    return text + " The paper: tokens in Alu are predicted best."
