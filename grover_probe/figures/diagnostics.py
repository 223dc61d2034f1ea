"""What a tokenizer does to sequence: shifts, cuts, the other strand, substitutions, motifs, beside fixed k-mers."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.diagnostics import plot_marks, title_above_legend
from grover_probe.plotting.style import STYLE

if TYPE_CHECKING:
    import pandas as pd

_SHARES = frozenset(
    {"boundary_agreement", "chance_agreement", "agree_again", "boundaries_lost", "commonest_pattern", "within_100"}
)
# Title, axis, logarithmic, and per mark: diagnostic, statistic, name, number of the mark.
_PANELS: tuple[tuple[str, str, bool, tuple[tuple[str, str, str, int], ...]], ...] = (
    ("moved by 1-200 bases", "boundaries that agree (%)", False, (
        ("shift", "boundary_agreement", "agree", 0), ("shift", "chance_agreement", "chance", 3))),
    ("cut on the left", "bases to agreement", True, (
        ("cut_left", "bases_to_agreement_median", "median", 0), ("cut_left", "bases_to_agreement_p95", "95 %", 1),
        ("cut_left", "bases_to_agreement_max", "most", 2))),
    ("cut on the right", "bases to agreement", True, (
        ("cut_right", "bases_to_agreement_median", "median", 0), ("cut_right", "bases_to_agreement_p95", "95 %", 1),
        ("cut_right", "bases_to_agreement_max", "most", 2))),
    ("the other strand", "boundaries that agree (%)", False, (
        ("reverse_complement", "boundary_agreement", "agree", 0),
        ("reverse_complement", "chance_agreement", "chance", 3))),
    ("one base changed", "tokens that change", False, (
        ("substitution", "tokens_changed_mean", "mean", 0), ("substitution", "tokens_changed_p95", "95 %", 1))),
    ("one base changed", "bases in changed tokens", False, (
        ("substitution", "bases_changed_mean", "mean", 0), ("substitution", "bases_changed_p95", "95 %", 1))),
    ("longest match", "boundaries lost (%)", False, (
        ("longest_match", "boundaries_lost", "lost", 0),)),
    ("a motif", "tokens per occurrence, mean", False, (
        ("motif", "tokens_mean", "motif", 0), ("random", "tokens_mean", "random places", 3))),
    ("a motif", "commonest way to cut it (%)", False, (
        ("motif", "commonest_pattern", "motif", 0), ("random", "commonest_pattern", "random places", 3))),
)  # fmt: skip
_COLUMNS = 3


def draw(results: Results) -> Drawn:
    """Draw it.

    Raises
    ------
    InputError
        When the table is not there.
    """
    import pandas as pd

    table = results.table("diagnose/diagnostics.tsv", keep_default_na=False)
    table["kind"] = table["diagnostic"].str.partition(" ")[0]  # of `motif MA0139.1` and `random 19 bases`
    panels = [panel for panel in _PANELS if set(table["kind"]) >= {diagnostic for diagnostic, *_ in panel[3]}]
    rows = -(-len(panels) // _COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.1 + 1.7 * rows), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.08))
        axes = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True).ravel()
        for number, (ax, panel) in enumerate(zip(axes, panels, strict=False)):
            _draw_panel(table, panel, number, ax)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
    shown = [table[(table["kind"] == diagnostic) & (table["statistic"] == statistic)].assign(panel="abcdefghi"[number])
             for number, panel in enumerate(panels) for diagnostic, statistic, _, _ in panel[3]]  # fmt: skip
    numbers = pd.concat(shown, ignore_index=True)[["panel", "tokenizer", "diagnostic", "statistic", "value", "n"]]
    return Drawn(figure, {"numbers": numbers}, _caption(table))


def _draw_panel(table: "pd.DataFrame", panel: Any, number: int, ax: Any) -> None:
    import pandas as pd

    title, label, log, marks = panel
    order = list(dict.fromkeys(table["tokenizer"]))
    wide, series, counts = {}, [], set()
    for diagnostic, statistic, name, mark in marks:
        part = table[(table["kind"] == diagnostic) & (table["statistic"] == statistic)].set_index("tokenizer")
        wide[f"{diagnostic} {statistic}"] = part["value"].astype(float) * (100 if statistic in _SHARES else 1)
        counts |= set(part["n"])
        series.append((f"{diagnostic} {statistic}", name, mark))
    plot_marks(pd.DataFrame(wide).reindex(order), series, ax, label, log)
    n = " and ".join(f"{each:,}" for each in sorted(counts))
    title_above_legend(ax, "abcdefghi"[number], f"{title}, n = {n}")


def _caption(table: "pd.DataFrame") -> str:
    def number(tokenizer: str, diagnostic: str, statistic: str) -> float:
        rows = table[(table["kind"] == diagnostic) & (table["statistic"] == statistic)]
        return float(rows.set_index("tokenizer").at[tokenizer, "value"])

    first = table["tokenizer"].iloc[0]
    others = ", ".join(dict.fromkeys(table["tokenizer"].iloc[1:][table["tokenizer"].iloc[1:] != first]))
    cut = max(number(first, side, "bases_to_agreement_max") for side in ("cut_left", "cut_right"))
    motifs = dict.fromkeys(table.loc[table["kind"] == "motif", "diagnostic"])
    text = (
        f"Diagnostics of {first} beside {others or 'no other tokenizer'}. (a) Random windows moved by 1 to 200 bases: "
        f"boundaries shared in the overlap (Jaccard index), beside what independent boundaries of the same density "
        f"share. (b, c) Bases from a cut to the boundary from which on the tokens are those of the uncut chromosome; "
        f"{first}: {cut:.0f} at most (the authors of the paper advise 100 bases of flank). (d) Boundaries shared by "
        f"the encodings of the two strands. (e, f) One base replaced: tokens that change, and the bases in them. (g) "
        f"Boundaries of the tokenizer that longest match with the same tokens does not have."
    )
    if motifs:
        text += (
            f" (h, i) Occurrences of {next(iter(motifs)).replace('motif ', 'the motif ')} beside random places of the "
            f"same length: tokens that one touches, and share of the commonest way of cutting it; {first} cuts it in "
            f"{number(first, 'motif', 'patterns'):,.0f} ways."
        )
    return f"{text} n above each panel: windows, or occurrences of the motif and random places."
