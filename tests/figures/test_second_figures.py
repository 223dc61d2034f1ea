"""Figures 4 to 6, probes, layers and region."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.command import run
from grover_probe.errors import InputError
from grover_probe.figures.catalogue import FIGURES
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results

from . import small_results as small

NAMES = ("figure4", "figure5", "figure6", "probes", "layers", "region")


@pytest.fixture(scope="module")
def results(tiny_model_folder, tiny_network, tiny_fasta, tiny_genome, tiny_corpus, tiny_tokenizer, tmp_path_factory):
    """A small folder of results with everything that these figures need, and one untrained pass."""
    folder = tmp_path_factory.mktemp("results")
    found = small.make_pass(tiny_model_folder, tiny_fasta, folder / "pass")
    annotations = small.write_annotation(folder, tiny_genome)
    small.write_selfsim(found, tiny_corpus, annotations[0], folder / "selfsim")
    shutil.copytree(folder / "selfsim", folder / "selfsim-random")
    small.write_maps(found, annotations, folder)
    small.write_overlap(tiny_corpus, tiny_tokenizer, annotations, folder / "overlap")
    small.write_probes(folder / "probes")
    small.write_comparison(folder / "compare" / "promscan")
    small.write_region(tiny_network, tiny_corpus, tiny_tokenizer, annotations, tiny_genome, folder / "region")
    return Results(folder)


@pytest.fixture(scope="module")
def drawings(results: Results) -> dict[str, Drawn]:
    return {name: FIGURES[name].draw(results) for name in NAMES}


@pytest.fixture
def cli(monkeypatch, capfd):
    """A function that runs the command in this process: exit code and stderr."""
    from grover_probe.figures.command import app

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["figures", *map(str, arguments), "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "figures")
        return leaving.value.code or 0, capfd.readouterr().err

    return call


@pytest.mark.parametrize("name", NAMES)
def test_reads_as_a_figure(name: str, drawings: dict[str, Drawn], text_problems) -> None:
    drawn = drawings[name]
    width, height = drawn.figure.get_size_inches()
    assert width == 7.2 and height < 9.8
    assert not text_problems(drawn.figure)
    assert drawn.tables and all(len(table) for table in drawn.tables.values())
    numbers = drawn.caption.replace(",", "")
    assert any(character.isdigit() for character in numbers)


def test_captions_say_n_and_the_papers_numbers(drawings: dict[str, Drawn], results: Results) -> None:
    n_tokens = results.table("maps-tokens/tokens.parquet")["token"].nunique()
    n_windows = len(results.table("maps-windows/windows.parquet"))
    assert (
        f"{n_tokens} tokens" in drawings["figure4"].caption and "PC1 with frequency 0.88" in drawings["figure4"].caption
    )
    assert f"UMAP of {n_windows} windows" in " ".join(drawings["figure5"].caption.split())
    assert "n = " in drawings["figure6"].caption and "dnabert2" in drawings["figure6"].caption
    assert f"{len(results.table('region/tokens.tsv')):,} tokens" in " ".join(drawings["region"].caption.split())
    assert f"over {results.record('pass/extract.run.json')['n_tokens']:,} tokens" in drawings["layers"].caption


def test_tables_are_what_is_plotted(drawings: dict[str, Drawn], results: Results) -> None:
    ax = drawings["figure4"].figure.subfigs[0].axes[0]
    tokens = drawings["figure4"].tables["a_d_tokens"]
    np.testing.assert_allclose(ax.collections[0].get_offsets(), tokens[["pc1", "pc2"]])
    lines = {line.get_label(): line for line in drawings["layers"].figure.axes[1].lines}
    tops = drawings["layers"].tables["top_dimensions"]
    np.testing.assert_allclose(lines["one dimension"].get_ydata(), 100 * tops["top_1"])
    shares = np.load(results.path("pass/dimensions.npz"))["share"]
    np.testing.assert_allclose(tops["top_1"], shares.max(1))
    systems = drawings["figure6"].tables["systems"].set_index("system")
    points = {line.get_label(): line for line in drawings["figure6"].figure.axes[0].lines}
    assert points["most probable class"].get_xdata().tolist() == [systems.loc["gc", "mcc"]]
    texts = [text.get_text() for text in drawings["figure6"].figure.axes[0].texts]
    assert texts.count("not run") == 2


def test_shares_in_repeats_are_of_bases(drawings: dict[str, Drawn], results: Results) -> None:
    shares = drawings["figure4"].tables["j_repeats"]
    raw = results.table("overlap/tokens.parquet")
    one = raw[(raw["class"] == "LINE") & (raw["count"] > 0)].iloc[3]
    found = shares[(shares["class"] == "LINE") & (shares["token"] == one["token"])]
    assert found["share"].item() == pytest.approx(one["bases_inside"] / (one["count"] * one["length"]))
    assert shares.groupby("token")["share"].sum().max() <= 1 + 1e-9
    by_rank = shares.groupby("rank")["share"].sum()
    assert by_rank.is_monotonic_decreasing


def test_region_counts_tokens(drawings: dict[str, Drawn], results: Results) -> None:
    tokens = results.table("region/tokens.tsv")
    bins, classes = drawings["region"].tables["a_bins"], drawings["region"].tables["c_classes"]
    assert bins["n"].sum() == len(tokens)
    assert (bins["n"] * bins["top1"]).sum() == pytest.approx(tokens["top1"].sum())
    exons = results.table("region/annotation.tsv")
    exons = exons[exons["annotation"] == "exons"]
    inside = sum(
        any(row.start < end and row.end > start for start, end in zip(exons["start"], exons["end"], strict=True))
        for row in tokens.itertuples()
    )
    assert classes.set_index("class").loc["exons", "n"] == inside


def test_close_up_has_no_gap() -> None:
    from grover_probe.figures.region import close_up

    starts = np.concatenate([np.arange(0, 400, 4), np.arange(500, 900, 4)])
    probability = np.where((starts >= 360) & (starts < 560), 0.9, 0.1)
    tokens = pd.DataFrame({"start": starts, "end": starts + 4, "probability": probability})
    found = close_up(tokens, 80)
    assert (found["start"].to_numpy()[1:] == found["end"].to_numpy()[:-1]).all()
    assert 70 < found["end"].max() - found["start"].min() <= 80 and found["probability"].mean() > 0.5


def test_genes_do_not_share_a_lane() -> None:
    from grover_probe.figures.region import lanes

    genes = pd.DataFrame({"start": [0, 50, 300, 120], "end": [100, 60, 400, 310]})
    assert lanes(genes, room=10).tolist() == [0, 1, 1, 0]
    assert lanes(genes, room=500).tolist() == [0, 1, 3, 2]  # for their names


def test_files_are_listed_and_the_same_again(results: Results, cli, tmp_path: Path) -> None:
    done = [cli("figure6", "--results", results.folder, "--out", tmp_path / name) for name in ("one", "two")]
    assert done[0][0] == done[1][0] == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    names = {f"figure6.{ending}" for ending in ("png", "svg", "pdf", "rst", "systems.tsv", "run.json")}
    assert names == one.keys()
    assert all(name in done[0][1] for name in names if not name.endswith(".run.json"))
    assert all(one[name] == two[name] for name in names if not name.endswith(".run.json"))
    assert small.read(tmp_path / "one" / "figure6.systems.tsv")["task"].unique().tolist() == ["promscan"]


def test_long_tables_are_packed(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    table = pd.DataFrame({"x": range(10_001)})
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files = Drawn(Figure(figsize=(1, 1)), {"long": table, "short": table[:5]}, "n = 5.").save(tmp_path / name, "f")
        assert "f.long.tsv.gz" in files and "f.short.tsv" in files
    assert pd.read_csv(tmp_path / "one" / "f.long.tsv.gz", sep="\t").equals(table)
    one, two = ((tmp_path / name / "f.long.tsv.gz").read_bytes() for name in ("one", "two"))
    assert one == two


def test_what_is_not_there_is_left_out(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "less"
    shutil.copytree(results.folder, folder)
    shutil.rmtree(folder / "selfsim-random")
    tokens = results.table("overlap/tokens.parquet")
    tokens.assign(annotation="other").to_parquet(folder / "overlap" / "tokens.parquet")
    annotation = results.table("region/annotation.tsv")
    annotation[annotation["annotation"] == "ctcf"].to_csv(folder / "region" / "annotation.tsv", sep="\t", index=False)
    fewer = Results(folder)
    assert "j_repeats" not in FIGURES["figure4"].draw(fewer).tables
    whole, fewer = Results(results.folder), Results(folder)
    assert set(FIGURES["figure5"].draw(fewer).tables["a_f_layers"]["model"]) == {"trained"}
    FIGURES["figure5"].draw(whole)
    assert whole.used - fewer.used == {"selfsim-random"}  # the record of a figure names what it was drawn from
    assert len(FIGURES["region"].draw(fewer).tables["c_classes"]) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_is_one_line(name: str, results: Results, cli, tmp_path: Path) -> None:
    need = FIGURES[name].needs[0]
    (tmp_path / "results").mkdir()
    code, err = cli(name, "--results", tmp_path / "results", "--out", tmp_path / "out")
    assert code == 2 and err.count("\n") == 1 and need in err and "python -m grover_probe" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("model_first", (True, False))
def test_what_pretraining_gave_is_the_model_less_its_own_shape(tmp_path: Path, model_first: bool) -> None:
    """Of two models, their random weights and a forest, the two pairs that read the same files, the model first."""
    from grover_probe.figures.finetuning import _gains

    folder = tmp_path / "compare" / "ctcf"
    folder.mkdir(parents=True)
    names = ["a", "b", "random", "random-b", "forest"]
    if not model_first:
        names.reverse()
    score = dict(zip(["a", "b", "random", "random-b", "forest"], [0.9, 0.7, 0.5, 0.4, 0.1], strict=True))
    rows = [
        {"system": one, "against": two, "mcc": score[one] - score[two], "mcc_low": score[one] - score[two] - 0.2,
         "mcc_high": score[one] - score[two] + 0.1, "auroc": 0.0, "auroc_low": 0.0, "auroc_high": 0.0}
        for number, one in enumerate(names) for two in names[number + 1 :]
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "differences.tsv", sep="\t", index=False)
    read = {
        name: {"model": name[-1] if name != "random" else "a", "settings": {"random_weights": "random" in name}}
        for name in names[: names.index("forest")] + names[names.index("forest") + 1 :]
    }
    (folder / "compare.run.json").write_text(json.dumps({"inputs": {"systems": {**read, "forest": {"trees": 3}}}}))
    found = _gains(Results(tmp_path), "ctcf").set_index("system").sort_index()
    assert found["against"].to_dict() == {"a": "random", "b": "random-b"}
    low, high = (-0.2, 0.1) if model_first else (-0.1, 0.2)
    assert found["mcc"].tolist() == pytest.approx([0.4, 0.3])
    assert (found["mcc_low"] - found["mcc"]).tolist() == pytest.approx([low, low])
    assert (found["mcc_high"] - found["mcc"]).tolist() == pytest.approx([high, high])


def test_a_comparison_of_no_known_task_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "compare" / "mine").mkdir(parents=True)
    with pytest.raises(InputError, match="no comparison"):
        FIGURES["figure6"].draw(Results(tmp_path))
