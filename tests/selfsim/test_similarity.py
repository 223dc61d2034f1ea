"""Self-similarity against all pairs of hidden states, computed window by window."""

import copy
import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grover_probe.bpe.merges import CLS_ID, SEP_ID
from grover_probe.corpus import Corpus
from grover_probe.corpus_files import open_corpus, save_corpus
from grover_probe.errors import InputError
from grover_probe.genome import Region
from grover_probe.selfsim import mean_pair_cosine, self_similarity, summarise
from grover_probe.selfsim.similarity import choose_occurrences, count_tokens
from grover_probe.selfsim.summary import partial_spearman

COLUMNS = [
    "token", "token_id", "layer", "count", "self_similarity", "self_similarity_adjusted", "anisotropy",
    "intra_window_similarity", "length", "gc", "frequency",
]  # fmt: skip
REGIONS = {
    "all": None,
    "regions": [Region("chr1", 500, 3_000), Region("chr1", 3_000, 7_000), Region("chr2", 0, 2_000)],
    "tiny": [Region("chrM", 100, 220)],
}


def all_pairs(vectors: np.ndarray) -> float:
    """Mean cosine over all pairs of different rows, pair by pair."""
    if len(vectors) < 2:
        return np.nan
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, 0.0)
    return float(cosines.sum() / (len(unit) * (len(unit) - 1)))


@dataclasses.dataclass
class Oracle:
    """Hidden states (n_tokens, n_layers, width) of every token in the runs, and its cosine with its window's mean."""

    ids: np.ndarray
    states: np.ndarray
    to_window: np.ndarray


def read_window_by_window(network, corpus: Corpus, runs: np.ndarray, length: int = 64) -> Oracle:
    """The model applied to one window after the other, with nothing padded."""
    ids, states, to_window = [], [], []
    for begin, stop in runs:
        for first in range(begin, stop, length):
            part = corpus.ids[first : min(first + length, stop)].astype(int)
            inputs = torch.tensor([[CLS_ID, *part, SEP_ID]])
            with torch.no_grad():
                layers = network(input_ids=inputs, output_hidden_states=True).hidden_states
            found = torch.stack([layer[0, 1:-1] for layer in layers], 1).double().numpy()
            mean = found.mean(0)
            norms = np.linalg.norm(found, axis=2) * np.linalg.norm(mean, axis=1)
            ids.append(part)
            states.append(found)
            to_window.append((found * mean).sum(2) / norms)
    return Oracle(np.concatenate(ids), np.concatenate(states), np.concatenate(to_window))


@pytest.fixture(scope="module", params=REGIONS)
def runs(request, tiny_corpus) -> np.ndarray:
    return tiny_corpus.runs(REGIONS[request.param])


@pytest.fixture(scope="module")
def oracle(tiny_network, tiny_corpus, runs) -> Oracle:
    return read_window_by_window(tiny_network, tiny_corpus, runs)


@pytest.fixture(scope="module")
def shares() -> np.ndarray:
    """A made-up share of occurrences in repeats for each id."""
    return np.random.default_rng(3).random(39)


@pytest.fixture(scope="module")
def result(tiny_model, tiny_corpus, tiny_tokenizer, runs, shares):
    return self_similarity(
        tiny_model, tiny_corpus, tiny_tokenizer.pieces, runs, repeat_share=shares, batch_size=5, progress=False
    )


