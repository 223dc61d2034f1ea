"""Examples of a task as token ids for a model: whole, cut, or in windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from grover_probe.batches import SpecialIds
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.kmer import AnyTokenizer
from grover_probe.tasks.inner import inner_tokens

if TYPE_CHECKING:
    import pandas as pd

Long = Literal["refuse", "cut", "window"]


@dataclass(frozen=True)
class Windows:
    """Model inputs.

    Attributes
    ----------
    ids
        Ids of each window, special tokens included: int64 arrays.
    owner
        Which example each window is of, shape (n_windows,).
    n_examples
        Examples.
    too_long
        Examples that have more tokens than the model's positions and were cut or divided.
    """

    ids: list[np.ndarray]
    owner: np.ndarray
    n_examples: int
    too_long: int

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Positions of each window."""
        return np.array([len(ids) for ids in self.ids], dtype=np.int64)


def make_windows(
    table: "pd.DataFrame",
    tokenizer: AnyTokenizer,
    max_tokens: int | None,
    *,
    long: Long = "refuse",
    flank: bool = True,
    fed_as_tokens: bool = True,
    specials: SpecialIds,
    model_ids: np.ndarray | None = None,
) -> Windows:
    """Tokenise examples.

    Parameters
    ----------
    table
        With ``id`` and ``sequence``, perhaps ``left`` and ``right``, or ``tokens``.
    tokenizer
        Byte pairs or k-mers.
    max_tokens
        Positions of the model less its special tokens; None when there is no limit.
    long
        What becomes of an example with more tokens: ``refuse`` it with an error, ``cut`` it to the tokens in its
        middle, or ``window``: divide it into windows of nearly equal size, whose logits are averaged.
    flank
        Tokenise with ``left`` and ``right`` where the table has them, and cut them away afterwards.
    fed_as_tokens
        Take the ids of ``tokens`` where the table has them, instead of the sequence.
    specials
        What stands around the tokens.
    model_ids
        The model's own id of each of the tokenizer's; None when they are the same.

    Raises
    ------
    InputError
        For an example without any token, or one that is too long and to be refused.
    """
    if long not in get_args(Long):
        raise InputError(f"long {long!r}: expected one of {', '.join(get_args(Long))}")
    if fed_as_tokens and "tokens" in table:
        tokens = [np.array(text.split(), dtype=np.int64) for text in table["tokens"]]
    else:
        sides = [table[name].tolist() if flank and name in table else None for name in ("left", "right")]
        tokens = inner_tokens(tokenizer, table["sequence"].tolist(), *sides)
    most = max_tokens or 1 << 60
    ids: list[np.ndarray] = []
    owner: list[int] = []
    too_long = 0
    for number, one in enumerate(tokens):
        if not len(one):
            raise InputError(f"{table['id'].iloc[number]}: the sequence is too short: it has no token")
        parts = [one]
        if len(one) > most:
            too_long += 1
            if long == "refuse":
                raise InputError(
                    f"{table['id'].iloc[number]}: {len(one)} tokens, but the model has positions for {most}; choose "
                    "--long cut (the middle) or --long window (the average over windows)"
                )
            parts = _cut(one, most) if long == "cut" else np.array_split(one, -(-len(one) // most))
        for part in parts:
            ids.append(_surround(part if model_ids is None else model_ids[part], specials))
            owner.append(number)
    return Windows(ids, np.array(owner, dtype=np.int64), len(tokens), too_long)


def _cut(tokens: np.ndarray, most: int) -> list[np.ndarray]:
    begin = (len(tokens) - most) // 2
    return [tokens[begin : begin + most]]


def _surround(ids: np.ndarray, specials: SpecialIds) -> np.ndarray:
    before = [] if specials.cls is None else [specials.cls]
    after = [] if specials.sep is None else [specials.sep]
    return np.concatenate((before, ids, after)).astype(np.int64)


def pad(ids: list[np.ndarray], pad_id: int) -> tuple[Any, Any]:
    """Windows as one padded batch: ids and attention mask, int64 tensors of shape (n_windows, longest)."""
    import torch

    longest = max(len(one) for one in ids)
    batch = torch.full((len(ids), longest), pad_id, dtype=torch.int64)
    mask = torch.zeros((len(ids), longest), dtype=torch.int64)
    for row, one in enumerate(ids):
        batch[row, : len(one)] = torch.from_numpy(one)
        mask[row, : len(one)] = 1
    return batch, mask


def average(values: np.ndarray, owner: np.ndarray, n_examples: int) -> np.ndarray:
    """Mean over the windows of each example: shape (n_examples, n_columns)."""
    total = np.zeros((n_examples, values.shape[1]))
    np.add.at(total, owner, values)
    return total / np.bincount(owner, minlength=n_examples)[:, None]
