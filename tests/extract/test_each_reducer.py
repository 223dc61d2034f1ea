"""Each reducer against brute force over all hidden states, and against other people's programs."""

import itertools

import numpy as np
import pytest
import torch

from grover_probe.batches import gather, in_length_order
from grover_probe.extract.reducers import REDUCERS
from grover_probe.extract.reducers.base import hash_positions
from grover_probe.extract.reducers.explainable import choose_by_hash
from grover_probe.extract.run import forward, run_pass, window_table

NAMES = list(REDUCERS)


def reduce_all(setup, name, batch_size=4, order=None):
    """The reducer after a pass."""
    sums = REDUCERS[name].for_pass(setup)
    for batch in batches(setup, batch_size, order):
        sums.update(batch)
    return sums


def batches(setup, batch_size=4, order=None):
    table = window_table(setup.windows, setup.taken)
    table = table if order is None else table[order]
    for group in in_length_order(table, batch_size * 66):
        batch = gather(setup.corpus.ids, group[:, :2])
        yield forward(setup.model, batch, setup.layers, taken=group[:, 2:4], numbers=group[:, 4])


def unit(states):
    return states / np.linalg.norm(states, axis=-1, keepdims=True)


def close(found, expected, tolerance=1e-6):
    scale = max(1.0, float(np.nanmax(np.abs(expected))))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


