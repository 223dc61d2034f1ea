"""Questions to a model or to n-grams."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.evaluate.answers import Answers
from grover_probe.evaluate.questions import Questions, corrupted
from grover_probe.ngrams import NgramModel

MaskedLogits = Callable[[torch.Tensor, None, torch.Tensor], torch.Tensor]
"""Token ids, no attention mask and selected positions (n_windows, n_positions) to logits (n_selected, n_ids)."""

_BLOCK = 2_000  # n-gram answers at a time


@torch.inference_mode()
def ask_model(
    logits: MaskedLogits, corpus: Corpus, questions: Questions, *, batch_size: int = 8, progress: bool = True
) -> Answers:
    """Answers of a masked language model.

    Parameters
    ----------
    logits
        The model, such as `grover_probe.models.LanguageModel.masked_logits`.
    corpus, questions
        What to ask.
    batch_size
        Windows per batch; the result does not depend on it.
    progress
        Show a progress bar on stderr.
    """
    answers = Answers.empty(questions.targets, len(questions.piece_ids))
    first = np.searchsorted(questions.window_of, np.arange(len(questions.windows) + 1))
    with track(total=len(questions), label="masked tokens", unit="tok", progress=progress) as bar:
        for part in equal_lengths(questions.windows, batch_size):
            ids, selected = corrupted(questions, corpus, part)
            log_p = logits(ids, None, selected).float().log_softmax(1)[:, questions.piece_ids]
            rows = np.concatenate([np.arange(first[each], first[each + 1]) for each in part])
            answers.put(rows, log_p.cpu().numpy())
            bar.update(len(rows))
    return answers


def ask_ngrams(ngrams: NgramModel, corpus: Corpus, questions: Questions) -> dict[str, Answers]:
    """Answers of the unigram, of the left bigram, and of the product of left and right bigram.

    They see the true neighbours, also where the model sees a mask; at 2.2 % that is rarely a difference, and in their
    favour.
    """
    left, right = questions.neighbours(corpus)
    n_pieces = len(questions.piece_ids)
    found = {name: Answers.empty(questions.targets, n_pieces) for name in ("unigram", "left bigram", "both bigrams")}
    for begin in range(0, len(questions), _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(questions)))
        found["unigram"].put(rows, np.broadcast_to(ngrams.unigram, (len(rows), n_pieces)))
        found["left bigram"].put(rows, ngrams.left(left[rows]))
        found["both bigrams"].put(rows, ngrams.both(left[rows], right[rows]))
    return found


def equal_lengths(windows: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Rows of windows of one length each, so that nothing is padded."""
    sizes = windows[:, 1] - windows[:, 0]
    for size in np.unique(sizes)[::-1]:
        rows = np.flatnonzero(sizes == size)
        for begin in range(0, len(rows), batch_size):
            yield rows[begin : begin + batch_size]