class TestExact:
    """Every occurrence."""

    def test_columns(self, result):
        assert list(result.tokens) == [*COLUMNS, "repeat_share", "repeat_rich"]
        assert result.to_frame() is result.tokens

    def test_one_row_per_token_that_occurs_and_layer(self, result, oracle, tiny_tokenizer):
        expected = list(itertools.product(range(3), sorted(set(oracle.ids.tolist()))))
        assert list(zip(result.tokens["layer"], result.tokens["token_id"], strict=True)) == expected
        assert [tiny_tokenizer.pieces[number - 5] for number in result.tokens["token_id"]] == list(
            result.tokens["token"]
        )

    def test_self_similarity_is_the_mean_over_all_pairs(self, result, oracle):
        for row in result.tokens.itertuples():
            expected = all_pairs(oracle.states[oracle.ids == row.token_id, row.layer])
            assert row.self_similarity == pytest.approx(expected, abs=1e-6, nan_ok=True)
            assert row.count == (oracle.ids == row.token_id).sum()
            assert np.isnan(row.self_similarity) == (row.count == 1)

    def test_anisotropy_is_the_mean_over_all_pairs_of_any_tokens(self, result, oracle):
        for layer, part in result.tokens.groupby("layer"):
            expected = all_pairs(oracle.states[:, layer])
            np.testing.assert_allclose(part["anisotropy"], expected, rtol=0, atol=1e-6)
            np.testing.assert_allclose(
                part["self_similarity_adjusted"], part["self_similarity"] - expected, rtol=0, atol=1e-6
            )

    def test_intra_window_similarity(self, result, oracle):
        for row in result.tokens.itertuples():
            expected = oracle.to_window[oracle.ids == row.token_id, row.layer].mean()
            assert row.intra_window_similarity == pytest.approx(expected, abs=1e-6)

    def test_composition_and_frequency(self, result, oracle, shares):
        for row in result.tokens.itertuples():
            assert row.length == len(row.token)
            assert row.gc == pytest.approx(sum(base in "GC" for base in row.token) / len(row.token))
            assert row.frequency == pytest.approx((oracle.ids == row.token_id).mean())
            assert row.repeat_share == shares[row.token_id]

    def test_repeat_rich_are_the_tenth_with_most_repeats(self, result, shares):
        one = result.tokens[result.tokens["layer"] == 0]
        rich = set(one.loc[one["repeat_rich"], "token_id"])
        ordered = one.sort_values("repeat_share", ascending=False)["token_id"].tolist()
        assert rich == set(ordered[: len(rich)])
        assert len(rich) == pytest.approx(0.1 * len(one), abs=1)

    def test_token_in_every_context_of_layer_0_varies_by_position_alone(self, result):
        """Layer 0 is embedding plus position, so that it cannot be exactly 1 and must exceed the baseline."""
        layer = result.tokens[(result.tokens["layer"] == 0) & (result.tokens["count"] > 1)]
        assert (layer["self_similarity"] < 1).all()
        assert layer["self_similarity_adjusted"].mean() > 0


@pytest.fixture(scope="module")
def whole(tiny_model, tiny_corpus, tiny_tokenizer):
    """The whole genome."""
    return self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, batch_size=16, progress=False)


class TestInvariance:
    """What the result does not depend on."""

    def assert_same(self, one, other):
        pd.testing.assert_frame_equal(one.tokens, other.tokens, rtol=0, atol=2e-6)
        pd.testing.assert_frame_equal(one.layers, other.layers, rtol=0, atol=2e-6)

    @pytest.mark.parametrize("batch_size", [1, 7, 500])
    def test_batch_size(self, whole, tiny_model, tiny_corpus, tiny_tokenizer, batch_size):
        again = self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, batch_size=batch_size, progress=False)
        self.assert_same(again, whole)

    def test_order_of_runs(self, whole, tiny_model, tiny_corpus, tiny_tokenizer):
        runs = tiny_corpus.runs()[::-1]
        self.assert_same(self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, runs, progress=False), whole)

    def test_corpus_on_disk(self, whole, tiny_model, tiny_corpus, tiny_tokenizer, tmp_path):
        stored = open_corpus(save_corpus(tiny_corpus, tmp_path / "corpus"))
        self.assert_same(self_similarity(tiny_model, stored, tiny_tokenizer.pieces, progress=False), whole)

    @pytest.mark.parametrize("layers", [[0], [2], [2, 0], [1, 1]])
    def test_layers_asked_for(self, whole, tiny_model, tiny_corpus, tiny_tokenizer, layers):
        some = self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, layers=layers, progress=False)
        kept = whole.tokens[whole.tokens["layer"].isin(layers)].reset_index(drop=True)
        pd.testing.assert_frame_equal(some.tokens, kept, rtol=0, atol=2e-6)
        assert list(some.layers["layer"]) == sorted(set(layers))

    def test_half_precision_is_close(self, whole, tiny_model_folder, tiny_corpus, tiny_tokenizer):
        from grover_probe.models import load

        half = load(tiny_model_folder, device="cpu", dtype="bf16")
        found = self_similarity(half, tiny_corpus, tiny_tokenizer.pieces, progress=False)
        np.testing.assert_allclose(found.tokens["self_similarity"], whole.tokens["self_similarity"], rtol=0, atol=0.05)


