"""Figure 2: next-k-mer prediction chooses a vocabulary; prediction of masked tokens."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from grover_probe.figures import paper
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.masked_tokens import label_of, perplexities, top_n
from grover_probe.figures.results import Results
from grover_probe.plotting.evaluate import plot_measure, plot_top_n
from grover_probe.plotting.nextkmer import plot_choice, plot_cycles, plot_systems
from grover_probe.plotting.style import STYLE, note_n, title_panel

if TYPE_CHECKING:
    import pandas as pd

_MEASURES = (("perplexity", "perplexity", True), ("percent_of_vocabulary", "perplexity (% of vocabulary)", False),
             ("bits_per_base", "bits per base", False))  # fmt: skip
_CURVE = ["k", "cycles", "fit", "low", "high"]
_IN_PAPER = {"bpe-600": "GROVER", "tfidf": "TF-IDF", "dnabert2": "DNABERT-2", "nt-v1": "NT", "nt-v2": "NT"}
_NAMES = {
    "tfidf": "TF-IDF",
    "markov": "Markov",
    "markov-sequences": "Markov, same data",
    "majority": "majority",
}
_COLUMNS = 3


def draw(results: Results) -> Drawn:
    """Draw it.

    Raises
    ------
    InputError
        When a table is not there.
    """
    import pandas as pd

    cells = results.table("nextkmer/nextkmer.tsv").drop(columns="facts")
    curves = pd.DataFrame(columns=_CURVE, dtype=float)
    choice = None
    if results.has("nextkmer/choice.json"):
        curves, choice = results.table("nextkmer/curves.tsv"), results.record("nextkmer/choice.json")
    systems = compared(cells)
    top, measured = top_n(results), perplexities(results)
    published = pd.DataFrame({"n": list(paper.TOP_N), "share": list(paper.TOP_N.values())})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 8.9), layout="constrained")
        parts: Any = figure.subfigures(3, 1, height_ratios=[4.1, 3.0, 1.9])
        _draw_cycles(cells, curves, choice, parts[0])
        _draw_systems(systems, top, published, measured["n_masked"].iloc[0], parts[1])
        _draw_measures(measured, parts[2])
    tables = {"a_cycles": cells, "a_loess": curves, "b_systems": systems, "c_top_n": top, "d_perplexity": measured}
    if choice is not None:
        shares = {int(number): share for number, share in choice["shares"].items()}
        tables["a_choice"] = pd.DataFrame({"cycles": list(shares), "share_of_draws": list(shares.values())})
    return Drawn(figure, tables, _caption(cells, choice, systems, measured))


def compared(cells: "pd.DataFrame") -> "pd.DataFrame":
    """All systems asked for the largest k, beside the paper's numbers where these are for 6 bases.

    Parameters
    ----------
    cells
        ``nextkmer.tsv``.

    Returns
    -------
    pandas.DataFrame
        ``system``, ``label``, ``kind``, ``seed``, ``k``, ``chance``, ``n_test``, ``accuracy`` with interval, ``paper``,
        ``paper_at_most``. Systems that only the paper has come last, without accuracy.
    """
    import pandas as pd

    k = cells["k"].max()
    columns = ["system", "kind", "cycles", "seed", "k", "chance", "n_test", "accuracy", "accuracy_low", "accuracy_high"]
    found = cells.loc[cells["k"] == k, columns].copy()
    found["order"] = found["kind"].map({"bpe": 0, "kmer": 1, "model": 2, "baseline": 3})
    found = found.sort_values(["order", "cycles"], kind="stable").drop(columns=["order", "cycles"])
    found.insert(1, "label", [_NAMES.get(name, label_of(name)) for name in found["system"]])
    published = paper.NEXT_6MER if k == 6 else {}
    known = [_IN_PAPER.get(name, name) for name in found["system"]]
    found["paper"] = [published.get(name, float("nan")) for name in known]
    found["paper_at_most"] = [name in paper.NEXT_6MER_AT_MOST for name in known]
    rest = [name for name in published if name not in known]
    others = pd.DataFrame(
        {"system": rest, "label": rest, "kind": "paper", "k": k, "paper": [published[name] for name in rest],
         "paper_at_most": [name in paper.NEXT_6MER_AT_MOST for name in rest]}
    )  # fmt: skip
    return pd.concat([found, others], ignore_index=True) if len(others) else found.reset_index(drop=True)


def _draw_cycles(cells: "pd.DataFrame", curves: "pd.DataFrame", choice: dict[str, Any] | None, part: Any) -> None:
    ks = sorted(cells["k"].unique())
    panels = len(ks) + (choice is not None)
    columns = min(panels, _COLUMNS)
    axes = part.subplots(-(-panels // columns), columns, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for ax, k in zip(axes, ks, strict=False):
        plot_cycles(cells[cells["k"] == k], curves[curves["k"] == k], ax)
        title_panel(ax, "a" if k == ks[0] else "", f"next {k} bases")
        note_n(ax, f"n = {cells['n_test'].iloc[0]:,}")
        ax.set_ylabel("accuracy (%)")
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if choice is not None:
        plot_choice(choice, axes[len(ks)])
        axes[len(ks)].set_title("")
        title_panel(axes[len(ks)], "", f"chosen: {choice['cycles']:,} cycles")
    for ax in axes[panels:]:
        ax.set_axis_off()
    names = sorted(handles, key=lambda name: name != "byte pairs")
    part.legend(
        [handles[name] for name in names],
        [_NAMES.get(name, name) for name in names],
        loc="outside lower center",
        ncols=len(names),
        columnspacing=1.0,
        handletextpad=0.5,
    )


def _draw_systems(systems: "pd.DataFrame", top: "pd.DataFrame", paper_top: "pd.DataFrame", n: int, part: Any) -> None:
    left, right = part.subplots(1, 2, width_ratios=[1, 1.05])
    plot_systems(systems, float(systems["chance"].max()), left)
    left.set_xlabel(f"accuracy, next {systems['k'].max()} bases (%)")
    title_panel(left, "b")
    note_n(left, f"n = {systems['n_test'].max():,.0f} sequences")
    plot_top_n(top, paper_top, right)
    right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.8)
    title_panel(right, "c")
    note_n(right, f"n = {n:,} masked tokens")


def _draw_measures(measured: "pd.DataFrame", part: Any) -> None:
    axes = part.subplots(1, 3, sharey=True)
    few, many = measured["n_masked"].min(), measured["n_masked"].max()
    for ax, letter, (column, label, log) in zip(axes, "def", _MEASURES, strict=True):
        plot_measure(measured, column, ax, label, log)
        title_panel(ax, letter)
        note_n(ax, f"n = {' to '.join(f'{n:,}' for n in sorted({few, many}))}")
    axes[2].axvline(2, color="black", lw=0.6, ls=":", label="nothing known")
    part.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _caption(
    cells: "pd.DataFrame", choice: dict[str, Any] | None, systems: "pd.DataFrame", measured: "pd.DataFrame"
) -> str:
    first, k = cells.iloc[0], systems["k"].max()
    ours = [f"{row.label} {100 * row.accuracy:.2f} %" for row in systems.itertuples() if row.accuracy == row.accuracy]
    theirs = [f"{name} {'at most ' if name in paper.NEXT_6MER_AT_MOST else ''}{100 * share:g} %"
              for name, share in paper.NEXT_6MER.items()]  # fmt: skip
    rows = [
        f"{row.label} {row.perplexity:,.1f}, {row.percent_of_vocabulary:.0f} %, {row.bits_per_base:.3f} bits per base "
        f"(the paper: {row.paper_perplexity:,.0f}, {row.paper_percent_of_vocabulary:.0f} %; n = {row.n_masked:,})"
        for row in measured.itertuples()
    ]
    chosen = (
        "" if choice is None else f", and the share of 1,000 bootstrap draws by the number of cycles that they choose: "
        f"{choice['cycles']:,}, 95 % of the draws {choice['low']:,} to {choice['high']:,} (the paper: 600, best region "
        "400 to 800)"
    )  # fmt: skip
    return (
        f"(a) Next-k-mer prediction: accuracy for the k bases after 50 bases, by the number of cycles of byte-pair "
        f"encoding, with loess and its 95 % band{chosen}; bars are 95 % bootstrap intervals over "
        f"{first['n_blocks']} blocks of test sequence; {first['n_train']:,} training and {first['n_test']:,} test "
        f"sequences. (b) All systems for k = {k}: {', '.join(ours)}. Markov models are counted on all training "
        f"sequence, or on the same data as the heads. In the paper, for k = 6 (400,000 training and "
        f"100,000 test sequences of chr21): {', '.join(theirs)}. (c) Masked tokens among the first n predictions; "
        f"n-grams are of the tokens of the first model; in the paper {100 * paper.TOP_N[1]:.0f} % at n = 1 and "
        f"{100 * paper.TOP_N[60]:.0f} % at n = 60. (d-f) Perplexity, as share of the vocabulary, and in bits per base, "
        f"which alone compares vocabularies (dotted: 2 bits, nothing known); open circles: the best "
        f"n-gram of the same tokens (unigram, left bigram, or product of left and right bigram); crosses: the paper "
        f"(bits from its perplexity and mean length); intervals: 95 % of bootstrap draws of blocks of 100 kb. "
        f"{'; '.join(rows)}."
    )
