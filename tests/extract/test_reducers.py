"""Sums of directions against loops, and the rules that every reducer keeps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.extract.reducers import DirectionSums, TokenBatch

N_IDS, LAYERS, WIDTH = 7, 2, 5


def make_batches(seed: int, sizes: list[list[int]]) -> list[TokenBatch]:
    """Batches of windows with the given numbers of tokens; positions count through the whole."""
    rng = np.random.default_rng(seed)
    batches, position = [], 0
    for windows in sizes:
        n = sum(windows)
        batches.append(
            TokenBatch(
                ids=torch.from_numpy(rng.integers(0, N_IDS, n)),
                positions=torch.arange(position, position + n),
                window=torch.from_numpy(np.repeat(np.arange(len(windows)), windows)),
                n_windows=len(windows),
                hidden=tuple(torch.from_numpy(rng.normal(size=(n, WIDTH))).float() for _ in range(LAYERS)),
            )
        )
        position += n
    return batches


def slow_sums(batches: list[TokenBatch], selected: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Token by token, in double precision."""
    count, unit = np.zeros(N_IDS), np.zeros((LAYERS, N_IDS, WIDTH))
    to_window = np.zeros((LAYERS, N_IDS))
    for batch in batches:
        for layer, states in enumerate(batch.hidden):
            vectors = states.double().numpy()
            for token, number in enumerate(batch.ids.tolist()):
                if selected is not None and not selected[batch.positions[token]]:
                    continue
                own = vectors[token] / np.linalg.norm(vectors[token])
                mean = vectors[(batch.window == batch.window[token]).numpy()].mean(0)
                count[number] += layer == 0
                unit[layer, number] += own
                to_window[layer, number] += own @ mean / np.linalg.norm(mean)
    return {"count": count, "unit": unit, "to_window": to_window}


def reduced(batches: list[TokenBatch], selected: np.ndarray | None = None) -> dict[str, np.ndarray]:
    sums = DirectionSums(N_IDS, LAYERS, WIDTH, None if selected is None else torch.from_numpy(selected))
    for batch in batches:
        sums.update(batch)
    return {name: tensor.numpy() for name, tensor in sums.state_dict().items()}


def assert_same(one, other, tolerance=1e-6):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance)


batch_sizes = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=4)


@given(batch_sizes, st.integers(0, 99), st.booleans())
@settings(deadline=None)
def test_against_a_loop(sizes, seed, sampled):
    batches = make_batches(seed, sizes)
    n = sum(map(sum, sizes))
    selected = np.random.default_rng(seed).random(n) < 0.5 if sampled else None
    assert_same(reduced(batches, selected), slow_sums(batches, selected))


@given(batch_sizes, st.integers(0, 99), st.randoms())
@settings(deadline=None)
def test_order_of_batches_does_not_matter(sizes, seed, random):
    batches = make_batches(seed, sizes)
    turned = list(batches)
    random.shuffle(turned)
    assert_same(reduced(batches), reduced(turned), 1e-12)


@given(batch_sizes, st.integers(0, 4))
@settings(deadline=None)
def test_merging_two_is_one_pass(sizes, cut):
    batches = make_batches(3, sizes)
    one, other = (DirectionSums(N_IDS, LAYERS, WIDTH) for _ in range(2))
    for batch in batches[:cut]:
        one.update(batch)
    for batch in batches[cut:]:
        other.update(batch)
    kept = other.state_dict()
    one.merge(other)
    assert_same({name: t.numpy() for name, t in one.state_dict().items()}, reduced(batches), 1e-12)
    assert_same(other.state_dict(), kept, 0)


def test_saved_and_loaded(tmp_path):
    """A run that was stopped goes on from its state, and the state is a copy."""
    batches = make_batches(4, [[5, 3], [8], [2, 2]])
    first = DirectionSums(N_IDS, LAYERS, WIDTH)
    first.update(batches[0])
    torch.save(first.state_dict(), tmp_path / "state.pt")
    first.update(batches[0])
    second = DirectionSums(N_IDS, LAYERS, WIDTH)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for batch in batches[1:]:
        second.update(batch)
    assert_same({name: t.numpy() for name, t in second.state_dict().items()}, reduced(batches), 0)


def test_state_is_double_and_on_the_cpu():
    state = DirectionSums(N_IDS, LAYERS, WIDTH).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {
        "count": (N_IDS,),
        "unit": (LAYERS, N_IDS, WIDTH),
        "to_window": (LAYERS, N_IDS),
    }
    assert all(tensor.dtype == torch.float64 and tensor.device.type == "cpu" for tensor in state.values())


def test_incomplete_state_is_an_error():
    sums = DirectionSums(N_IDS, LAYERS, WIDTH)
    with pytest.raises(KeyError, match="unit"):
        sums.load_state_dict({"count": torch.zeros(N_IDS)})
    with pytest.raises(RuntimeError, match="size"):
        sums.merge(DirectionSums(N_IDS + 1, LAYERS, WIDTH))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_only_directions_count(scale):
    batches = make_batches(5, [[6, 4]])
    scaled = [
        TokenBatch(b.ids, b.positions, b.window, b.n_windows, tuple(layer * scale for layer in b.hidden))
        for b in batches
    ]
    assert_same(reduced(scaled), reduced(batches), 1e-5)


def test_half_precision_states_are_summed_in_double():
    """2,049 ones do not fit a sum in half precision; here they do."""
    n = 5_000
    states = torch.tensor([[3.0, 4.0]]).expand(n, 2).half()
    batch = TokenBatch(
        torch.zeros(n, dtype=torch.long), torch.arange(n), torch.zeros(n, dtype=torch.long), 1, (states,)
    )
    sums = DirectionSums(1, 1, 2)
    sums.update(batch)
    np.testing.assert_allclose(sums.sums["unit"][0, 0], [n * 0.6, n * 0.8], rtol=1e-6)
    np.testing.assert_allclose(sums.sums["to_window"][0, 0], n, rtol=1e-6)
