"""Figure 3: the vocabulary, and how well each of its tokens is predicted."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from grover_probe.figures import paper, token_tables
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.masked_tokens import evaluated
from grover_probe.figures.results import Results
from grover_probe.plotting.evaluate import plot_by_class, plot_by_frequency
from grover_probe.plotting.style import STYLE, note_n, title_panel
from grover_probe.plotting.vocabulary import (
    BASE_COLOURS,
    plot_expected,
    plot_first_bases,
    plot_frequencies,
    plot_lengths,
)
from grover_probe.plotting.wordcloud import lay_words, plot_words

if TYPE_CHECKING:
    import pandas as pd

_WIDTH, _HEIGHT = 7.2, 8.7  # inches
_CLOUD = (7.0, 2.1)  # inches
_TOP, _BETWEEN = 0.24, 0.1  # inches above and below the cloud
_POINTS = 72
_SCORES = (("accuracy", "accuracy (%)"), ("auc", "AUC (%)"))


def draw(results: Results) -> Drawn:
    """Draw it.

    Raises
    ------
    InputError
        When a table is not there, or the evaluated model has another vocabulary.
    """
    used = token_tables.tokens_in_use(results.table("vocabulary/vocabulary.parquet"))
    model = evaluated(results)[0]
    predicted = token_tables.predicted_tokens(results.table(f"evaluate/{model}/tokens.tsv"), used)
    placed, lengths = token_tables.by_length(predicted)
    groups = token_tables.by_frequency(predicted)
    words = used.rename(columns={"token": "word", "per_million": "weight"})[["word", "weight"]]
    cloud = lay_words(words.assign(group=words["word"].str[0]), *(_POINTS * side for side in _CLOUD))
    tables = {
        "a_cloud": cloud,
        "b_lengths": token_tables.length_table(used),
        "c_frequencies": token_tables.frequency_table(used),
        "d_first_bases": token_tables.first_base_table(used),
        "e_expected": token_tables.expectation_table(used),
        "f_tokens": placed,
        "f_lengths": lengths,
        "g_frequencies": groups,
    }
    paper_median = 1e6 * paper.MEDIAN_COUNT / (paper.HG19_BASES / paper.MEAN_TOKEN_LENGTH)
    with mpl.rc_context(STYLE):
        below = (_HEIGHT - _TOP - _CLOUD[1] - _BETWEEN) / _HEIGHT
        figure = Figure((_WIDTH, _HEIGHT), layout=ConstrainedLayoutEngine(rect=(0, 0, 1, below), h_pad=0.05))
        _draw_cloud(cloud, len(used), figure)
        grid = figure.add_gridspec(3, 6)
        axes = [figure.add_subplot(grid[0, column : column + 2]) for column in (0, 2, 4)]
        plot_lengths(tables["b_lengths"], axes[0])
        plot_frequencies(tables["c_frequencies"], used["per_million"].median(), paper_median, axes[1])
        plot_first_bases(tables["d_first_bases"], axes[2])
        axes.append(figure.add_subplot(grid[1:, :2]))
        plot_expected(tables["e_expected"], axes[3])
        for ax, letter in zip(axes, "bcde", strict=True):
            title_panel(ax, letter)
            note_n(ax, f"n = {len(used):,} tokens")
        _draw_scores(placed, lengths, groups, figure, grid)
    return Drawn(figure, tables, _caption(used, cloud, predicted, lengths, model, paper_median))


def _draw_cloud(cloud: "pd.DataFrame", n: int, figure: Figure) -> None:
    wide, high = _CLOUD
    left, bottom = (_WIDTH - wide) / 2, _HEIGHT - _TOP - high
    ax = figure.add_axes((left / _WIDTH, bottom / _HEIGHT, wide / _WIDTH, high / _HEIGHT))
    plot_words(cloud, _POINTS * wide, _POINTS * high, BASE_COLOURS, ax)
    title_panel(ax, "a")
    note_n(ax, f"{len(cloud)} of n = {n:,} tokens")
    dots = [Line2D([], [], marker="o", ls="none", ms=5, color=colour) for colour in BASE_COLOURS.values()]
    ax.legend(dots, [f"{base}..." for base in BASE_COLOURS], loc="lower left", bbox_to_anchor=(0.03, 0.985), ncols=4,
              handletextpad=0.1, columnspacing=0.8, borderaxespad=0, title=None)  # fmt: skip


def _draw_scores(
    placed: "pd.DataFrame", lengths: "pd.DataFrame", groups: "pd.DataFrame", figure: Figure, grid: Any
) -> None:
    dots = placed[placed["masked"] >= token_tables.FEWEST_MASKED]
    for row, (score, label) in enumerate(_SCORES, 1):
        left, right = figure.add_subplot(grid[row, 2:4]), figure.add_subplot(grid[row, 4:])
        plot_by_class(_per_cent(dots), _per_cent(lengths), score, left, label)
        left.set_xlabel("token length (bases)")
        plot_by_frequency(_per_cent(dots), _per_cent(groups), score, right, label)
        for ax, letter in zip((left, right), "fghi"[2 * row - 2 :], strict=False):
            title_panel(ax, letter)
            note_n(ax, f"n = {placed['masked'].sum():,} masked")


def _per_cent(table: "pd.DataFrame") -> "pd.DataFrame":
    scores = [name for name in table if name.startswith(("accuracy", "auc"))]
    return table.assign(**{name: 100 * table[name] for name in scores})


def _caption(
    used: "pd.DataFrame", cloud: "pd.DataFrame", predicted: "pd.DataFrame", lengths: "pd.DataFrame", model: str,
    paper_median: float,
) -> str:  # fmt: skip
    at = used["token"].str.match("[AT]").mean()
    mean = (used["length"] * used["count"]).sum() / used["count"].sum()
    worst = lengths.loc[lengths["accuracy"].idxmin()]
    return (
        f"(a) Tokens by frequency: the area of the letters is proportional to it, the colour is that of the first "
        f"base; the {len(cloud)} commonest of {len(used)} tokens in use (the paper: {paper.TOKENS_IN_USE}). (b) "
        f"Lengths; mean by occurrence {mean:.2f} bases (the paper: {paper.MEAN_TOKEN_LENGTH}). (c) Frequencies; median "
        f"{used['per_million'].median():,.0f} per million of {used['count'].sum():,} tokens (the paper: about "
        f"{paper.MEDIAN_COUNT:,} times in hg19, which is {paper_median:,.0f} per million). (d) First bases: "
        f"{100 * at:.1f} % of the tokens begin with A or T (the paper: {100 * paper.FIRST_BASE_AT:.0f} %). (e) "
        f"Observed frequency against that expected of the bases of a token, relative to all tokens in use; the "
        f"farthest above and below are named. (f-i) Masked prediction by {model}: accuracy, and area under the ROC "
        f"curve of each token against all others, by length and by frequency; dots are tokens masked at least "
        f"{token_tables.FEWEST_MASKED} times, black bars all masked tokens of a length or of an eighth of the tokens, "
        f"with 95 % of bootstrap draws of tokens. Predicted worst here: {worst['name']} bases, "
        f"{100 * worst['accuracy']:.1f} % (n = {worst['masked']:,.0f}); in the paper: 6 bases. "
        f"n = {predicted['masked'].sum():,} masked tokens, {len(predicted)} different ones."
    )
