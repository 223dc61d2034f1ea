"""Masked-token training and evaluation examples (Devlin et al. 2019, with GROVER's rates)."""

from dataclasses import dataclass

import torch

from grover_probe.bpe.merges import MASK_ID


@dataclass(frozen=True)
class MaskRule:
    """How tokens are selected for prediction, and what stands in their place.

    Attributes
    ----------
    rate
        Share of tokens selected; GROVER's is 0.022.
    mask_share
        Share of the selected that become [MASK]; 0.8 in the paper.
    random_share
        Share of the selected that become a random piece. The rest stays as it is. The paper gives 80 % and says that
        the others are replaced; whether some of these stay unchanged is not stated. BERT's 0.1 is the default.
    """

    rate: float = 0.022
    mask_share: float = 0.8
    random_share: float = 0.1


def mask_tokens(
    ids: torch.Tensor, is_piece: torch.Tensor, rule: MaskRule, generator: torch.Generator, mask_id: int = MASK_ID
) -> tuple[torch.Tensor, torch.Tensor]:
    """Select tokens and corrupt them.

    Parameters
    ----------
    ids
        int64, any shape.
    is_piece
        bool, shape (n_ids,): which ids stand for sequence. Only these are selected, and drawn as replacements.
    rule
        Rates.
    generator
        Source of randomness, on the CPU.
    mask_id
        Id of [MASK].

    Returns
    -------
    corrupted : torch.Tensor
        Like `ids`, with the selected tokens replaced.
    selected : torch.Tensor
        bool, same shape.
    """
    pieces = is_piece.nonzero()[:, 0]
    draw = torch.rand(ids.shape, generator=generator)
    selected = (draw < rule.rate) & is_piece[ids]
    kind = torch.rand(ids.shape, generator=generator)
    random_ids = pieces[torch.randint(0, len(pieces), ids.shape, generator=generator)]
    corrupted = ids.masked_fill(selected & (kind < rule.mask_share), mask_id)
    swap = selected & (kind >= rule.mask_share) & (kind < rule.mask_share + rule.random_share)
    return torch.where(swap, random_ids, corrupted), selected
