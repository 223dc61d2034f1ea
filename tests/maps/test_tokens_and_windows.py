"""Maps from plain arrays: planted structure, and what does not change a result."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from grover_probe.errors import InputError
from grover_probe.maps.controls import contextual_means, input_embeddings, spread_windows, untrained
from grover_probe.maps.labels import WindowLabels, label_windows, parse
from grover_probe.maps.tokens import token_map
from grover_probe.maps.windows import window_map
from grover_probe.windows import fixed_windows


@pytest.fixture(scope="module")
def pieces() -> list[str]:
    rng = np.random.default_rng(0)
    found = {"".join(rng.choice(list("ACGT"), rng.integers(2, 7))) for _ in range(80)}
    return ["", "", *sorted(found)]


@pytest.fixture(scope="module")
def case(pieces) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A space in which GC and length lie along two directions, and noise."""
    rng = np.random.default_rng(1)
    gc = np.array([(piece.count("G") + piece.count("C")) / max(len(piece), 1) for piece in pieces])
    lengths = np.array([len(piece) for piece in pieces])
    made = rng.normal(size=(len(pieces), 16))
    made[:, 0], made[:, 1] = 60 * gc, 6 * lengths
    counts = rng.integers(20, 5_000, len(pieces))
    counts[:2] = 0
    return {"made": made, "noise": rng.normal(size=(len(pieces), 12))}, counts


@pytest.fixture(scope="module")
def mapped(case, pieces):
    return token_map(case[0], pieces, case[1], n_permutations=99, progress=False)


class TestTokenMap:
    def test_columns_are_what_they_say(self, mapped, case, pieces):
        table = mapped.tokens[mapped.tokens["space"] == "made"].set_index("token_id")
        assert sorted(table.index) == list(range(2, len(pieces)))
        assert table["frequency"].sum() == pytest.approx(1)
        for token, row in table.iterrows():
            piece = pieces[token]
            assert (row["token"], row["length"], row["count"]) == (piece, len(piece), case[1][token])
            assert row["gc"] == pytest.approx((piece.count("G") + piece.count("C")) / len(piece))
        assert sorted(table["leaf"]) == list(range(len(table)))
        vectors = case[0]["made"]
        first = table.index[0]
        distance = np.linalg.norm(vectors[2:] - vectors[first], axis=1)
        assert table["nearest"].iloc[0].split() == [pieces[2 + at] for at in np.argsort(distance)[1:11]]

    def test_shows_itself(self, mapped):
        assert repr(mapped).endswith("tokens in made, noise)")
        assert "paper_rho" in mapped._repr_html_()

    def test_planted_directions_are_found_and_noise_has_none(self, mapped):
        rho = mapped.correlations.set_index(["space", "component", "feature"])
        assert rho.loc[("made", 1, "gc"), "abs_rho"] > 0.95
        assert rho.loc[("made", 2, "length"), "abs_rho"] > 0.9
        assert (mapped.correlations.loc[mapped.correlations["space"] == "noise", "q"] > 0.01).all()
        part = mapped.tokens[mapped.tokens["space"] == "made"]
        assert rho.loc[("made", 1, "gc"), "rho"] == pytest.approx(spearmanr(part["pc1"], part["gc"]).statistic)
        quality = mapped.quality.set_index(["space", "place", "feature"])
        assert quality.loc[("made", "map", "gc"), "r2"] > 0.6
        assert quality.loc[("noise", "map", "gc"), "q"] > 0.02
        assert quality.loc[("made", "map", "gc"), "trustworthiness"] > 0.85

    def test_a_space_does_not_depend_on_the_others(self, mapped, case, pieces):
        alone = token_map({"made": case[0]["made"]}, pieces, case[1], n_permutations=99, progress=False)
        for name in ("tokens", "components", "correlations", "quality", "linkage", "paper"):
            whole = getattr(mapped, name)
            expected = whole[whole["space"] == "made"].reset_index(drop=True)
            pd.testing.assert_frame_equal(getattr(alone, name), expected)

    def test_rare_tokens_and_those_that_a_space_lacks_are_left_out(self, case, pieces):
        spaces, counts = {name: each.copy() for name, each in case[0].items()}, case[1].copy()
        counts[5], spaces["noise"][8] = 9, np.nan
        found = token_map(spaces, pieces, counts, n_permutations=9, progress=False)
        assert set(range(2, len(pieces))) - set(found.tokens["token_id"]) == {5, 8}
        assert found.tokens.groupby("token_id").size().unique().tolist() == [2]

    def test_too_few_tokens_are_refused(self, case, pieces):
        with pytest.raises(InputError, match="--min-count"):
            token_map(case[0], pieces, np.minimum(case[1], 5), progress=False)


