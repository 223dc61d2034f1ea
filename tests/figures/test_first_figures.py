"""Figures 1 to 3 and the diagnostics, from small results on sequence of the sample."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from grover_probe.corpus import tokenize
from grover_probe.data.sample import CHECKPOINT, GENOME, SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.evaluate.evaluation import evaluate
from grover_probe.figures import choice, paper, token_tables, tokens_and_model
from grover_probe.figures.catalogue import FIGURES
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.encoding_steps import steps_of
from grover_probe.figures.results import Results
from grover_probe.genome import Genome, decode_bases, open_genome
from grover_probe.kmer import KmerTokenizer, open_tokenizer
from grover_probe.nextkmer.curve import choose_cycles
from grover_probe.plotting.style import save_figure
from grover_probe.plotting.wordcloud import lay_words
from grover_probe.provenance import write_run
from grover_probe.vocabulary import diagnose, vocabulary_table
from grover_probe.vocabulary.motif import read_pfm

MINE = ("figure1", "figure2", "figure3", "diagnostics")
BASES = 150_000


@pytest.fixture(scope="module")
def genome(write_fasta, tmp_path_factory) -> Genome:
    """The first bases of the embedded slice."""
    text = decode_bases(open_genome(sample_path(GENOME)).codes(SLICE_NAME)[:BASES])
    return open_genome(write_fasta(tmp_path_factory.mktemp("piece") / "piece.fa", {"piece": text}))


@pytest.fixture(scope="module")
def folder(genome: Genome, tmp_path_factory) -> Path:
    """Results as the commands write them: tables of the embedded checkpoint, and a sweep in small."""
    out = tmp_path_factory.mktemp("results")
    tokenizer = open_tokenizer(sample_path(CHECKPOINT))
    vocabulary_table(tokenizer, tokenize(genome, tokenizer, progress=False), progress=False).save(out / "vocabulary")
    write_run(out / "vocabulary" / "vocabulary.run.json", inputs={}, parameters={})
    schemes = {"BPE-600": tokenizer, "4-mer": KmerTokenizer(4)}
    motif = read_pfm(sample_path("MA0139.1.pfm"))
    diagnose(schemes, genome, motif=motif, windows=50, progress=False).save(out / "diagnose")
    _evaluate(genome, out / "evaluate")
    _sweep(out / "nextkmer")
    return out


def _evaluate(genome: Genome, out: Path) -> None:
    """The embedded checkpoint on BPE, and one that knows nothing on 4-mers."""
    from grover_probe.models import load

    model = load(sample_path(CHECKPOINT), device="cpu")
    how = {"n_masked": 400, "mask_rate": 0.1, "window": 128, "progress": False}
    for name, tokenizer in (("checkpoint", open_tokenizer(sample_path(CHECKPOINT))), ("4-mer", KmerTokenizer(4))):
        n_ids = tokenizer.n_ids
        logits = model.masked_logits if name == CHECKPOINT else lambda ids, mask, at, n=n_ids: _nothing(at, n)
        corpus = tokenize(genome, tokenizer, progress=False)
        (out / name).mkdir(parents=True)
        evaluate(logits, corpus, corpus.runs(), tokenizer.pieces, **how).save(out / name)


def _nothing(selected, n_ids: int):
    import torch

    logits = torch.zeros(int(selected.sum()), n_ids)
    logits[:, :5] = -torch.inf  # special tokens
    return logits


def _sweep(out: Path) -> None:
    """A sweep that was run on the slice (tests/figures/nextkmer.tsv), its curve with draws from the intervals."""
    table = pd.read_csv(Path(__file__).with_name("nextkmer.tsv"), sep="\t")
    points = table[table["kind"] == "bpe"].pivot(index="k", columns="cycles", values="accuracy")
    noise = 0.003 * np.random.default_rng(0).normal(size=(100, *points.shape))
    values = np.concatenate([points.to_numpy()[None], points.to_numpy() + noise])
    found = choose_cycles(list(points.columns), list(points.index), values)
    out.mkdir()
    table.to_csv(out / "nextkmer.tsv", sep="\t", index=False)
    found.to_frame().to_csv(out / "curves.tsv", sep="\t", index=False)
    (out / "choice.json").write_text(json.dumps({"metric": "accuracy", **found.summary()}))


@dataclass(frozen=True)
class Saved(Drawn):
    """A figure and the SVG that was written of it."""

    svg: bytes = b""


@pytest.fixture(scope="module")
def drawn(folder: Path, tmp_path_factory) -> dict[str, Saved]:
    """Each figure, drawn and written once."""
    out, found = tmp_path_factory.mktemp("drawn"), {}
    for name in MINE:
        one = FIGURES[name].draw(Results(folder))
        (path,) = save_figure(one.figure, out / name, ("svg",))
        found[name] = Saved(one.figure, one.tables, one.caption, path.read_bytes())
    return found


@pytest.fixture
def without(folder: Path, tmp_path: Path):
    """A function that gives the results without some of them."""

    def copy(*names: str) -> Results:
        target = tmp_path / "some results"
        shutil.copytree(folder, target)
        for name in names:
            path = target / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return Results(target)

    return copy


@pytest.mark.parametrize("name", MINE)
def test_no_text_is_cut_hidden_or_tiny(name, drawn, text_problems):
    assert drawn[name].figure.get_size_inches()[0] <= 7.2
    assert text_problems(drawn[name].figure) == []


@pytest.mark.parametrize(
    ("name", "panels"),
    [("figure1", "(a) (b) (c)"), ("figure2", "(a) (b) (c) (d-f)"), ("figure3", "(a) (b) (c) (d) (e) (f-i)"),
     ("diagnostics", "(a) (b, c) (d) (e, f) (g) (h, i)")],
)  # fmt: skip
def test_caption_says_every_panel_and_n(name, panels, drawn):
    assert [part for part in panels.split(" (") if part.strip("()") not in drawn[name].caption] == []
    bold = {text for text in _texts(drawn[name].figure) if len(text) == 1 and text in "abcdefghi"}
    assert max(bold) == panels[-2]  # the last letter that is drawn is the last that is described
    assert any("n = " in text for text in _texts(drawn[name].figure))


def test_the_command_writes_the_same_bytes(folder, tmp_path):
    done = _command("diagnostics", "--results", folder, "--out", tmp_path / "command")
    assert done.returncode == 0, done.stderr
    (tmp_path / "here").mkdir()
    files = FIGURES["diagnostics"].draw(Results(folder)).save(tmp_path / "here", "diagnostics")
    record = json.loads((tmp_path / "command" / "diagnostics.run.json").read_text())
    assert record["command"][:4] == ["python", "-m", "grover_probe.figures", "diagnostics"]
    assert set(record["inputs"]) == {"diagnose"}
    listed = record["outputs"]
    assert listed.keys() == set(files) >= {f"diagnostics.{ending}" for ending in ("png", "svg", "pdf", "rst")}
    for file in files:
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "command" / file).read_bytes(), file


@pytest.mark.parametrize("name", ("figure1", "figure2", "figure3"))
def test_drawn_again_it_is_the_same(name, folder, drawn, tmp_path):
    again = FIGURES[name].draw(Results(folder))
    (saved,) = save_figure(again.figure, tmp_path / name, ("svg",))
    assert saved.read_bytes() == drawn[name].svg
    for table, content in drawn[name].tables.items():
        pd.testing.assert_frame_equal(content, again.tables[table])


@pytest.mark.parametrize(
    ("name", "missing", "maker"),
    [("figure1", "vocabulary", "grover_probe.vocabulary"), ("figure2", "nextkmer", "grover_probe.nextkmer"),
     ("figure2", "evaluate/checkpoint evaluate/4-mer", "grover_probe.evaluate"),
     ("figure3", "evaluate", "grover_probe.evaluate"), ("diagnostics", "diagnose", "grover_probe.vocabulary diagnose")],
)  # fmt: skip
def test_missing_results_are_one_line(name, missing, maker, without):
    with pytest.raises(InputError, match=f"not there; python -m {maker}"):
        FIGURES[name].draw(without(*missing.split()))


def test_a_missing_folder_ends_the_command_and_leaves_nothing(without, tmp_path):
    results = without("vocabulary")
    done = _command("figure1", "--results", results.folder, "--out", tmp_path / "out")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "vocabulary" in done.stderr and not (tmp_path / "out").exists()


def test_optional_results_may_be_absent(without):
    results = without("evaluate/4-mer", "nextkmer/choice.json", "nextkmer/curves.tsv")
    drawn = FIGURES["figure2"].draw(results)
    assert drawn.tables["d_perplexity"]["system"].tolist() == ["checkpoint"]
    assert drawn.tables["a_loess"].empty and "a_choice" not in drawn.tables


def test_diagnostics_without_a_motif(without):
    results = without()
    path = results.folder / "diagnose" / "diagnostics.tsv"
    table = pd.read_csv(path, sep="\t")
    table[~table["diagnostic"].str.contains("motif|random")].to_csv(path, sep="\t", index=False)
    drawn = FIGURES["diagnostics"].draw(results)
    assert set(drawn.tables["numbers"]["panel"]) == set("abcdefg") and "(h, i)" not in drawn.caption


class TestFigure1:
    def test_steps_are_encodings(self, folder, drawn):
        drawn = drawn["figure1"]
        steps = drawn.tables["a_steps"]
        tokenizer = open_tokenizer(sample_path(CHECKPOINT))
        text = "".join(steps.loc[steps["step"] == 0, "token"])
        for _, step in steps.groupby("step"):
            assert "".join(step["token"]) == text
            assert (step["end"] - step["start"]).tolist() == step["token"].str.len().tolist()
        counts = steps.groupby("step").size()
        assert (counts.diff().dropna()[:6] < 0).all()  # each of the first merges happens
        from grover_probe.genome import encode_bases

        ids = tokenizer.encode(encode_bases(text)).ids
        last = steps.loc[steps["step"] == steps["step"].max(), "token"].tolist()
        assert last == [tokenizer.pieces[number - 5] for number in ids.tolist()]

    def test_steps_of_few_merges(self):
        steps = steps_of("TTTTA", [(8, 8), (9, 9)])
        assert steps.groupby("step")["token"].agg(" ".join).tolist() == ["T T T T A", "TT TT A", "TTTT A"]

    def test_k_mers_have_no_merges(self, without):
        results = without()
        path = results.folder / "vocabulary" / "vocabulary.parquet"
        pd.read_parquet(path).assign(merge_rank=pd.NA).to_parquet(path)
        with pytest.raises(InputError, match="without merges"):
            tokens_and_model.draw(results)

    def test_shape_comes_from_the_model(self, without, drawn):
        results = without()
        shape = drawn["figure1"].tables["b_model"].set_index("number")
        assert shape.loc["layers"].tolist() == [4, paper.SHAPE["layers"]]
        assert shape.at["parameters", "model"] == 3_513_953
        assert {"x 4", "256", "1,024", "3.5 M", "87.1 M"} <= _texts(drawn["figure1"].figure)
        (results.folder / "random").mkdir()
        config = json.loads((sample_path(CHECKPOINT) / "config.json").read_text()) | {"num_hidden_layers": 7}
        (results.folder / "random" / "config.json").write_text(json.dumps(config))
        again = tokens_and_model.draw(results)
        assert again.tables["b_model"].set_index("number").at["layers", "model"] == 7
        assert {"x 7", "?"} <= _texts(again.figure)  # without weights parameters are not known

    def test_lengths(self, folder, drawn):
        used = pd.read_parquet(folder / "vocabulary" / "vocabulary.parquet")
        drawn = drawn["figure1"]
        lengths = drawn.tables["c_lengths"]
        assert lengths["share"].sum() == pytest.approx(1) and lengths["occurrences"].sum() == used["count"].sum()
        bars = [patch.get_height() for ax in drawn.figure.get_axes() for patch in ax.patches if ax.get_xlabel()]
        assert bars == pytest.approx((100 * lengths["share"]).tolist())
        mean = np.average(used["length"], weights=used["count"])
        assert f"mean {mean:.2f} bases, in the paper 4.07" in drawn.caption


class TestFigure2:
    def test_a_model_that_knows_nothing(self, folder, drawn):
        measured = drawn["figure2"].tables["d_perplexity"].set_index("system")
        row = measured.loc["4-mer"]  # 260 pieces, all held equally likely
        assert row["perplexity"] == pytest.approx(260, rel=1e-4)
        assert row["percent_of_vocabulary"] == pytest.approx(100, rel=1e-4)
        assert row["bits_per_base"] == pytest.approx(np.log2(260) / 4, rel=1e-2)
        assert row["perplexity_low"] == pytest.approx(row["perplexity_high"], rel=1e-6)
        assert row["paper_perplexity"] == 65

    def test_intervals_hold_what_was_measured(self, folder, drawn):
        metrics = json.loads((folder / "evaluate" / "checkpoint" / "metrics.json").read_text())
        row = drawn["figure2"].tables["d_perplexity"].set_index("system").loc["checkpoint"]
        for name in ("perplexity", "percent_of_vocabulary", "bits_per_base"):
            assert row[name] == pytest.approx(metrics[name], rel=1e-4)
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
        best = min(metrics["baselines"].items(), key=lambda each: each[1]["perplexity"])
        assert row["ngrams"] == best[0] and row["ngrams_perplexity"] == pytest.approx(best[1]["perplexity"], rel=1e-3)

    def test_the_paper_stands_beside_its_systems(self, folder, drawn):
        drawn = drawn["figure2"]
        systems = drawn.tables["b_systems"].set_index("system")
        assert systems.at["bpe-600", "paper"] == 0.02 and systems.at["tfidf", "paper"] == 0.011
        assert bool(systems.at["6-mer", "paper_at_most"]) and not bool(systems.at["bpe-600", "paper_at_most"])
        assert systems.loc[["DNABERT-2", "NT"], "accuracy"].isna().all()  # only the paper has them here
        assert "GROVER" not in systems.index

    def test_other_k_have_no_paper(self, folder, drawn):
        cells = pd.read_csv(folder / "nextkmer" / "nextkmer.tsv", sep="\t")
        assert choice.compared(cells[cells["k"] < 6])["paper"].isna().all()

    def test_top_n_is_what_was_written(self, folder, drawn):
        top = drawn["figure2"].tables["c_top_n"]
        written = pd.read_csv(folder / "evaluate" / "checkpoint" / "top_k.tsv", sep="\t")
        for name, label in (("model", "checkpoint"), ("unigram", "unigram")):
            assert top.loc[top["label"] == label, "share"].tolist() == written[name].tolist()
        assert set(top["label"]) == {"checkpoint", "unigram", "left bigram", "both bigrams", "4-mer"}


class TestFigure3:
    def test_tables(self, folder, drawn):
        drawn = drawn["figure3"]
        tables = drawn.tables
        whole = pd.read_parquet(folder / "vocabulary" / "vocabulary.parquet")
        used = whole[whole["count"] > whole["count_at_ends"]]
        assert tables["b_lengths"]["tokens"].sum() == tables["c_frequencies"]["tokens"].sum() == len(used)
        first = tables["d_first_bases"].pivot(index="of", columns="base", values="share")
        share = used["token"].str.match("[AT]").mean()
        assert first.loc["tokens", ["A", "T"]].sum() == pytest.approx(share)
        assert f"{100 * share:.1f} % of the tokens begin with A or T (the paper: 97 %)" in drawn.caption
        expected = tables["e_expected"]
        assert (expected["mark"] > 0).sum() == 8
        marked = expected[expected["mark"] == 1].iloc[0]
        assert marked["observed_expected"] == expected["observed_expected"].max()

    def test_scores_of_groups_are_those_of_all_masked_tokens(self, folder, drawn):
        drawn = drawn["figure3"]
        found = pd.read_parquet(folder / "evaluate" / "checkpoint" / "predictions.parquet")
        known = found[found["token"].isin(drawn.tables["f_tokens"]["token"])]
        right = (known["rank"] == 0).groupby(known["token"].str.len().clip(upper=10)).mean()
        lengths = drawn.tables["f_lengths"].set_index("place")
        np.testing.assert_allclose(lengths["accuracy"], right, rtol=1e-4)
        several = lengths[lengths["tokens"] > 5]
        assert (
            (several["accuracy_low"] <= several["accuracy"]) & (several["accuracy"] <= several["accuracy_high"])
        ).all()
        groups = drawn.tables["g_frequencies"]
        assert groups["masked"].sum() == len(known) and groups["per_million"].is_monotonic_increasing

    def test_a_model_of_other_tokens(self, without):
        with pytest.raises(InputError, match="none of the tokens"):
            used = token_tables.tokens_in_use(without().table("vocabulary/vocabulary.parquet"))
            token_tables.predicted_tokens(
                pd.DataFrame({"token": ["CGCGCGCG"], "count": [3], "accuracy": [1.0], "auc": [1.0]}), used
            )


class TestWordCloud:
    WORDS = pd.DataFrame({"word": ["TTTT", "AA", "GATTACA", "C", "TG"] * 12, "weight": np.arange(60) + 40})

    def test_words_do_not_overlap_and_stay_inside(self):
        cloud = lay_words(self.WORDS, 300, 90)
        half = np.stack([0.301 * cloud["size"] * cloud["word"].str.len(), 0.365 * cloud["size"]], 1)
        middle = cloud[["x", "y"]].to_numpy()
        gap = np.abs(middle[:, None] - middle[None]) - (half[:, None] + half[None])
        np.fill_diagonal(gap[:, :, 0], 1)
        assert (gap > 0).any(axis=2).all()
        assert (middle - half >= 0).all() and (middle + half <= (300, 90)).all()

    def test_areas_are_weights(self):
        cloud = lay_words(self.WORDS, 300, 90)
        np.testing.assert_allclose(cloud["size"] ** 2 / cloud["weight"], cloud["size"].iloc[0] ** 2 / 99)
        assert cloud["weight"].is_monotonic_decreasing and cloud["size"].min() >= 6.5
        left_out = set(self.WORDS["weight"]) - set(cloud["weight"])
        assert all(weight < cloud["weight"].min() for weight in left_out)

    def test_no_room(self):
        assert lay_words(self.WORDS, 20, 5).empty


def _texts(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def _command(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grover_probe.figures", *map(str, arguments), "--no-progress"]
    environment = os.environ | {"PYTHONHASHSEED": "7"}  # sets in another order
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


def test_the_check_of_texts_finds_what_is_wrong(text_problems):
    figure = Figure((2, 1))
    for x, size, text in ((0.1, 8, "one"), (0.15, 8, "other"), (0.9, 8, "beyond the end"), (0.5, 5, "tiny")):
        figure.text(x, 0.2 if size == 8 else 0.7, text, fontsize=size)
    assert text_problems(figure) == ["'beyond the end' is cut", "'tiny' has 5 points", "'other' lies over 'one'"]
