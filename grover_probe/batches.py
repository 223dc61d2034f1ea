"""Windows of a corpus as padded model inputs, grouped by length so that little is padding."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grover_probe.bpe.merges import CLS_ID, MASK_ID, PAD_ID, SEP_ID
from grover_probe.display import brief

_POOL_BATCHES = 64  # windows are sorted by length within pools of about this many batches


@dataclass(frozen=True)
class SpecialIds:
    """Ids of the special tokens that a model's input is made with; None for one that it does not take.

    Attributes
    ----------
    pad
        Fills up short windows.
    cls, sep
        Before the first and after the last token of a window.
    mask
        Stands for a token to be predicted.
    """

    pad: int = PAD_ID
    cls: int | None = CLS_ID
    sep: int | None = SEP_ID
    mask: int | None = MASK_ID

    @property
    def before(self) -> int:
        """Positions before the first token of a window: 0 or 1."""
        return int(self.cls is not None)

    @property
    def around(self) -> int:
        """Positions that special tokens take in a window: 0, 1 or 2."""
        return self.before + int(self.sep is not None)


BERT_SPECIALS = SpecialIds()  # of this project's tokenizers and the published GROVER


@dataclass(frozen=True)
class Batch:
    """Windows of similar length as model input.

    Attributes
    ----------
    input_ids
        int64, shape (n_windows, longest + specials.around): [CLS], tokens, [SEP], padding.
    attention_mask
        int64, same shape, 1 for everything but padding; None when there is no padding.
    windows
        int64, shape (n_windows, 2): token ranges in the corpus.
    specials
        What stands before and after the tokens.
    """

    input_ids: np.ndarray
    attention_mask: np.ndarray | None
    windows: np.ndarray
    specials: SpecialIds = BERT_SPECIALS

    __repr__ = brief

    @property
    def n_tokens(self) -> int:
        """Tokens of the corpus in this batch, special tokens not counted."""
        return int((self.windows[:, 1] - self.windows[:, 0]).sum())


def gather(ids: np.ndarray, windows: np.ndarray, specials: SpecialIds = BERT_SPECIALS) -> Batch:
    """Read windows of a corpus into one padded batch.

    Parameters
    ----------
    ids
        Token ids of the corpus, shape (n_tokens,).
    windows
        Token ranges, shape (n_windows, 2), none empty.
    specials
        What the model takes around the tokens: `LanguageModel.specials`.
    """
    sizes = windows[:, 1] - windows[:, 0]
    longest = int(sizes.max())
    columns = np.arange(longest)
    inside = columns < sizes[:, None]
    positions = np.minimum(windows[:, :1] + columns, windows[:, 1:] - 1)
    before, width = specials.before, longest + specials.around
    input_ids = np.full((len(windows), width), specials.pad, dtype=np.int64)
    input_ids[:, before : before + longest] = np.where(inside, ids[positions], specials.pad)
    if specials.cls is not None:
        input_ids[:, 0] = specials.cls
    if specials.sep is not None:
        input_ids[np.arange(len(windows)), before + sizes] = specials.sep
    padded = bool((sizes < longest).any())
    mask = (np.arange(width) < (sizes + specials.around)[:, None]).astype(np.int64) if padded else None
    return Batch(input_ids, mask, windows, specials)


def in_length_order(windows: np.ndarray, batch_tokens: int) -> list[np.ndarray]:
    """Group windows of equal or similar length, longest first: about `batch_tokens` positions per group."""
    sizes = windows[:, 1] - windows[:, 0]
    order = np.argsort(-sizes, kind="stable")
    return list(_cut(windows[order], batch_tokens))


def shuffled(windows: np.ndarray, batch_tokens: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Group windows at random, but of similar length, into batches in random order.

    Windows are shuffled, sorted by length within pools of many batches, cut, and the batches shuffled again.
    """
    windows = windows[rng.permutation(len(windows))]
    mean_size = max(1.0, float((windows[:, 1] - windows[:, 0]).mean())) if len(windows) else 1.0
    pool = max(1, int(_POOL_BATCHES * batch_tokens / mean_size))
    groups: list[np.ndarray] = []
    for begin in range(0, len(windows), pool):
        groups.extend(in_length_order(windows[begin : begin + pool], batch_tokens))
    return [groups[index] for index in rng.permutation(len(groups))]


def _cut(windows: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Cut windows sorted by falling length where the padded size (with [CLS] and [SEP]) would pass the budget."""
    begin = 0
    while begin < len(windows):
        longest = int(windows[begin, 1] - windows[begin, 0]) + 2
        end = begin + max(1, batch_tokens // longest)
        yield windows[begin:end]
        begin = end