class TestControls:
    def test_means_of_a_random_model_are_those_of_its_states(self, tiny_model, tiny_corpus):
        import torch

        windows = fixed_windows(tiny_corpus.runs(), 64)[:6]
        model = untrained(tiny_model, seed=5)
        found = contextual_means(model, tiny_corpus, windows, [2, 0], progress=False)
        total, count = np.zeros((model.n_ids, model.width)), np.zeros(model.n_ids)
        for begin, stop in windows:
            ids = tiny_corpus.ids[begin:stop].astype(int)
            with torch.no_grad():
                states = model.network(torch.tensor([[2, *ids.tolist(), 3]]), output_hidden_states=True).hidden_states[
                    2
                ]
            np.add.at(total, ids, states[0, 1:-1].double().numpy())
            np.add.at(count, ids, 1)
        seen = count > 0
        np.testing.assert_allclose(found[0][seen], total[seen] / count[seen][:, None], atol=1e-6)
        assert np.isnan(found[:, ~seen]).all()

    def test_a_random_model_has_the_shape_but_not_the_weights(self, tiny_model):
        import torch

        before = torch.random.get_rng_state()
        one, again, other = (untrained(tiny_model, seed) for seed in (1, 1, 2))
        assert torch.equal(torch.random.get_rng_state(), before)
        np.testing.assert_array_equal(input_embeddings(one), input_embeddings(again))
        assert input_embeddings(one).shape == input_embeddings(tiny_model).shape
        for model in (tiny_model, other):
            assert np.abs(input_embeddings(one) - input_embeddings(model)).max() > 0.1
        assert one.n_layers == tiny_model.n_layers

    def test_windows_are_spread(self):
        windows = np.stack([np.arange(0, 1_000, 10), np.arange(10, 1_001, 10)], axis=1)
        assert spread_windows(windows, 5_000) is windows
        found = spread_windows(windows, 200)
        assert len(found) == 20
        assert (found[0] == windows[0]).all()
        assert (found[-1] == windows[-1]).all()


def blocky_windows(n: int = 200) -> pd.DataFrame:
    starts = np.arange(n) * 1_000
    return pd.DataFrame(
        {"window": np.arange(n), "chrom": "chr1", "start": starts, "end": starts + 1_000, "n_tokens": 250, "gc": 0.4}
    )


@pytest.fixture(scope="module")
def map_of_windows():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 2, 200)
    vectors = rng.normal(size=(200, 10)) + 5 * codes[:, None]
    labels = [
        WindowLabels("planted", "any", np.array(["a", "b"])[codes]),
        WindowLabels("shuffled", "any", np.array(["a", "b"])[rng.permutation(codes)]),
        WindowLabels("number", "mean", np.array(["low", "high"])[codes], codes + 0.5),
    ]
    return window_map(
        vectors, rng.normal(size=(200, 6)), blocky_windows(), labels, block_size=10_000, n_turns=99, progress=False
    )


