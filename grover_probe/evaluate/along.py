"""Every token of a region predicted with itself masked, for a look at where on a chromosome a model knows what comes.

One token in so many is masked at a time, evenly spaced, so that the model sees about what it saw in pretraining; what
it is asked for it never sees. Windows are wider than the part that they are asked for, so that each token has context
on both sides, also from outside the region.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from grover_probe.batches import SpecialIds, gather
from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.evaluate.answers import Answers
from grover_probe.evaluate.masked import MaskedLogits, equal_lengths
from grover_probe.ngrams import NgramModel

if TYPE_CHECKING:
    from grover_probe.genome import Region

PAPER_SPACING = 45  # one token in 45 is 2.2 %
_MARGIN = 8  # a window is asked for all but an eighth of it on each side
_BLOCK = 2_000  # n-gram answers at a time


@dataclass(frozen=True)
class Reading:
    """Windows that are read, and the tokens that each is asked for.

    Attributes
    ----------
    windows, asked
        int64, shape (n_windows, 2): token ranges in the corpus. Those of `asked` follow each other and cover the
        region once.
    """

    windows: np.ndarray
    asked: np.ndarray

    __repr__ = brief

    @property
    def positions(self) -> np.ndarray:
        """Every token that is asked for, in order."""
        return np.concatenate([np.arange(begin, stop) for begin, stop in self.asked])


def plan_reading(corpus: Corpus, region: "Region", window: int) -> Reading:
    """Windows for the tokens of a region; context reaches over its edges as far as the sequence has no gap.

    Parameters
    ----------
    corpus
        The tokens.
    region
        Bases; tokens that lie wholly inside count.
    window
        Tokens per window.

    Raises
    ------
    InputError
        When no token lies inside.
    """
    ranges = corpus.runs([region])
    if not len(ranges):
        raise InputError(f"{region}: no token lies inside; expected a region with A, C, G and T")
    runs = corpus.runs()
    step, margin = window - 2 * (window // _MARGIN), window // _MARGIN
    windows, asked = [], []
    for begin, stop in ranges.tolist():
        low, high = runs[np.searchsorted(runs[:, 0], begin, side="right") - 1].tolist()
        for at in range(begin, stop, step):
            first = max(low, min(at - margin, high - window))
            windows.append((first, min(first + window, high)))
            asked.append((at, min(at + step, stop)))
    return Reading(np.array(windows, dtype=np.int64), np.array(asked, dtype=np.int64))


@torch.inference_mode()
def ask_along(
    logits: MaskedLogits,
    corpus: Corpus,
    reading: Reading,
    specials: SpecialIds,
    *,
    every: int = PAPER_SPACING,
    batch_size: int = 8,
    progress: bool = True,
) -> Answers:
    """Answers of a masked language model for every token of a reading, each while it is masked.

    Parameters
    ----------
    logits
        The model, such as `grover_probe.models.LanguageModel.masked_logits`.
    corpus, reading
        What to ask.
    specials
        Special ids of the model.
    every
        One token in so many is masked at a time; the length of a window masks one alone.
    batch_size
        Windows per batch; the result does not depend on it.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    InputError
        When the model has no mask token.
    """
    if specials.mask is None:
        raise InputError("the model has no mask token; masked-token prediction needs a masked language model")
    positions = reading.positions
    piece_ids = np.flatnonzero(corpus.token_lengths > 0)
    answers = Answers.empty(np.searchsorted(piece_ids, corpus.ids[positions]), len(piece_ids))
    before = np.concatenate(([0], np.cumsum(np.diff(reading.asked, axis=1))))
    with track(total=len(positions), label="masked tokens", unit="tok", progress=progress) as bar:
        for part, phase in _questions(reading, every, batch_size):
            ids = torch.from_numpy(gather(corpus.ids, reading.windows[part], specials).input_ids)
            selected = torch.zeros(ids.shape, dtype=torch.bool)
            rows = []
            for line, (number, first) in enumerate(zip(part, phase, strict=True)):
                begin, stop = reading.asked[number]
                shift = specials.before - reading.windows[number, 0]
                selected[line, int(begin + first + shift) : int(stop + shift) : every] = True
                rows.append(before[number] + np.arange(first, stop - begin, every))
            ids[selected] = specials.mask
            log_p = logits(ids, None, selected).float().log_softmax(1)[:, piece_ids]
            answers.put(np.concatenate(rows), log_p.cpu().numpy())
            bar.update(int(selected.sum()))
    return answers


def _questions(reading: Reading, every: int, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows of one length and the first token that is masked in each, so that every token is masked once."""
    sizes = np.minimum(np.diff(reading.asked, axis=1)[:, 0], every)
    window = np.repeat(np.arange(len(sizes)), sizes)
    phase = np.arange(len(window)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    for rows in equal_lengths(reading.windows[window], batch_size):
        yield window[rows], phase[rows]


def ask_bigrams(corpus: Corpus, reading: Reading, region: "Region") -> Answers:
    """The control: both neighbours of each token, by bigrams that are counted on the corpus outside the region."""
    positions = reading.positions
    is_piece = corpus.token_lengths > 0
    piece_ids = np.flatnonzero(is_piece)
    ngrams = NgramModel.count(corpus.ids, corpus.runs(exclude=[region]), is_piece)
    numbers = np.searchsorted(piece_ids, corpus.ids)
    runs = corpus.runs()
    run = np.searchsorted(runs[:, 0], positions, side="right") - 1
    left = np.where(positions > runs[run, 0], numbers[positions - 1], -1)
    right = np.where(positions + 1 < runs[run, 1], numbers[np.minimum(positions + 1, len(numbers) - 1)], -1)
    answers = Answers.empty(numbers[positions], len(piece_ids))
    for begin in range(0, len(positions), _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(positions)))
        answers.put(rows, ngrams.both(left[rows], right[rows]))
    return answers
