"""Figure 4: what the average embeddings of tokens hold."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.components import plot_beside_paper, plot_correlations, plot_explained, plot_tree
from grover_probe.plotting.overlap import plot_token_shares
from grover_probe.plotting.style import STYLE, note_n, title_panel
from grover_probe.plotting.token_maps import FEATURES, SHORT, plot_token_feature

if TYPE_CHECKING:
    import pandas as pd

MOST_COMPONENTS = 20
MOST_CLASSES = 8
REPEATS = "repeats"  # name of the annotation in the tables of overlap

#: Largest share of the variance in one component that the paper states.
PAPER_EXPLAINED = (("paper", 1, 0.035), ("paper, Word2Vec", 1, 0.15))

_MAPS = {"log_frequency": "frequency", "gc": "GC", "ag": "AG", "length": "length"}
_TOKEN_COLUMNS = [
    "space", "token", "length", "gc", "ag", "ac", "count", "log_frequency", "pc1", "pc2", "umap1", "umap2", "leaf",
]  # fmt: skip


def draw(results: Results) -> Drawn:
    """Components, maps, tree of the first space of the maps; other spaces where they say something; repeats."""
    import pandas as pd

    tokens = results.table("maps-tokens/tokens.parquet")
    correlations, components, paper, quality, linkage = (
        results.table(f"maps-tokens/{name}.tsv")
        for name in ("correlations", "components", "paper", "quality", "linkage")
    )
    space = tokens["space"].iloc[0]
    own = tokens[tokens["space"] == space]
    tables: dict[str, pd.DataFrame] = {
        "a_d_tokens": own[_TOKEN_COLUMNS],
        "b_correlations": correlations[correlations["space"] == space],
        "c_beside_the_paper": paper,
        "d_neighbours": quality[quality["space"] == space],
        "h_explained": explained(components),
        "i_tree": linkage[linkage["space"] == space],
    }
    shares = token_shares(results.table("overlap/tokens.parquet"))
    if len(shares):
        tables["j_repeats"] = shares
    with mpl.rc_context(STYLE):
        figure = _compose(tables, space)
    return Drawn(figure, tables, _caption(tables, space))


def explained(components: "pd.DataFrame") -> "pd.DataFrame":
    """Share of the variance of the first components of each space, and the paper's numbers."""
    import pandas as pd

    ours = components.loc[components["component"] <= MOST_COMPONENTS, ["space", "component", "explained"]]
    paper = pd.DataFrame(PAPER_EXPLAINED, columns=["space", "component", "explained"])
    return pd.concat([ours.assign(source="here"), paper.assign(source="paper")], ignore_index=True)


def token_shares(overlap: "pd.DataFrame") -> "pd.DataFrame":
    """Share of each token's bases in the larger classes of repeats; empty without such an annotation.

    Parameters
    ----------
    overlap
        Table of `grover_probe.overlap.tokens.TokenOverlap`.

    Returns
    -------
    pandas.DataFrame
        One row per class and token: ``class`` (largest first), ``token``, ``rank`` (from 0, by the share in all
        classes), ``count``, ``share``, ``share_of_all`` tokens together. Smaller classes are one, ``other``.
    """
    import numpy as np

    columns = ["class", "token", "rank", "count", "share", "share_of_all"]
    part = overlap[(overlap["annotation"] == REPEATS) & (overlap["count"] > 0)].copy()
    if part.empty:
        return part.reindex(columns=columns)
    bases = part.groupby("class")["bases_inside"].sum().sort_values(ascending=False, kind="stable")
    small = bases.index[MOST_CLASSES - 1 :] if len(bases) > MOST_CLASSES else []
    part["class"] = np.where(part["class"].isin(small), "other", part["class"])
    part["bases"] = part["count"] * part["length"]
    keys = {"count": "first", "bases": "first", "bases_inside": "sum"}
    part = part.groupby(["class", "token"], as_index=False).agg(keys)
    part["share"] = part["bases_inside"] / part["bases"]
    total = part.groupby("token")["share"].sum().sort_values(ascending=False, kind="stable")
    part["rank"] = part["token"].map(dict(zip(total.index, range(len(total)), strict=True)))
    sums = part.groupby("class")[["bases_inside", "bases"]].transform("sum")
    part["share_of_all"] = sums["bases_inside"] / sums["bases"]
    order = {name: number for number, name in enumerate([*bases.index.difference(small, sort=False), "other"])}
    return part.sort_values(["class", "rank"], key=lambda c: c.map(order) if c.name == "class" else c)[columns]