class TestWindowMap:
    def test_planted_classes_are_told_from_the_embedding_and_its_map_alone(self, map_of_windows):
        table = map_of_windows.separability.set_index(["annotation", "place"])
        assert table.loc[("planted", "embedding"), "balanced_accuracy"] > 0.95
        assert table.loc[("planted", "embedding map"), "balanced_accuracy"] > 0.95
        for place in ("composition", "composition map"):
            assert table.loc[("planted", place), "balanced_accuracy"] == pytest.approx(0.5, abs=0.13)
        assert table.loc["shuffled", "balanced_accuracy"].between(0.35, 0.65).all()
        assert (table.loc["shuffled", "p"] > 0.02).all()

    def test_shows_itself(self, map_of_windows):
        shown = map_of_windows.overview()
        assert shown["annotation"].tolist() == ["planted", "shuffled", "number"]
        accuracy = map_of_windows.separability.set_index(["annotation", "place"])["balanced_accuracy"]
        assert shown.set_index("annotation").loc["planted", "embedding"] == accuracy["planted", "embedding"]
        assert repr(map_of_windows) == "WindowMap(200 windows, 3 annotations)"
        assert "composition map" in map_of_windows._repr_html_()

    def test_numbers_stay_numbers_and_thirds_are_beside_them(self, map_of_windows):
        assert map_of_windows.windows["number"].dtype == np.float64
        assert set(map_of_windows.windows["number_class"]) == {"low", "high"}
        assert len(map_of_windows.components) == len(map_of_windows.windows) == 200

    def test_bad_input(self):
        table, rng = blocky_windows(40), np.random.default_rng(0)
        one = WindowLabels("x", "any", np.array(["a"] * 37 + ["b"] * 3))
        with pytest.raises(InputError, match="two annotations have one name"):
            window_map(rng.normal(size=(40, 4)), np.eye(40), table, [one, one], progress=False)
        with pytest.raises(InputError, match=r"too rare: b \(3\)"):
            window_map(rng.normal(size=(40, 4)), np.eye(40), table, [one], block_size=5_000, progress=False)
        with pytest.raises(InputError, match="at least 20"):
            window_map(rng.normal(size=(9, 4)), np.eye(9), table[:9], [], progress=False)


class TestLabels:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a=b.bed", ("a", "b.bed", None, "any")),
            ("a b=x/b.bed.gz:7", ("a b", "x/b.bed.gz", 7, "any")),
            ("a=b.bed:centre", ("a", "b.bed", None, "centre")),
            ("a=b.gtf:gene_type:majority", ("a", "b.gtf", "gene_type", "majority")),
            ("a=b.bedgraph:mean", ("a", "b.bedgraph", None, "mean")),
        ],
    )
    def test_option(self, text, expected):
        found = parse(text)
        assert (found.name, str(found.path), found.column, found.rule) == expected

    def test_a_file_whose_name_ends_like_a_rule(self, tmp_path):
        (tmp_path / "x:any").write_text("")
        assert parse(f"a={tmp_path}/x:any").path == tmp_path / "x:any"
        assert parse(f"a={tmp_path}/x:any:7:centre").column == 7

    @pytest.mark.parametrize("text", ["b.bed", "=b.bed", "a=", "a/b=c.bed", "a=b.bedgraph:4:mean"])
    def test_bad_option(self, text):
        with pytest.raises(InputError, match="--annotation"):
            parse(text)

    def test_labels_base_by_base(self, beds, tiny_genome):
        windows = pd.DataFrame({"chrom": "chr1", "start": range(0, 11_000, 130), "end": range(130, 11_130, 130)})
        kinds = np.full(12_000, "none", dtype=object)
        for line in (beds / "thirds.bed").read_text().splitlines():
            fields = line.split("\t")
            kinds[int(fields[1]) : int(fields[2])] = fields[3]
        found = label_windows(parse(f"x={beds}/thirds.bed:4:majority"), windows, tiny_genome)
        for label, start, end in zip(found.labels, windows["start"], windows["end"], strict=True):
            inside = pd.Series(kinds[start:end]).value_counts().drop("none", errors="ignore")
            assert label == (inside.index[0] if len(inside) and inside.iloc[0] > 65 else "none")

    def test_thirds_of_a_signal(self, beds, tiny_genome):
        starts = np.arange(0, 4_000, 100)
        windows = pd.DataFrame({"chrom": "chr2", "start": starts, "end": starts + 100})
        found = label_windows(parse(f"x={beds}/signal.bedgraph:mean"), windows, tiny_genome)
        lines = [line.split() for line in (beds / "signal.bedgraph").read_text().splitlines()]
        values = {int(start): float(value) for chrom, start, _, value in lines if chrom == "chr2"}
        np.testing.assert_allclose(found.values, [values[start // 500 * 500] for start in starts])
        assert found.values[found.labels == "low"].max() < found.values[found.labels == "middle"].min()
        assert found.values[found.labels == "middle"].max() < found.values[found.labels == "high"].min()
