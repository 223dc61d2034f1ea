"""Contexts as input of a model, and the hidden state that a classification head reads."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch

from grover_probe.batches import SpecialIds
from grover_probe.command import track
from grover_probe.display import brief
from grover_probe.errors import InputError
from grover_probe.finetune.examples import pad
from grover_probe.genome import decode_bases
from grover_probe.kmer import AnyTokenizer, KmerTokenizer
from grover_probe.models.language_model import LanguageModel
from grover_probe.nextkmer.sequences import CONTEXT, Examples
from grover_probe.tasks.inner import inner_tokens

Read = Literal["auto", "cls", "last", "mask", "mean"]
Align = Literal["end", "start"]
_BATCH_POSITIONS = 8_192


@dataclass(frozen=True)
class Inputs:
    """Contexts as token ids of one model.

    Attributes
    ----------
    ids
        Special tokens included, int64.
    read
        Which hidden state stands for the sequence: ``cls``, ``last`` (the last token of sequence), ``mask`` (a [MASK]
        after it) or ``mean`` (over the tokens of sequence).
    specials
        What stands around the tokens.
    """

    ids: list[np.ndarray]
    read: str
    specials: SpecialIds

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, rows: np.ndarray) -> "Inputs":
        """Some of them."""
        return Inputs([self.ids[row] for row in rows.tolist()], self.read, self.specials)

    def by_length(self) -> list[np.ndarray]:
        """Rows in batches of equal length, so that nothing is padded."""
        lengths = np.array([len(each) for each in self.ids])
        order = np.argsort(-lengths, kind="stable")
        found = []
        for same in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
            size = max(1, _BATCH_POSITIONS // int(lengths[same[0]]))
            found += [same[begin : begin + size] for begin in range(0, len(same), size)]
        return found


def tokenize_contexts(examples: Examples, tokenizer: AnyTokenizer, align: Align = "end") -> list[np.ndarray]:
    """Tokens of the 50 bases; the bases to be predicted are never seen.

    Parameters
    ----------
    examples
        With a flank the 50 bases are tokenised behind it, and tokens that lie wholly inside them count.
    tokenizer
        Byte pairs, k-mers, or a peer's.
    align
        For fixed k-mers: ``end`` lets the last k-mer end at the last base, so that bases are left over at the beginning
        and belong to no token; ``start`` cuts from the first base, and single bases are left over at the end.

    Raises
    ------
    InputError
        When a context has no token.
    """
    if align not in get_args(Align):
        raise InputError(f"--align {align!r}: expected {' or '.join(get_args(Align))}")
    drop = (examples.flank + CONTEXT) % tokenizer.k if isinstance(tokenizer, KmerTokenizer) and align == "end" else 0
    left = [decode_bases(row[drop:]) for row in examples.before]
    texts = [decode_bases(row[max(0, drop - examples.flank) :]) for row in examples.context]
    found = inner_tokens(tokenizer, texts, left)
    empty = next((number for number, tokens in enumerate(found) if not len(tokens)), None)
    if empty is not None:
        raise InputError(
            f"{examples.chrom[empty]}:{examples.start[empty]}: the {CONTEXT} bases hold no whole token; use no --flank"
        )
    return found


def make_inputs(
    model: LanguageModel, examples: Examples, tokenizer: AnyTokenizer, *, read: Read = "auto", align: Align = "end"
) -> Inputs:
    """Contexts as input of a model.

    Parameters
    ----------
    model
        Any; its special tokens are used.
    examples, tokenizer, align
        As for `tokenize_contexts`.
    read
        As `Inputs.read`; ``auto`` is [CLS] where a model has one and sees both ways, else the last token.

    Raises
    ------
    InputError
        When the model cannot be read in this way, or has too few positions.
    """
    if read not in get_args(Read):
        raise InputError(f"--read {read!r}: expected one of {', '.join(get_args(Read))}")
    specials = model.specials
    has_cls = specials.cls is not None and not model.causal
    if read == "auto":
        read = "cls" if has_cls else "last"
    if read == "cls" and not has_cls:
        why = "a causal model's [CLS] has seen nothing" if model.causal else "it has no [CLS]"
        raise InputError(f"{model.name}: cannot be read at [CLS]: {why}; use --read last")
    if read == "mask" and (specials.mask is None or model.causal):
        raise InputError(f"{model.name}: cannot be read at [MASK]: it is no masked language model; use --read last")
    before = [] if specials.cls is None else [specials.cls]
    after = [specials.mask] if read == "mask" and specials.mask is not None else []
    after += [] if specials.sep is None else [specials.sep]
    tokens = tokenize_contexts(examples, tokenizer, align)
    longest = max(len(each) for each in tokens) + (read == "mask")
    if longest > model.max_tokens:
        raise InputError(f"{model.name}: a context has {longest} tokens, the model takes {model.max_tokens}")
    ids = [np.concatenate((before, each, after)).astype(np.int64) for each in tokens]
    return Inputs(ids, read, specials)


def read_states(model: LanguageModel, inputs: Inputs, rows: np.ndarray) -> torch.Tensor:
    """The last layer's hidden state that stands for each sequence: shape (n_rows, width), on the model's device."""
    ids, mask = pad([inputs.ids[row] for row in rows.tolist()], inputs.specials.pad)
    sizes = mask.sum(dim=1)
    padded = bool((sizes < ids.shape[1]).any())
    ids = ids.to(model.device)
    hidden = model.hidden_states(ids, mask.to(model.device) if padded else None)[-1]
    first, last = inputs.specials.before, sizes - 1 - int(inputs.specials.sep is not None)
    if inputs.read == "mean":
        places = torch.arange(ids.shape[1])
        inside = ((places >= first) & (places <= last[:, None])).to(hidden.device, hidden.dtype)
        return (hidden * inside[:, :, None]).sum(dim=1) / inside.sum(dim=1, keepdim=True)
    at = torch.zeros_like(last) if inputs.read == "cls" else last  # with `mask` the last one is [MASK]
    return hidden[torch.arange(len(rows), device=hidden.device), at.to(hidden.device)]


def features(model: LanguageModel, inputs: Inputs, *, label: str = "features", progress: bool = True) -> np.ndarray:
    """What `read_states` gives for all sequences: float32, shape (n, width)."""
    found = np.empty((len(inputs), model.width), dtype=np.float32)
    with torch.inference_mode(), track(total=len(inputs), label=label, unit="seq", progress=progress) as bar:
        for rows in inputs.by_length():
            found[rows] = read_states(model, inputs, rows).float().cpu().numpy()
            bar.update(len(rows))
    return found