class TestSampled:
    """At most so many occurrences of each token, as in the paper."""

    def test_all_when_there_are_fewer(self, tiny_model, tiny_corpus, tiny_tokenizer):
        exact, sampled = (
            self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, max_per_token=most, progress=False)
            for most in (None, 100_000)
        )
        pd.testing.assert_frame_equal(exact.tokens, sampled.tokens)

    def test_result_is_that_of_the_chosen_occurrences(self, tiny_model, tiny_network, tiny_corpus, tiny_tokenizer):
        runs = tiny_corpus.runs(REGIONS["regions"])
        found = self_similarity(
            tiny_model, tiny_corpus, tiny_tokenizer.pieces, runs, max_per_token=6, seed=9, progress=False
        )
        oracle = read_window_by_window(tiny_network, tiny_corpus, runs)
        positions = np.concatenate([np.arange(begin, stop) for begin, stop in runs])
        chosen = choose_occurrences(tiny_corpus, runs, 6, 9)[positions]
        for row in found.tokens.itertuples():
            mine = chosen & (oracle.ids == row.token_id)
            assert row.count == mine.sum() == min(6, (oracle.ids == row.token_id).sum())
            expected = all_pairs(oracle.states[mine, row.layer])
            assert row.self_similarity == pytest.approx(expected, abs=1e-6, nan_ok=True)
            assert row.intra_window_similarity == pytest.approx(oracle.to_window[mine, row.layer].mean(), abs=1e-6)
            assert row.frequency == pytest.approx((oracle.ids == row.token_id).mean())  # of all, not of the sample
        for row in found.layers.itertuples():
            assert row.anisotropy == pytest.approx(all_pairs(oracle.states[chosen, row.layer]), abs=1e-6)

    @pytest.mark.parametrize("most", [1, 2, 5, 1_000])
    def test_number_drawn(self, tiny_corpus, most):
        runs = tiny_corpus.runs(REGIONS["regions"])
        chosen = choose_occurrences(tiny_corpus, runs, most, 0)
        inside = np.zeros(len(tiny_corpus), dtype=bool)
        for begin, stop in runs:
            inside[begin:stop] = True
        assert not (chosen & ~inside).any()
        drawn = np.bincount(tiny_corpus.ids[chosen], minlength=39)
        np.testing.assert_array_equal(drawn, np.minimum(count_tokens(tiny_corpus, runs, 39), most))

    def test_seed(self, tiny_corpus):
        runs = tiny_corpus.runs()
        one, again, other = (choose_occurrences(tiny_corpus, runs, 5, seed) for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)

    def test_every_occurrence_has_the_same_chance(self, tiny_corpus):
        runs, most, n_seeds = tiny_corpus.runs([Region("chr2", 0, 2_000)]), 4, 600
        drawn = sum(choose_occurrences(tiny_corpus, runs, most, seed).astype(int) for seed in range(n_seeds))
        ids = tiny_corpus.ids
        counts = count_tokens(tiny_corpus, runs, 39)
        chi2 = degrees = 0.0
        for number in np.flatnonzero(counts > most):
            inside = np.concatenate([np.arange(begin, stop) for begin, stop in runs])
            own = drawn[inside[ids[inside] == number]]
            share = most / len(own)
            assert own.sum() == most * n_seeds
            # Without replacement: the variance of each count is n p (1 - p), and they sum to a constant.
            chi2 += float(((own - n_seeds * share) ** 2).sum() / (n_seeds * share * (1 - share)) * (1 - 1 / len(own)))
            degrees += len(own) - 1
        assert abs(chi2 - degrees) < 4 * np.sqrt(2 * degrees)

    def test_estimate_is_unbiased(self, tiny_network, tiny_corpus):
        runs = tiny_corpus.runs([Region("chr2", 0, 2_000)])
        oracle = read_window_by_window(tiny_network, tiny_corpus, runs)
        number = int(np.bincount(oracle.ids).argmax())
        positions = np.concatenate([np.arange(begin, stop) for begin, stop in runs])
        states = oracle.states[:, 2]
        estimates = [
            all_pairs(states[choose_occurrences(tiny_corpus, runs, 5, seed)[positions] & (oracle.ids == number)])
            for seed in range(400)
        ]
        error = np.std(estimates) / np.sqrt(len(estimates))
        assert np.mean(estimates) == pytest.approx(all_pairs(states[oracle.ids == number]), abs=4 * error)


