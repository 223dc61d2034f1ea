"""Nucleotide Transformer (Dalla-Torre et al., Nature Methods 2025): 6-mers that do not overlap, single bases elsewhere.

* v1 (``InstaDeepAI/nucleotide-transformer-500m-human-ref``, ...) is an ``EsmForMaskedLM`` with learned positions,
  which transformers has; v2 (``...-v2-50m-multi-species``, ...) has rotary positions and gated feed-forward layers,
  which only the code in its repository has. Its ``config.json`` names no model type.
* A list of tokens, ``vocab.txt``, and the rule of `EsmTokenizer` (the longest token from the left) make fixed k-mers in
  frame from the start of each run and single bases for what is left: `grover_probe.kmer.KmerTokenizer`. The list is in
  the order A, T, C, G, and 4 (v1) or 6 (v2) special tokens come first. N, a token there, belongs to no token here.
* A sequence gets a [CLS] before it and nothing after it. Positions are counted from the padding id on, so that a table
  of 1,002 holds 1,000.
* The embedding output is scaled where `token_dropout` is on, by the share of masked tokens in the window: a window
  with [MASK] in it has another layer 0 at all its positions (`EsmEmbeddings`).
"""

from typing import Any

from grover_probe.errors import InputError
from grover_probe.kmer import MAX_K, KmerTokenizer
from grover_probe.models.files import ModelFiles
from grover_probe.models.vocabulary import Vocabulary, make_vocabulary

NAME = "Nucleotide Transformer"
_SPECIAL = {"pad": "<pad>", "unk": "<unk>", "cls": "<cls>", "mask": "<mask>"}


def recognises(files: ModelFiles, config: dict[str, Any]) -> bool:
    """By its hub id, or an ESM model whose list of tokens is one of k-mers."""
    if "nucleotide-transformer" in files.name.lower():
        return True
    is_esm = config.get("model_type") == "esm" or "EsmForMaskedLM" in (config.get("architectures") or ())
    return is_esm and files.is_local and files.has("vocab.txt") and _k_of(_tokens(files)) is not None


def vocabulary(files: ModelFiles, config: dict[str, Any]) -> Vocabulary:
    """The k-mers of ``vocab.txt``.

    Raises
    ------
    InputError
        When the list lacks some.
    """
    tokens = _tokens(files)
    k = _k_of(tokens)
    if k is None:
        raise InputError(f"{files.name}/vocab.txt: does not list all k-mers of any k up to {MAX_K}; fetch it again")
    special = {role: tokens.get(name) for role, name in _SPECIAL.items()}
    return make_vocabulary(KmerTokenizer(k), tokens, special, f"{files.name}/vocab.txt")


def _tokens(files: ModelFiles) -> dict[str, int]:
    lines = files.path("vocab.txt").read_text(encoding="utf-8").splitlines()
    return {line.strip(): number for number, line in enumerate(lines)}


def _k_of(tokens: dict[str, int]) -> int | None:
    for k in range(MAX_K, 1, -1):
        if all(piece in tokens for piece in KmerTokenizer(k).pieces):
            return k
    return None
