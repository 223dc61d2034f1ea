"""Prom300: is this 300 bases around a transcription start site, or the same shuffled?"""

from typing import Any, Literal, get_args

import numpy as np

from grover_probe.errors import InputError
from grover_probe.genome import Genome, decode_bases
from grover_probe.kmer import AnyTokenizer
from grover_probe.tasks.building import assemble
from grover_probe.tasks.dataset import DataSet
from grover_probe.tasks.inner import FLANK, tokens_within
from grover_probe.tasks.shuffles import shuffle_dinucleotides, shuffle_tokens
from grover_probe.tasks.sources import Strands
from grover_probe.tasks.splits import SplitRule
from grover_probe.tasks.tss import Tss

BEFORE, AFTER = 250, 50  # bases on the gene's strand, the TSS being the first of those after
Negatives = Literal["tokens", "retokenised", "dinucleotide"]

_WORDS: dict[str, str] = {
    "tokens": "the tokens of the same promoter in random order, fed as they are (the paper's negatives). Adjacent "
    "tokens that byte-pair encoding would have merged give them away without any biology",
    "retokenised": "the tokens of the same promoter in random order, joined to a sequence that is tokenised anew",
    "dinucleotide": "the same promoter shuffled with exact dinucleotide counts (Altschul and Erickson 1985)",
}


def prom300(
    genome: Genome,
    tss: Tss,
    rule: SplitRule,
    *,
    negatives: str = "dinucleotide",
    tokenizer: AnyTokenizer | None = None,
    before: int = BEFORE,
    after: int = AFTER,
    flank: int = FLANK,
    seed: int = 0,
) -> DataSet:
    """Promoters against shuffled promoters.

    Parameters
    ----------
    genome
        The sequences.
    tss
        Start sites; each gives one positive and one negative, in the same split.
    rule
        How they are divided.
    negatives
        ``tokens``: the promoter's tokens shuffled, with a column ``tokens`` that holds the ids (as in the paper);
        ``retokenised``: the same as sequence; ``dinucleotide``: a shuffle that keeps dinucleotide counts. In the first
        two the positive is also what its whole tokens cover, so that both have the same letters.
    tokenizer
        For ``tokens`` and ``retokenised``.
    before, after
        Bases upstream and downstream, on the gene's strand; the paper's 250 and 50.
    flank
        Bases kept on both sides for tokenising.
    seed
        Decides the shuffles.

    Raises
    ------
    InputError
        For settings that cannot be, or when no site has its whole sequence.
    """
    if negatives not in get_args(Negatives):
        raise InputError(f"negatives {negatives!r}: expected one of {', '.join(get_args(Negatives))}")
    if before < 0 or after < 0 or before + after < 50 or flank < 0:
        raise InputError(f"a promoter of -{before} to +{after} with flanks of {flank}: expected at least 50 bases")
    if negatives != "dinucleotide" and tokenizer is None:
        raise InputError(f"negatives {negatives!r} need a tokenizer")
    rng = np.random.default_rng(seed)
    strands = Strands(genome)
    rows: list[dict[str, Any]] = []
    missing = 0
    for index in range(len(tss)):
        chrom, forward = str(tss.chrom[index]), bool(tss.forward[index])
        start, end = promoter_span(int(tss.position[index]), forward, before, after)
        codes = strands.codes(chrom, start - flank, end + flank, forward)
        if codes is None:
            missing += 1
            continue
        group = f"{tss.name[index]}:{chrom}:{tss.position[index]}:{'+' if forward else '-'}"
        low, high = 0, end - start  # of the gene's strand
        ids = None
        if tokenizer is not None and negatives != "dinucleotide":
            ids, low, high = _whole_tokens(tokenizer, codes, flank)
        place = {
            "chrom": chrom,
            "start": start + low if forward else end - high,
            "end": start + high if forward else end - low,
            "strand": "+" if forward else "-",
            "group": group,
            "left": decode_bases(codes[: flank + low]),
            "right": decode_bases(codes[flank + high :]),
        }
        for label, example in enumerate(_pair(codes[flank + low : flank + high], ids, negatives, tokenizer, rng)):
            rows.append({"id": f"{group}:{('shuffled', 'promoter')[label]}", **place, "label": label, **example})
    if not rows:
        raise InputError(
            f"none of {len(tss)} start sites has its {before + after} bases and flanks in {genome.path.name}"
        )
    details: dict[str, dict[str, Any]] = {"Negatives": {negatives: _WORDS[negatives]}}
    if negatives == "tokens" and tokenizer is not None:
        details["Tokens"] = {"tokenizer_sha256": tokenizer.hash}
    return assemble(
        f"prom300-{negatives}",
        rows,
        rule,
        description=f"Class 1: -{before} to +{after} bases around {len(rows) // 2:,} transcription start sites, on the "
        f"gene's strand. Class 0: {_WORDS[negatives]}.",
        left_out={
            **{f"start sites: {reason}": count for reason, count in tss.counts.items()},
            "start sites near an N or an end of a sequence": missing,
        },
        details=details,
    )


def promoter_span(position: int, forward: bool, before: int = BEFORE, after: int = AFTER) -> tuple[int, int]:
    """Start and end, on the forward strand, of the promoter of a start site."""
    return (position - before, position + after) if forward else (position - after + 1, position + before + 1)


def _whole_tokens(tokenizer: AnyTokenizer, codes: np.ndarray, flank: int) -> tuple[np.ndarray, int, int]:
    """The tokens that lie wholly in a promoter given with its flanks, and the first and last base that they cover."""
    encoding = tokenizer.encode(codes)
    inside = tokens_within(encoding, tokenizer.lengths, flank, len(codes) - flank)
    ids, starts = encoding.ids[inside].astype(np.int64), encoding.starts[inside].astype(np.int64)
    return ids, int(starts[0]) - flank, int(starts[-1]) + int(tokenizer.lengths[ids[-1]]) - flank


def _pair(
    codes: np.ndarray, ids: np.ndarray | None, negatives: str, tokenizer: AnyTokenizer | None, rng: np.random.Generator
) -> list[dict[str, str]]:
    """The shuffled and the true example of one promoter, from its bases or from its tokens."""
    if ids is None or tokenizer is None:
        return [{"sequence": decode_bases(each)} for each in (shuffle_dinucleotides(codes, rng), codes)]
    orders = [shuffle_tokens(ids, rng), ids]
    found = [{"sequence": tokenizer.decode(order)} for order in orders]
    if negatives == "tokens":
        for example, order in zip(found, orders, strict=True):
            example["tokens"] = " ".join(map(str, order.tolist()))
    return found
