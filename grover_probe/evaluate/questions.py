"""The test: which tokens of held-out sequence are masked. The same questions go to models and to baselines."""

from dataclasses import dataclass

import numpy as np
import torch

from grover_probe.batches import BERT_SPECIALS, SpecialIds, gather
from grover_probe.corpus import Corpus
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.masking import MaskRule, mask_tokens
from grover_probe.windows import MIN_SAMPLE_TOKENS, fixed_windows


@dataclass(frozen=True)
class Questions:
    """Masked tokens of some windows.

    Attributes
    ----------
    windows
        int64, shape (n_windows, 2): token ranges, in the order in which they were drawn.
    positions
        int64, shape (n_masked,): index of each masked token in the corpus, window by window.
    window_of
        int64, shape (n_masked,): row of `windows` that each is in.
    targets
        int64, shape (n_masked,): the true tokens as piece numbers.
    piece_ids
        int64, shape (n_pieces,): token id of each piece, the ids that stand for sequence.
    specials
        Special ids of the model.
    rule, seed
        How they were drawn; `corrupted` draws the same again.
    """

    windows: np.ndarray
    positions: np.ndarray
    window_of: np.ndarray
    targets: np.ndarray
    piece_ids: np.ndarray
    specials: SpecialIds
    rule: MaskRule
    seed: int

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.positions)

    def neighbours(self, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
        """True left and right neighbour of each masked token as piece numbers, -1 at the edge of its window."""
        begins, stops = self.windows[self.window_of].T
        left = np.where(self.positions > begins, self.positions - 1, -1)
        right = np.where(self.positions + 1 < stops, self.positions + 1, -1)
        pieces = [np.where(side >= 0, np.searchsorted(self.piece_ids, corpus.ids[side]), -1) for side in (left, right)]
        return pieces[0], pieces[1]


def draw_questions(
    corpus: Corpus,
    runs: np.ndarray,
    *,
    mask_rate: float = 0.022,
    n_masked: int = 20_000,
    window: int = 510,
    specials: SpecialIds = BERT_SPECIALS,
    seed: int = 0,
) -> Questions:
    """Draw windows at random from runs, and tokens to mask in them, until there are enough.

    Parameters
    ----------
    corpus, runs
        Held-out tokens. Runs are cut into consecutive windows; what is shorter than 20 tokens is left out.
    mask_rate
        Share of tokens selected; the paper's 2.2 %. Of these 80 % become [MASK], a tenth a random token, a tenth stays.
    n_masked
        Take whole windows until so many tokens are masked, or all of them.
    window
        Tokens per window.
    specials
        Special ids of the model.
    seed
        Decides windows and masks. The mask of a window depends on the seed and its place in the corpus alone.

    Raises
    ------
    InputError
        When the runs hold no window, or nothing was masked.
    """
    windows = fixed_windows(runs, window)
    windows = windows[windows[:, 1] - windows[:, 0] >= min(window, MIN_SAMPLE_TOKENS)]
    if not len(windows):
        raise InputError(f"the held-out sequence has no stretch of {min(window, MIN_SAMPLE_TOKENS)} tokens")
    windows = windows[np.random.default_rng(seed).permutation(len(windows))]
    is_piece, rule = corpus.token_lengths > 0, MaskRule(mask_rate)
    found, total = [], 0
    for each in windows:
        _, selected = _corrupt(corpus, each, is_piece, rule, seed, specials)
        found.append(each[0] + selected.numpy().nonzero()[0])
        total += len(found[-1])
        if total >= n_masked:
            break
    if not total:
        raise InputError(f"no token was masked in {len(windows):,} windows at a rate of {mask_rate:g}")
    positions = np.concatenate(found).astype(np.int64)
    piece_ids = np.flatnonzero(is_piece)
    return Questions(
        windows=windows[: len(found)],
        positions=positions,
        window_of=np.repeat(np.arange(len(found)), [len(each) for each in found]),
        targets=np.searchsorted(piece_ids, corpus.ids[positions]),
        piece_ids=piece_ids,
        specials=specials,
        rule=rule,
        seed=seed,
    )


def corrupted(questions: Questions, corpus: Corpus, part: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Model input for some windows that are all of one length.

    Returns
    -------
    ids, selected : torch.Tensor
        int64 and bool, each of shape (n_windows, n_positions), special tokens included.
    """
    windows, specials = questions.windows[part], questions.specials
    ids = torch.from_numpy(gather(corpus.ids, windows, specials).input_ids)
    selected = torch.zeros(ids.shape, dtype=torch.bool)
    is_piece = corpus.token_lengths > 0
    inside = slice(specials.before, specials.before + int(windows[0, 1] - windows[0, 0]))
    for row, window in enumerate(windows):
        ids[row, inside], selected[row, inside] = _corrupt(
            corpus, window, is_piece, questions.rule, questions.seed, specials
        )
    return ids, selected


def _corrupt(
    corpus: Corpus, window: np.ndarray, is_piece: np.ndarray, rule: MaskRule, seed: int, specials: SpecialIds
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens of one window, corrupted, and which of them are selected; whatever batch it is in."""
    if specials.mask is None:
        raise InputError("the model has no mask token; masked-token prediction needs a masked language model")
    ids = torch.from_numpy(corpus.ids[window[0] : window[1]].astype(np.int64))
    generator = torch.Generator().manual_seed(seed * 1_000_003 + int(window[0]))
    return mask_tokens(ids, torch.from_numpy(is_piece), rule, generator, specials.mask)