class TestBruteForce:
    def test_moments(self, setup, truth):
        found = reduce_all(setup, "moments").finalize()
        for number in range(setup.n_ids):
            own = truth.states[truth.ids == number]
            assert found["count"][number] == len(own)
            if len(own):
                close(found["mean"][:, number], own.mean(0))
                close(found["variance"][:, number], own.var(0), 2e-6)
            else:
                assert np.isnan(found["mean"][:, number]).all()
                assert np.isnan(found["variance"][:, number]).all()

    def test_variance_of_a_dimension_far_from_zero(self):
        """A mean of a thousand standard deviations costs half of the digits, no more."""
        from grover_probe.extract.reducers import Moments, TokenBatch

        states = (torch.randn(4_000, 1, generator=torch.Generator().manual_seed(0)) + 1_000).float()
        zeros = torch.zeros(4_000, dtype=torch.long)
        sums = Moments(1, 1, 1)
        sums.update(TokenBatch(zeros, zeros, zeros, 1, (states,)))
        assert sums.finalize()["variance"][0, 0, 0] == pytest.approx(states.double().numpy().var(), rel=1e-7)

    def test_directions(self, setup, truth):
        found = reduce_all(setup, "directions").finalize()
        means = np.stack([truth.states[truth.window == n].mean(0) for n in range(len(setup.windows))])
        cosine = (unit(truth.states) * unit(means)[truth.window]).sum(-1)
        for number in range(setup.n_ids):
            own = truth.ids == number
            close(found["unit"][:, number], unit(truth.states[own]).sum(0))
            close(found["to_window"][:, number], cosine[own].sum(0))

    def test_dimensions_against_all_pairs(self, setup, truth):
        found = reduce_all(setup, "dimensions").finalize()
        vectors = unit(truth.states)
        n = len(vectors)
        products = np.zeros((3, 16))
        for i in range(1, n):  # each token with all before it
            products += (vectors[i] * vectors[:i]).sum(0)
        products /= n * (n - 1) / 2
        close(found["contribution"], products)
        close(found["anisotropy"], products.sum(1))
        close(found["share"].sum(1), np.ones(3))

    def test_standardised_against_scikit_learn(self, setup, truth):
        from sklearn.metrics.pairwise import cosine_similarity
        from sklearn.preprocessing import StandardScaler

        from grover_probe.selfsim import mean_pair_cosine

        found = reduce_all(setup, "standardised").finalize()
        number = np.bincount(truth.ids).argmax()
        for layer in range(3):
            scaler = StandardScaler().fit(np.eye(16))
            scaler.mean_, scaler.scale_ = (setup.options[name][layer].double().numpy() for name in ("centre", "scale"))
            states = scaler.transform(truth.states[truth.ids == number, layer])
            pairs = cosine_similarity(states)[np.triu_indices(len(states), 1)]
            close(mean_pair_cosine(found["unit"][layer, number], np.array(len(states))), pairs.mean())

    def test_explainable_against_scikit_learn(self, setup, truth):
        from sklearn.decomposition import PCA

        found = reduce_all(setup, "explainable").finalize()
        hashes = hash_positions(torch.from_numpy(truth.positions)).numpy()
        assert found["count"].max() == 5
        for number in np.unique(truth.ids):
            own = np.flatnonzero(truth.ids == number)
            own = own[np.argsort(hashes[own])][:5]
            assert found["count"][number] == len(own)
            for layer in range(3):
                states = truth.states[own, layer]
                if len(own) < 2:
                    assert np.isnan(found["mev"][layer, number])
                    continue
                values = np.linalg.svd(states, compute_uv=False) ** 2
                close(found["mev"][layer, number], values[0] / values.sum())
                expected = PCA(n_components=1).fit(states).explained_variance_ratio_[0]
                close(found["mev_centred"][layer, number], expected)

    def test_cka_against_gram_matrices(self, setup, truth):
        """The other form of linear CKA: HSIC of centred Gram matrices of the tokens."""
        found = reduce_all(setup, "cka").finalize()
        chosen = (hash_positions(torch.from_numpy(truth.positions)) % 3 == 0).numpy()
        assert found["count"] == chosen.sum() and 0.2 < chosen.mean() < 0.45
        centred = truth.states[chosen] - truth.states[chosen].mean(0)
        grams = [centred[:, layer] @ centred[:, layer].T for layer in range(3)]
        for one, other in itertools.product(range(3), repeat=2):
            hsic = (grams[one] * grams[other]).sum()
            expected = hsic / np.sqrt((grams[one] ** 2).sum() * (grams[other] ** 2).sum())
            close(found["cka"][one, other], expected)

    def test_lens_reads_the_last_layer_as_the_model_does(self, setup, truth, tiny_network):
        found = reduce_all(setup, "lens").finalize()
        chosen = np.flatnonzero((hash_positions(torch.from_numpy(truth.positions)) % 3 == 0).numpy())
        with torch.no_grad():
            logits = tiny_network.cls(torch.from_numpy(truth.states[chosen]).float()).double().numpy()
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        own = np.take_along_axis(log_p, truth.ids[chosen][:, None, None], 2)[..., 0]
        first = logits.argmax(-1) == truth.ids[chosen][:, None]
        close(found["log_p_all"], own.mean(0))
        close(found["top1_all"], first.mean(0))
        number = np.bincount(truth.ids[chosen]).argmax()
        close(found["log_p"][:, number], own[truth.ids[chosen] == number].mean(0))
        ids = torch.from_numpy(gather(setup.corpus.ids, setup.windows[:1]).input_ids)
        with torch.no_grad():
            whole = tiny_network(input_ids=ids).logits
            last = tiny_network(input_ids=ids, output_hidden_states=True).hidden_states[-1]
        torch.testing.assert_close(setup.options["head"](last), whole)

    def test_windows(self, setup, truth):
        found = reduce_all(setup, "windows").rows
        assert found.shape == (25, 2, 3, 16)
        for number in range(25):
            own = truth.states[truth.window == number][:, [0, 2]]
            close(found[number, :, 0], own.max(0))
            close(found[number, :, 1], truth.first[number][[0, 2]])
            close(found[number, :, 2], own.mean(0))

    def test_regions_base_by_base(self, setup, truth, tiny_corpus, tiny_regions):
        found = reduce_all(setup, "regions").finalize()
        state_of_base = {}
        for row, position in enumerate(truth.positions):
            start = int(tiny_corpus.starts[position])
            for base in range(start, start + int(tiny_corpus.token_lengths[truth.ids[row]])):
                state_of_base[base] = truth.states[row][[0, 2]]
        for index, region in enumerate(tiny_regions):
            own = [state_of_base[base] for base in range(region.start, region.end) if base in state_of_base]
            assert found["bases"][index] == len(own)
            if own:
                close(found["mean"][index], np.mean(own, 0))
            else:
                assert np.isnan(found["mean"][index]).all()
        assert found["bases"][-1] == 0 < found["bases"][0]


