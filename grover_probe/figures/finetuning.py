"""Figure 6: every system on every task."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from grover_probe.compare.differences import COMPARED
from grover_probe.compare.systems import SYSTEMS
from grover_probe.errors import InputError
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results
from grover_probe.plotting.compare import plot_systems, short_status
from grover_probe.plotting.style import STYLE, title_panel

if TYPE_CHECKING:
    import pandas as pd

#: Folders of ``compare`` that are drawn, those of the paper's three tasks first, and what they are called.
TASKS = {
    "prom300-tokens": "Prom300, tokens shuffled",
    "promscan": "PromScan",
    "ctcf": "CTCF",
    "prom300-retokenised": "Prom300, retokenised",
    "prom300": "Prom300, dinucleotides kept",
    "ctcf-matched": "CTCF, matched negatives",
}
_COLUMNS = 3
_ROW = 0.165  # inches per system
NOT_ASKED = "not asked"


def draw(results: Results) -> Drawn:
    """Matthews correlation of each system with its interval, one panel per task that is there.

    Raises
    ------
    InputError
        When no task is.
    """
    import pandas as pd

    names = [name for name in TASKS if results.has(f"compare/{name}/systems.tsv")]
    if not names:
        raise InputError(
            f"{results.path('compare')}: no comparison in it; expected one of {', '.join(TASKS)}, made by "
            "python -m grover_probe.compare"
        )
    systems = side_by_side({name: results.table(f"compare/{name}/systems.tsv") for name in names})
    gains = pd.concat([_gains(results, name).assign(task=name) for name in names], ignore_index=True)
    with mpl.rc_context(STYLE):
        figure = _compose(systems, names)
    tables = {"systems": systems, **({"pretraining": gains} if len(gains) else {})}
    return Drawn(figure, tables, _caption(systems, names, gains))


def side_by_side(tables: "dict[str, pd.DataFrame]") -> "pd.DataFrame":
    """The tables of several comparisons as one, with a row for each system on each task.

    Parameters
    ----------
    tables
        By task: ``systems.tsv`` of `grover_probe.compare.result.Comparison`.

    Returns
    -------
    pandas.DataFrame
        The same with ``task`` in front. Systems are in the same order in all; a system that a comparison was not asked
        for has the status ``not asked``.
    """
    import pandas as pd

    given = list(dict.fromkeys(name for table in tables.values() for name in table["system"]))
    known = [system.name for system in SYSTEMS if system.name in given]
    order = known + [name for name in given if name not in known]
    titles = {row.system: row.title for table in tables.values() for row in table.itertuples()}
    parts = []
    for task, table in tables.items():
        part = table.set_index("system").reindex(order).reset_index()
        part["status"] = part["status"].fillna(NOT_ASKED)
        part["title"] = part["system"].map(titles)
        parts.append(part.assign(task=task))
    found = pd.concat(parts, ignore_index=True)
    return found[["task", *(name for name in found if name != "task")]]


def _gains(results: Results, task: str) -> "pd.DataFrame":
    """What pretraining gave: models less random weights of the same shape, of those pairs that read the same files."""
    import pandas as pd

    pairs = results.table(f"compare/{task}/differences.tsv")
    read = results.record(f"compare/{task}/compare.run.json")["inputs"]["systems"]
    networks = {name: content["settings"]["random_weights"] for name, content in read.items() if "model" in content}
    both = pd.concat([pairs, _turned(pairs)], ignore_index=True)
    kept = [
        networks.get(row.system) is False
        and networks.get(row.against) is True
        and read[row.system]["model"] == read[row.against]["model"]
        for row in both.itertuples()
    ]
    return both[kept]


def _turned(pairs: "pd.DataFrame") -> "pd.DataFrame":
    """The second system of each pair less the first."""
    turned = {"system": pairs["against"], "against": pairs["system"]}
    for name in COMPARED:
        turned |= {name: -pairs[name], f"{name}_low": -pairs[f"{name}_high"], f"{name}_high": -pairs[f"{name}_low"]}
    return pairs.assign(**turned)


def _compose(systems: "pd.DataFrame", names: list[str]) -> Figure:
    n_rows, n_systems = -(-len(names) // _COLUMNS), systems["system"].nunique()
    height = n_rows * (_ROW * n_systems + 0.75) + 0.3
    figure = Figure(figsize=(7.2, height), layout="constrained")
    columns = min(_COLUMNS, len(names))
    axes: Any = figure.subplots(n_rows, columns, squeeze=False, sharey=True)
    done = systems[systems["status"] == "done"]
    low = done[["mcc_low", "mcc_cut_low"]].min().min()
    handles: dict[str, Any] = {}
    for number, (ax, name) in enumerate(zip(axes.ravel(), names, strict=False)):
        part = systems[systems["task"] == name]
        plot_systems(part, ax, reasons=False)
        ax.set_xlim(min(-0.05, low - 0.02 if low == low else 0), 1.03)
        ax.xaxis.set_major_locator(MultipleLocator(0.5 if low < -0.3 else 0.25))  # labels that do not touch
        n_test = part["n_test"].dropna()
        ax.set_xlabel("MCC, test split" + (f", n = {int(n_test.iloc[0]):,}" if len(n_test) else ""))
        ax.tick_params(axis="y", length=0)
        for row in range(1, n_systems, 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#F5F5F5", zorder=0, lw=0)
        title_panel(ax, "abcdef"[number], TASKS[name])
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for ax in axes.ravel()[len(names) :]:
        ax.axis("off")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles), handletextpad=0.3)
    return figure


def _caption(systems: "pd.DataFrame", names: list[str], gains: "pd.DataFrame") -> str:
    panels = []
    for letter, name in zip("abcdef", names, strict=False):
        part = systems[systems["task"] == name]
        done = part[part["status"] == "done"]
        text = f"({letter}) {TASKS[name]}"
        if len(done):
            best = done.loc[done["mcc"].idxmax()]
            text += (
                f", n = {int(done['n_test'].iloc[0]):,} test examples, seeds: {int(done['n_seeds'].max())}; best "
                f"{best['system']} {best['mcc']:.2f} ({best['mcc_low']:.2f} to {best['mcc_high']:.2f})"
            )
        paper = part.dropna(subset=["paper_mcc"])
        if len(paper):
            text += "; the paper, " + ", ".join(f"{row.system} {row.paper_mcc:g}" for row in paper.itertuples())
        pretrained = [
            f"{row.system} {row.mcc:+.2f} ({row.mcc_low:.2f} to {row.mcc_high:.2f})"
            for row in gains[gains["task"] == name].itertuples()
        ]
        if pretrained:
            text += f"; less random weights of the same shape, paired, {', '.join(pretrained)}"
        panels.append(text)
    missing = [name for name in TASKS if name not in names]
    reasons: dict[str, list[str]] = {}
    for row in systems[~systems["status"].isin(["done", NOT_ASKED])].itertuples():
        here = reasons.setdefault(short_status(row.status), [])
        if row.system not in here:
            here.append(row.system)
    text = f"""Systems on the tasks of the paper: Matthews correlation on the test split with 95 % bootstrap
    intervals over groups and seeds, of the most probable class, and after a cut chosen on validation; crosses: what
    the GROVER paper gives for that kind of system on its own data, genome-wide. {". ".join(panels)}."""
    if reasons:
        listed = (f"{reason.replace(': ', ', ')} ({', '.join(found)})" for reason, found in reasons.items())
        text += f" Listed without a number: {'; '.join(listed)}."
    if missing:
        text += f" No comparison of {', '.join(TASKS[name] for name in missing)} is in these results."
    return text
