"""Masked tokens: how many, what stands in their place, and what is never touched."""

import dataclasses

import pytest
import torch

from grover_probe.bpe.merges import FIRST_PIECE_ID, MASK_ID
from grover_probe.masking import MaskRule, mask_tokens

N_IDS = 45
IDS = torch.randint(0, N_IDS, (400, 512), generator=torch.Generator().manual_seed(1))
PIECES = IDS >= FIRST_PIECE_ID


def masked(rule: MaskRule, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return mask_tokens(IDS, torch.arange(N_IDS) >= FIRST_PIECE_ID, rule, torch.Generator().manual_seed(seed))


def close(count: int, n: int, share: float) -> bool:
    """Whether a count is within four standard deviations of what a share of n gives."""
    return abs(count - n * share) <= 4 * (n * share * (1 - share)) ** 0.5


def test_defaults_are_the_papers():
    assert dataclasses.astuple(MaskRule()) == (0.022, 0.8, 0.1)


@pytest.mark.parametrize("rate", [0.0, 0.022, 0.15, 1.0])
def test_rate_of_selection(rate):
    _, selected = masked(MaskRule(rate))
    assert close(int(selected.sum()), int(PIECES.sum()), rate)


@pytest.mark.parametrize(
    ("mask_share", "random_share"), [(0.8, 0.1), (0.8, 0.2), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.5, 0.5)]
)
def test_what_stands_in_the_place_of_the_selected(mask_share, random_share):
    corrupted, selected = masked(MaskRule(0.3, mask_share, random_share))
    n = int(selected.sum())
    is_mask = corrupted[selected] == MASK_ID
    changed = (corrupted[selected] != IDS[selected]) & ~is_mask
    n_pieces = N_IDS - FIRST_PIECE_ID
    assert close(int(is_mask.sum()), n, mask_share)
    assert close(int(changed.sum()), n, random_share * (n_pieces - 1) / n_pieces)  # one in 40 is drawn as it was


def test_special_tokens_and_unselected_tokens_stay():
    corrupted, selected = masked(MaskRule(0.5, 0.4, 0.4))
    assert not (selected & ~PIECES).any()
    assert torch.equal(corrupted[~selected], IDS[~selected])
    assert (selected.dtype, corrupted.dtype) == (torch.bool, torch.int64)


def test_random_pieces_are_uniform_and_never_special():
    corrupted, selected = masked(MaskRule(1.0, 0.0, 1.0))
    counts = torch.bincount(corrupted[selected], minlength=N_IDS)
    assert len(counts) == N_IDS
    assert (counts[:FIRST_PIECE_ID] == 0).all()
    n, n_pieces = int(counts.sum()), N_IDS - FIRST_PIECE_ID
    chi2 = float(((counts[FIRST_PIECE_ID:] - n / n_pieces) ** 2 / (n / n_pieces)).sum())
    assert chi2 < 73  # chance of more with 39 degrees of freedom: one in 1,000


def test_selection_depends_on_neither_token_nor_neighbour():
    _, selected = masked(MaskRule(0.2))
    for number in range(FIRST_PIECE_ID, N_IDS):
        of_token = selected[number == IDS]
        assert close(int(of_token.sum()), len(of_token), 0.2)
    both = PIECES[:, :-1] & PIECES[:, 1:]
    pairs = (selected[:, :-1] & selected[:, 1:])[both]
    assert close(int(pairs.sum()), len(pairs), 0.04)


def test_seed_decides_and_input_is_left_alone():
    before = IDS.clone()
    one, again, other = (masked(MaskRule(0.2), seed) for seed in (7, 7, 8))
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[1], other[1])
    assert torch.equal(IDS, before)