class TestRules:
    """What every reducer keeps, the user's own included."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("batch_size", [1, 3, 100])
    def test_batch_size_and_order(self, setup, name, batch_size):
        order = np.random.default_rng(batch_size).permutation(len(setup.windows))
        assert_same(reduce_all(setup, name, batch_size, order), reduce_all(setup, name), 1e-6)

    @pytest.mark.parametrize("name", NAMES)
    def test_merging_is_one_pass_and_states_can_be_saved(self, setup, name):
        kind = REDUCERS[name]
        one, other = kind.for_pass(setup), kind.for_pass(setup)
        for number, batch in enumerate(batches(setup)):
            (one if number % 2 else other).update(batch)
        restored = other.fresh()
        restored.load_state_dict(other.state_dict())
        one.merge(restored)
        assert_same(one, reduce_all(setup, name), 1e-12)
        assert_same(restored, other, 0)

    @pytest.mark.parametrize("name", NAMES)
    def test_fresh_is_empty_and_apart(self, setup, name):
        used = reduce_all(setup, name)
        new = used.fresh()
        assert_same(new, REDUCERS[name].for_pass(setup), 0)
        for batch in batches(setup):
            new.update(batch)
        assert_same(new, used, 0)

    def test_several_in_one_pass_are_as_each_alone(self, setup):
        together = [REDUCERS[name].for_pass(setup) for name in NAMES]
        run_pass(setup.model, setup.corpus, setup.windows, together, taken=setup.taken, layers=setup.layers,
                 batch_size=4, progress=False)  # fmt: skip
        for reducer in together:
            assert_same(reducer, reduce_all(setup, reducer.name), 0)


def assert_same(one, other, tolerance):
    states = [{**r.finalize(), **({"rows": r.rows} if hasattr(r, "rows") else {})} for r in (one, other)]
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        scale = max(1.0, float(np.nanmax(np.abs(states[1][name]), initial=0)))
        np.testing.assert_allclose(array, states[1][name], rtol=0, atol=tolerance * scale, err_msg=name)


class TestSamples:
    def test_hash_is_splitmix64(self):
        """Against the published algorithm, in Python's own integers."""
        mask = (1 << 64) - 1
        for position in (0, 1, 2, 12_345, 10**12):
            value = (position + 0x9E3779B97F4A7C15) & mask
            value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
            value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
            value ^= value >> 31
            assert int(hash_positions(torch.tensor([position]))[0]) == value & ((1 << 62) - 1)

    @pytest.mark.parametrize("most", [1, 4, 10_000])
    def test_choice_does_not_depend_on_how_ranges_are_cut(self, most, monkeypatch):
        rng = np.random.default_rng(0)
        ids = rng.integers(0, 9, 5_000).astype(np.uint16)
        ranges = np.array([[0, 700], [900, 901], [1_000, 4_500]])
        expected = []
        inside = np.concatenate([np.arange(*pair) for pair in ranges])
        hashes = hash_positions(torch.from_numpy(inside)).numpy()
        for number in range(9):
            own = inside[ids[inside] == number]
            expected += own[np.argsort(hashes[ids[inside] == number])][:most].tolist()
        np.testing.assert_array_equal(choose_by_hash(ids, ranges, 9, most), sorted(expected))
        cut = np.concatenate([np.stack([np.arange(a, b, 50), np.minimum(np.arange(a, b, 50) + 50, b)], 1)
                              for a, b in ranges])  # fmt: skip
        monkeypatch.setattr("grover_probe.extract.reducers.explainable._BLOCK", 512 * 3)
        np.testing.assert_array_equal(choose_by_hash(ids, rng.permutation(cut), 9, most), sorted(expected))
