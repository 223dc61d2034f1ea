"""``python -m grover_probe.maps``: what it writes, and one line for bad input."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from grover_probe.extract.results import open_pass
from grover_probe.files import sha256_of

TOKEN_FILES = {
    "tokens.parquet", "tokens.tsv", "components.tsv", "correlations.tsv", "paper.tsv", "quality.tsv", "linkage.tsv",
    *(f"token_{name}.{ending}" for name in ("map", "spaces", "components", "tree") for ending in ("png", "svg")),
    "maps.tokens.run.json",
}  # fmt: skip
WINDOW_FILES = {
    "windows.parquet", "separability.tsv", "quality.tsv", "window_map.png", "window_map.svg",
    "window_separability.png", "window_separability.svg", "maps.windows.run.json",
}  # fmt: skip
SPACES = ["layer 2", "layer 0", "input embeddings", "random layer 2", "initial layer 2", "word2vec", "again layer 2"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestTokens:
    def test_files(self, token_maps):
        assert names(token_maps) == TOKEN_FILES | {"tokens.h5ad", "tokens.html"}
        for path in token_maps.glob("*.png"):
            assert path.read_bytes()[:4] == b"\x89PNG"
        record = json.loads((token_maps / "maps.tokens.run.json").read_text())
        assert {"pass", "model", "initial", "genome", "tokenizer", "pass again"} == set(record["inputs"])
        assert set(record["outputs"]) == names(token_maps) - {"maps.tokens.run.json"}
        assert all(sha256_of(token_maps / name) == value for name, value in record["outputs"].items())
        assert record["parameters"]["layers"] == [2, 0]

    def test_spaces_are_what_they_are_called(self, token_maps, tiny_pass, tiny_model):
        table = pd.read_parquet(token_maps / "tokens.parquet")
        assert list(table["space"].unique()) == SPACES
        found = open_pass(tiny_pass)
        parts = {space: part.reset_index(drop=True) for space, part in table.groupby("space")}
        pd.testing.assert_frame_equal(
            parts["layer 2"].drop(columns="space"), parts["again layer 2"].drop(columns="space")
        )
        # The "untrained start" of this test is the model itself, on the same windows: the same averages.
        np.testing.assert_allclose(parts["initial layer 2"]["pc1"], parts["layer 2"]["pc1"], atol=1e-4)
        ids = parts["layer 2"]["token_id"].to_numpy()
        for space, vectors in (("layer 0", found.token_means(0)), ("input embeddings", None)):
            rows = (
                vectors[ids]
                if vectors is not None
                else tiny_model.network.get_input_embeddings().weight.detach().double().numpy()[ids]
            )
            values = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
            expected = np.abs(values[0] * values[1])[:, :6]
            np.testing.assert_allclose(np.abs(parts[space][[f"pc{n}" for n in range(1, 7)]]), expected, atol=1e-5)
        assert not np.allclose(parts["random layer 2"]["pc1"].abs(), parts["layer 2"]["pc1"].abs(), atol=0.1)

    def test_h5ad_holds_embedding_maps_and_annotation(self, token_maps, tiny_pass):
        found = anndata.read_h5ad(token_maps / "tokens.h5ad")
        means = open_pass(tiny_pass).token_means("last")
        np.testing.assert_allclose(found.X, means[found.obs["token_id"]], rtol=1e-6)
        assert set(found.obsm) == {"X_pca", "X_umap"}
        assert found.obs_names.tolist() == found.obs["token"].astype(str).tolist()
        assert found.obs["cluster"].dtype == "category"
        table = pd.read_parquet(token_maps / "tokens.parquet").query("space == 'layer 2'")
        np.testing.assert_array_equal(found.obsm["X_umap"], table[["umap1", "umap2"]])
        np.testing.assert_allclose(found.obsm["X_pca"][:, 0], table["pc1"], rtol=1e-5)

    def test_a_pass_alone_is_enough(self, cli, tiny_pass, tmp_path):
        code, stdout, stderr = cli("tokens", "--extracted", tiny_pass, "--no-progress", "--out", tmp_path / "o")
        assert code == 0, stderr
        assert stdout.splitlines()[0].split() == ["paper", "layer", "2"]
        assert len(stdout.splitlines()) == 7
        assert names(tmp_path / "o") == TOKEN_FILES


class TestWindows:
    def test_files_and_record(self, window_maps):
        assert names(window_maps) == WINDOW_FILES | {"windows.h5ad", "windows.html"}
        record = json.loads((window_maps / "maps.windows.run.json").read_text())
        assert set(record["inputs"]["annotation"]) == {"thirds", "few", "signal"}
        assert record["parameters"]["annotation"]["thirds"] == {"column": 4, "rule": "centre"}

    def test_table(self, window_maps, tiny_pass):
        table = pd.read_parquet(window_maps / "windows.parquet")
        every = open_pass(tiny_pass).windows
        kept = every[every["n_tokens"] >= every["n_tokens"].max() // 2]
        assert 20 < len(kept) < len(every)
        assert table["window"].tolist() == kept["window"].tolist()
        assert {"gc", "umap1", "composition_umap1", "pc1", "thirds", "few", "signal", "signal_class"} <= set(table)
        assert table["signal"].dtype == np.float64
        found = pd.read_csv(window_maps / "separability.tsv", sep="\t")
        assert len(found) == 3 * 4
        assert found["balanced_accuracy"].between(found["low"], found["high"]).all()

    def test_h5ad(self, window_maps, tiny_pass):
        found = anndata.read_h5ad(window_maps / "windows.h5ad")
        means = open_pass(tiny_pass).window_embeddings("last", "mean")
        np.testing.assert_array_equal(found.X, means[found.obs["window"]])
        assert set(found.obsm) == {"X_pca", "X_umap", "X_composition_umap"}
        assert found.obs["thirds"].dtype == "category"

    def test_without_annotation_there_is_a_map_and_the_same_run_gives_the_same_bytes(
        self, cli, tiny_pass, tiny_fasta, tmp_path
    ):
        for out in ("a", "b"):
            code, stdout, stderr = cli(
                "windows", "--extracted", tiny_pass, "--genome", tiny_fasta, "--pooling", "cls", "--block-size", 2_000,
                "--no-progress", "--out", tmp_path / out,
            )  # fmt: skip
            assert code == 0, stderr
            assert stdout == ""
            assert "left out" in stderr
        written = {name for name in WINDOW_FILES if "window_separability" not in name}
        assert names(tmp_path / "a") == written
        for name in written - {"maps.windows.run.json"}:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def bad_tokens(tmp_path: Path, given: dict) -> list[tuple[str, list[object], str]]:
    tiny, model, fasta = given["pass"], given["model"], given["genome"]
    return [
        ("missing pass", ["--extracted", tmp_path / "nothing"], "no finished pass here"),
        ("layer", ["--extracted", tiny, "--layers", "7"], "layers 0 (embedding) to 2"),
        ("layer text", ["--extracted", tiny, "--layer", "x"], "expected numbers, ranges or names"),
        ("count", ["--extracted", tiny, "--min-count", 10**6], "smaller --min-count"),
        ("word2vec", ["--extracted", tiny, "--word2vec"], "--word2vec needs the sequence"),
        ("initial", ["--extracted", tiny, "--initial", model], "--initial needs the sequence"),
        ("tokenizer", ["--extracted", tiny, "--genome", fasta], "needs a tokenizer"),
        (
            "other tokenizer",
            ["--extracted", tiny, "--genome", fasta, "--tokenizer", given["sample"]],
            "its tokens are not",
        ),
        ("other model", ["--extracted", tiny, "--model", given["sample"]], "not the shape of the model"),
        ("genome", ["--extracted", tiny, "--model", model, "--genome", tmp_path / "x.fa"], "no such file"),
        ("other genome", ["--extracted", tiny, "--model", model, "--genome", given["other"]], "not the sequence"),
        ("compare", ["--extracted", tiny, "--compare", "x"], "expected NAME=FOLDER"),
        ("compared", ["--extracted", tiny, "--compare", f"x={tmp_path}/no"], "no finished pass here"),
    ]


def bad_windows(tmp_path: Path, given: dict) -> list[tuple[str, list[object], str]]:
    tiny, fasta, beds = given["pass"], given["genome"], given["beds"]
    usual = ["--extracted", tiny, "--genome", fasta, "--block-size", 2_000]
    (tmp_path / "constant.bed").write_text("chr1\t0\t12000\nchr2\t0\t5000\nchrM\t0\t800\n")
    (tmp_path / "other.bed").write_text("chr7\t0\t100\n")
    return [
        ("missing pass", ["--extracted", tmp_path / "nothing", "--genome", fasta], "no finished pass here"),
        ("layer", [*usual, "--layer", 1], "layer '1' was not kept for windows; this pass has 2"),
        ("pooling", [*usual, "--pooling", "max"], "this pass kept cls, mean"),
        ("genome", ["--extracted", tiny, "--genome", tmp_path / "x.fa"], "no such file"),
        ("other genome", ["--extracted", tiny, "--genome", given["other"]], "not the sequence"),
        ("option", [*usual, "--annotation", "x.bed"], "expected NAME=FILE"),
        ("missing file", [*usual, "--annotation", f"a={tmp_path}/no.bed"], "no.bed"),
        ("no overlap", [*usual, "--annotation", f"a={beds}/elsewhere.bed"], "no window overlaps"),
        ("other genome's", [*usual, "--annotation", f"a={tmp_path}/other.bed"], "other.bed"),
        ("constant", [*usual, "--annotation", f"a={tmp_path}/constant.bed"], "windows are 'a' by the rule any"),
        ("one name", [*usual, *(["--annotation", f"a={beds}/few.bed"] * 2)], "two annotations have one name"),
        (
            "one block",
            [*usual[:4], "--block-size", 10**9, "--annotation", f"a={beds}/few.bed"],
            "class with at least 10",
        ),
        ("taken name", [*usual, "--annotation", f"gc={beds}/few.bed"], "has such a column already"),
        ("short", [*usual, "--min-tokens", 1_000], "smaller --min-tokens"),
    ]


@pytest.mark.parametrize(("command", "cases"), [("tokens", bad_tokens), ("windows", bad_windows)])
def test_bad_input_is_one_line_and_leaves_nothing(
    cli, command, cases, tiny_pass, tiny_model_folder, tiny_fasta, sample_checkpoint, beds, tmp_path
):
    other = tmp_path / "other.fa"
    other.write_text(tiny_fasta.read_text().replace("ACGT", "ACCT"))
    given = {"pass": tiny_pass, "model": tiny_model_folder, "genome": tiny_fasta, "sample": sample_checkpoint,
             "beds": beds, "other": other}  # fmt: skip
    for name, arguments, message in cases(tmp_path, given):
        before = names(tmp_path)
        code, stdout, stderr = cli(command, *arguments, "--no-progress", "--out", tmp_path / "out")
        assert code == 2, name
        assert stdout == "", name
        last = [line for line in stderr.splitlines() if not line.endswith("left out")]
        assert len(last) == 1, (name, stderr)
        assert last[0].startswith("error: "), (name, stderr)
        assert message in last[0], name
        assert names(tmp_path) == before, name