class TestFormula:
    """(|sum u|^2 - n) / (n (n - 1))."""

    @given(hnp.arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(2, 5)), elements=st.floats(-5, 5)))
    @settings(deadline=None)
    def test_against_pairs(self, vectors):
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = np.where(norms > 1e-3, vectors, 1.0)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        pairs = [float(a @ b) for a, b in itertools.combinations(unit, 2)]
        assert mean_pair_cosine(unit.sum(0), np.array(len(unit))) == pytest.approx(np.mean(pairs), abs=1e-9)

    def test_fewer_than_two_have_none(self):
        found = mean_pair_cosine(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), np.array([0, 1, 2]))
        assert np.isnan(found[:2]).all()
        assert found[2] == 1.0

    def test_opposite_and_equal_vectors(self):
        assert mean_pair_cosine(np.zeros(3), np.array(2)) == -1.0
        assert mean_pair_cosine(np.array([10.0, 0.0]), np.array(10)) == 1.0


class TestSummary:
    """One row per layer."""

    def test_against_the_token_table(self, result):
        usable = result.tokens.dropna(subset=["self_similarity"])
        for row in result.layers.itertuples():
            part = usable[usable["layer"] == row.layer]
            assert row.n_tokens == len(part)
            assert row.self_similarity == pytest.approx(part["self_similarity"].mean())
            assert row.self_similarity_adjusted == pytest.approx(row.self_similarity - row.anisotropy)
            weights = part["count"] / part["count"].sum()
            assert row.intra_window_similarity == pytest.approx((part["intra_window_similarity"] * weights).sum())
            assert row.repeat_rich == pytest.approx(part.loc[part["repeat_rich"], "self_similarity_adjusted"].mean())
            assert row.other == pytest.approx(part.loc[~part["repeat_rich"], "self_similarity_adjusted"].mean())
            rho = part[["repeat_share", "self_similarity_adjusted"]].corr(method="spearman").iloc[0, 1]
            assert row.rho_repeat == pytest.approx(rho, nan_ok=True)

    def test_without_repeats(self, result):
        plain = summarise(result.tokens.drop(columns=["repeat_share", "repeat_rich"]))
        assert list(plain) == ["layer", *list(result.layers)[1:6]]

    def test_partial_correlation_against_the_textbook(self):
        """With one column held: (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)) of the ranks."""
        rng = np.random.default_rng(0)
        z = rng.normal(size=200)
        table = pd.DataFrame({"x": z + rng.normal(size=200), "y": z + rng.normal(size=200), "z": z})
        r = table.corr(method="spearman")
        xy, xz, yz = r.loc["x", "y"], r.loc["x", "z"], r.loc["y", "z"]
        expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
        assert partial_spearman(table, "x", "y", ["z"]) == pytest.approx(expected)
        assert partial_spearman(table, "x", "y", []) == pytest.approx(xy)

    def test_correlation_of_what_does_not_vary(self):
        table = pd.DataFrame({"x": [1.0] * 9, "y": range(9), "z": range(9)})
        assert np.isnan(partial_spearman(table, "x", "y", ["z"]))
        assert np.isnan(partial_spearman(table, "y", "z", ["z"]))
        assert np.isnan(partial_spearman(table[:3], "y", "z", ["x"]))

    def test_no_token_in_a_repeat_is_repeat_rich(self, tiny_model, tiny_corpus, tiny_tokenizer):
        found = self_similarity(
            tiny_model, tiny_corpus, tiny_tokenizer.pieces, layers=[1], repeat_share=np.zeros(39), progress=False
        )
        assert not found.tokens["repeat_rich"].any()
        assert np.isnan(found.layers["repeat_rich"][0])
        assert np.isfinite(found.layers["other"][0])


