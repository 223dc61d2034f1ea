"""Planted structure: probes find what is there and nothing else, and controls tell composition from context."""

from pathlib import Path

import pandas as pd
import pytest

from grover_probe.probes.table import ProbeResult, best_rows


@pytest.fixture(scope="module")
def folder(planted, probes_command, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("planted") / "out"
    done = probes_command(
        *planted.options, *planted.annotations("order", "rich", "nothing"), "--level", "windows",
        "--probes", "linear,knn", "--out", str(out),
    )  # fmt: skip
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "probes.tsv", sep="\t", keep_default_na=False, na_values=[""])


def test_shows_itself(table: pd.DataFrame) -> None:
    result = ProbeResult(table)
    shown = result.overview()
    assert sorted(shown["target"].unique()) == ["gc", "nothing", "order", "rich"]
    assert repr(result) == f"ProbeResult(4 targets, {len(table)} rows)"
    assert "best_control" in result._repr_html_()


def _best(table: pd.DataFrame, target: str, probe: str = "linear") -> pd.Series:
    rows = best_rows(table)
    return rows[(rows["target"] == target) & (rows["probe"] == probe)].iloc[0]


@pytest.mark.parametrize("probe", ["linear", "knn"])
def test_context_is_found_where_it_is_and_no_control_has_it(table: pd.DataFrame, probe: str) -> None:
    best = _best(table, "order", probe)
    assert best["score"] > 0.9
    assert best["best_control_score"] < 0.7
    assert best["flag"] != best["flag"]  # empty
    assert best["gain_low"] > 0.2
    assert {each.split(" ")[0] for each in best["chosen"].split(", ")} == {"1:mean"}
    assert best["bits_saved"] > 0.2
    assert best["selectivity"] > 0.1


@pytest.mark.parametrize("probe", ["linear", "knn"])
def test_composition_is_found_and_flagged(table: pd.DataFrame, probe: str) -> None:
    best = _best(table, "rich", probe)
    assert best["score"] > 0.85
    assert best["flag"] == "control within interval"
    assert best["best_control"] in ("composition", "kmer_spectrum", "input_embeddings", "random_model")
    rows = table[(table["target"] == "rich") & (table["probe"] == probe) & (table["features"] == "shuffled_labels")]
    assert rows["score"].iloc[0] < 0.62


@pytest.mark.parametrize("probe", ["linear", "knn"])
def test_nothing_is_found_where_nothing_is(table: pd.DataFrame, probe: str) -> None:
    best = _best(table, "nothing", probe)
    assert best["ci_low"] < 0.5 < best["ci_high"] + 0.05
    assert best["flag"] == "control within interval"
    assert best["bits_saved"] < 0.02


def test_every_control_is_in_the_table(table: pd.DataFrame) -> None:
    expected = {
        "model", "random_model", "input_embeddings", "composition", "kmer_spectrum", "one_hot", "shuffled_labels",
        "control_task",
    }  # fmt: skip
    for (_, probe), rows in table[table["probe"] != "prior"].groupby(["target", "probe"]):
        assert set(rows["features"]) == expected, probe
    assert set(table.loc[table["probe"] == "prior", "features"]) == {"majority", "mean"}
    assert len(table[(table["features"] == "model") & (table["target"] == "order")]) == 2 * (3 * 2 + 1)


def test_majority_knows_nothing_and_gc_is_composition(table: pd.DataFrame) -> None:
    prior = table[table["probe"] == "prior"]
    assert (prior.loc[prior["features"] == "majority", "score"] == 0.5).all()
    assert prior.loc[prior["features"] == "mean", "score"].iloc[0] <= 0
    gc = table[(table["target"] == "gc") & (table["features"] == "kmer_spectrum") & (table["probe"] == "linear")]
    assert gc["score"].iloc[0] > 0.95


def test_control_task_is_about_tokens(table: pd.DataFrame) -> None:
    """Random values of token types: the mean static vector says them better than the bases in the middle do."""
    rows = table[(table["features"] == "control_task") & (table["probe"] == "linear") & (table["target"] == "gc")]
    assert rows["metric"].iloc[0] == "r2"
    assert rows["score"].iloc[0] < 0.9


def test_figure_has_a_panel_per_target_and_every_control(folder: Path) -> None:
    drawn = (folder / "probes.svg").read_text(encoding="utf-8")
    for text in (
        "order (windows)",
        "gc (windows)",
        "kmer spectrum",
        "random model",
        "majority or mean",
        "model, [CLS]",
    ):
        assert text in drawn
    assert (folder / "probes.png").stat().st_size > 10_000