def _compose(tables: "dict[str, pd.DataFrame]", space: str) -> Figure:
    own, quality = tables["a_d_tokens"], tables["d_neighbours"]
    n = f"n = {len(own):,} tokens"
    figure = Figure(figsize=(7.2, 9.4 if "j_repeats" in tables else 7.3), layout="constrained")
    heights = [2.3, 2.1, 2.7] + ([2.1] if "j_repeats" in tables else [])
    rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights, hspace=0.02)

    ax = rows[0].subplots(1, 3, width_ratios=[1.15, 1.1, 1])
    points = ax[0].scatter(own["pc1"], own["pc2"], c=own["log_frequency"], s=6, lw=0, cmap="viridis")
    ax[0].set_xlabel(f"PC1 ({_percent(tables, space, 1)} of variance)")
    ax[0].set_ylabel(f"PC2 ({_percent(tables, space, 2)})")
    rows[0].colorbar(points, ax=ax[0], label=FEATURES["log_frequency"], fraction=0.06, pad=0.02)
    shown = int(tables["b_correlations"]["component"].max())
    here = tables["h_explained"]
    parts = here.loc[here["space"] == space, "explained"].iloc[:shown].to_numpy()
    plot_correlations(tables["b_correlations"], parts, ax[1], size=6.5)
    ax[1].set_xlabel("component, % of variance")
    plot_beside_paper(tables["c_beside_the_paper"], ax[2])
    ax[2].legend(loc="upper right", bbox_to_anchor=(1.05, -0.3), ncols=2, handletextpad=0.2, columnspacing=0.6,
                 labelspacing=0.2, fontsize=6.5, borderaxespad=0)  # fmt: skip
    for each, letter in zip(ax, "abc", strict=True):
        title_panel(each, letter)
        note_n(each, n)

    ax = rows[1].subplots(1, 4)
    trust = quality["trustworthiness"].iloc[0]
    rows[1].suptitle(f"UMAP of {space}, {n}, trustworthiness {trust:.2f}; R² of 15 neighbours in the map", fontsize=8)
    for each, letter, (feature, title) in zip(ax, "defg", _MAPS.items(), strict=True):
        plot_token_feature(own, feature, each, location="bottom")
        near = quality[(quality["place"] == "map") & (quality["feature"] == feature)]
        title_panel(each, letter, f"{title}, R² {near['r2'].iloc[0]:.2f}")

    left, right = rows[2].subfigures(1, 2, width_ratios=[1, 1.5])
    ax = left.subplots()
    ours = here[here["source"] == "here"]
    plot_explained(ours, here[here["source"] == "paper"].rename(columns={"space": "label"}), ax)
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.23), ncols=2, fontsize=6.5, labelspacing=0.2,
              handlelength=1.5, columnspacing=0.8, borderaxespad=0)  # fmt: skip
    title_panel(ax, "h")
    note_n(ax, n)
    axes = right.subplots(1 + len(FEATURES), 1, height_ratios=[7] + [1] * len(FEATURES), sharex=True)
    plot_tree(own, tables["i_tree"], axes)
    axes[-1].set_xlabel("tokens in the order of the tree; strips: the lowest is dark")
    title_panel(axes[0], "i")
    note_n(axes[0], n)

    if "j_repeats" in tables:
        ax = rows[3].subplots()
        plot_token_shares(tables["j_repeats"], ax)
        ax.legend(loc="upper right", ncols=3, title="class (share of all tokens' bases)", title_fontsize=7,
                  labelspacing=0.25, columnspacing=0.8, borderaxespad=0)  # fmt: skip
        title_panel(ax, "j")
        note_n(ax, f"n = {tables['j_repeats']['token'].nunique():,} tokens")
    return figure


def _percent(tables: "dict[str, pd.DataFrame]", space: str, component: int) -> str:
    table = tables["h_explained"]
    share = table.loc[(table["space"] == space) & (table["component"] == component), "explained"].iloc[0]
    return f"{100 * share:.1f} %"


def _caption(tables: "dict[str, pd.DataFrame]", space: str) -> str:
    own, here = tables["a_d_tokens"], tables["h_explained"]
    first = here[(here["component"] == 1) & (here["source"] == "here")].set_index("space")["explained"]
    others = ", ".join(f"{name} {100 * share:.1f} %" for name, share in first.items())
    beside = tables["c_beside_the_paper"]
    pairs = "; ".join(
        f"PC{row.component} with {SHORT[row.feature]} {row.paper_rho:.2f} (here {row.rho:.2f}; "
        f"best PC{row.best_component} {row.best_rho:.2f})"
        for row in beside[beside["space"] == space].itertuples()
    )
    trust = tables["d_neighbours"]["trustworthiness"].iloc[0]
    text = f"""Average embeddings of {len(own):,} tokens in {space} ({own["count"].sum():,} occurrences).
    (a) First two principal components, coloured by frequency. (b) Absolute Spearman correlation of components with
    features of the tokens; numbers where q < 0.05. (c) The correlations that the GROVER paper states, and the same here
    and in controls; signs of components mean nothing. The paper: {pairs}. (d-g) UMAP, coloured by frequency (log10),
    GC, AG (shares) and length (bases); trustworthiness {trust:.2f}; R²: how well the mean of a token's 15 neighbours
    in the map predicts it. (h) Explained variance of the first components; of the first: {others}; the paper: at most
    3.5 %, Word2Vec 15 %. (i) Tree of the tokens (cosine distance, average linkage), with a strip per feature."""
    if "j_repeats" in tables:
        shares = tables["j_repeats"]
        most = shares.groupby("token")["share"].sum()
        text += f""" (j) Share of the bases of each token's occurrences in classes of repeats, n = {len(most):,} tokens;
        {(most > 0.9).sum()} of them lie to more than 90 % in repeats, {(most > 0.5).sum()} to more than half."""
    return text