class TestBadInput:
    """What is refused, and how."""

    @pytest.mark.parametrize("layers", [[3], [0, 17], [-1]])
    def test_layer_that_does_not_exist(self, tiny_model, tiny_corpus, tiny_tokenizer, layers):
        with pytest.raises(InputError, match=r"layer -?\d+ does not exist: the model has layers 0 \(embeddings\) to 2"):
            self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, layers=layers, progress=False)

    def test_no_runs(self, tiny_model, tiny_corpus, tiny_tokenizer):
        with pytest.raises(InputError, match="no whole token lies inside the regions"):
            self_similarity(
                tiny_model, tiny_corpus, tiny_tokenizer.pieces, tiny_corpus.runs([Region("chr1", 0, 1)]), progress=False
            )

    def test_no_token_twice(self, tiny_model, tiny_corpus, tiny_tokenizer):
        with pytest.raises(InputError, match="no token occurs twice among the 1 tokens given; widen the regions"):
            self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, np.array([[4, 5]]), progress=False)

    def test_ids_beyond_the_embedding_rows(self, tiny_model, tiny_corpus, tiny_tokenizer):
        corpus = dataclasses.replace(tiny_corpus, token_lengths=np.append(tiny_corpus.token_lengths, 9))
        with pytest.raises(InputError, match="ids up to 39, but tiny model has 39 embedding rows"):
            self_similarity(tiny_model, corpus, tiny_tokenizer.pieces, progress=False)

    def test_model_that_gives_no_numbers(self, tiny_model, tiny_corpus, tiny_tokenizer):
        broken = dataclasses.replace(tiny_model, network=copy.deepcopy(tiny_model.network))
        with torch.no_grad():
            broken.network.encoder.layer[0].output.dense.bias[0] = float("nan")
        with pytest.raises(InputError, match="hidden states are not finite"):
            self_similarity(broken, tiny_corpus, tiny_tokenizer.pieces, progress=False)


def test_saved_tables(result, tmp_path):
    paths = result.save(tmp_path / "new")
    assert [path.name for path in paths] == ["selfsim.parquet", "selfsim.tsv"]
    pd.testing.assert_frame_equal(pd.read_parquet(paths[0]), result.tokens)
    read = pd.read_csv(paths[1], sep="\t", keep_default_na=True)
    assert list(read) == list(result.tokens)
    np.testing.assert_allclose(read["self_similarity"], result.tokens["self_similarity"], rtol=1e-5, atol=1e-6)
    assert "SelfSimilarity(" in repr(result) and "anisotropy" in result._repr_html_()


def test_embedded_checkpoint_against_all_pairs(sample_checkpoint):
    """The real tokenizer and sequence: 3 kb of the sample."""
    from transformers import AutoModelForMaskedLM

    from grover_probe.bpe import load_tokenizer
    from grover_probe.corpus import tokenize
    from grover_probe.data.sample import SLICE_NAME, sample_path
    from grover_probe.genome import open_genome
    from grover_probe.models import load
    from grover_probe.windows import MAX_WINDOW_TOKENS

    tokenizer = load_tokenizer(sample_checkpoint)
    corpus = tokenize(open_genome(sample_path("chr20_slice.2bit")), tokenizer, progress=False)
    runs = corpus.runs([Region(SLICE_NAME, 2_000_000, 2_003_000)])
    found = self_similarity(load(sample_checkpoint, device="cpu"), corpus, tokenizer.pieces, runs, progress=False)
    network = AutoModelForMaskedLM.from_pretrained(sample_checkpoint, dtype=torch.float32).eval()
    oracle = read_window_by_window(network, corpus, runs, MAX_WINDOW_TOKENS)
    for row in found.tokens[found.tokens["count"] > 1].itertuples():
        expected = all_pairs(oracle.states[oracle.ids == row.token_id, row.layer])
        assert row.self_similarity == pytest.approx(expected, abs=5e-6)
    for row in found.layers.itertuples():
        assert row.anisotropy == pytest.approx(all_pairs(oracle.states[:, row.layer]), abs=5e-6)
