"""What needs no language model: class frequencies, Markov models, TF-IDF and a random forest."""

import warnings
from typing import Any

import numpy as np

from grover_probe.baselines.markov import MAX_ORDER, MarkovModel
from grover_probe.command import track
from grover_probe.genome import N_CODE, decode_bases
from grover_probe.nextkmer.scores import Outcome
from grover_probe.nextkmer.sequences import CONTEXT, LONGEST, Examples, Stretch
from grover_probe.nextkmer.study import Study

TFIDF_K = 4  # words of the random forest
TREES = 100
_CHUNK = 1 << 22
_SEQUENCES_ORDER = 8
_MIXES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 0.99)


def majority(study: Study, k: int) -> tuple[Outcome, dict[str, Any]]:
    """Class frequencies of the training sequences, whatever the context."""
    counts = np.bincount(study.train.labels(k), minlength=4**k) + 0.5
    table = np.broadcast_to(counts / counts.sum(), (len(study.test), 4**k))
    return Outcome.of(table, study.test.labels(k)), {}


def fit_markov(study: Study, whole: bool) -> MarkovModel:
    """A Markov model whose order is chosen on training sequence.

    Parameters
    ----------
    study
        The data.
    whole
        Count all training sequence, as pretraining sees it; else only the training examples, as a head sees them.
    """
    if whole:
        learn, choose = _blocks(study.stretches[0], study.sampling.block_size, study.sampling.seed)
        bases = sum(len(codes) for codes in learn)
        highest = min(MAX_ORDER, int(np.log(bases) / np.log(4)))  # more contexts than bases would be for nothing
        return MarkovModel.choose(learn, choose, range(highest + 1))
    parts = [_joined(study.train.take(rows)) for rows in study.halves]
    return MarkovModel.choose(parts[:1], parts[1:], range(_SEQUENCES_ORDER + 1))


def markov(model: MarkovModel, study: Study, k: int) -> tuple[Outcome, dict[str, Any]]:
    """What a Markov model says of the next k bases, base after base."""
    contexts, labels, size = study.test.context, study.test.labels(k), max(1, _CHUNK // 4**k)
    parts = [
        Outcome.of(model.kmer_probabilities(contexts[at : at + size], k), labels[at : at + size])
        for at in range(0, len(labels), size)
    ]
    return Outcome.joined(parts), {"order": model.order, "strength": model.strength}


def forest(study: Study, k: int, *, trees: int = TREES, progress: bool = True) -> tuple[Outcome, dict[str, Any]]:
    """A random forest on weighted counts of the 4-mers of the context.

    Trees grow one after another and are forgotten: with 4,096 classes one takes hundreds of megabytes. What a split of
    a tree asks does not depend on the weight of a word, and all contexts are of one length, so the usual division of
    rows by their norm is left out: it would make a tree four times as slow and no better. Where no tree saw a class,
    its frequency stands in; how much that counts is chosen on the held-back examples by likelihood.
    """
    from grover_probe.baselines.splits import Splits
    from grover_probe.baselines.tfidf import inverse_frequency, random_forest

    learn, choose = study.halves
    tables = [_words(study.train.take(learn)), _words(study.train.take(choose)), _words(study.test)]
    weights = inverse_frequency(tables[0])
    labels = study.train.labels(k)
    known, choosing, asked = ((each * weights).astype(np.float32) for each in tables)
    splits = Splits(known, choosing, asked, labels[learn], labels[choose], 4**k)
    sums = [np.zeros((len(each), 4**k), dtype=np.float32) for each in (choosing, asked)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        for number in track(range(trees), label=f"trees, k = {k}", unit="tree", progress=progress):
            grown = random_forest(splits, trees=(1,), seed=1_000_003 * study.sampling.seed + number)
            for total, part in zip(sums, (grown.validation, grown.test), strict=True):
                total += part
    validation, test = (each / trees for each in sums)
    counts = np.bincount(labels[learn], minlength=4**k) + 0.5
    frequency = (counts / counts.sum()).astype(np.float32)
    own = validation[np.arange(len(choose)), labels[choose]]
    scores = {mix: np.log((1 - mix) * own + mix * frequency[labels[choose]]).sum() for mix in _MIXES}
    mix = max(scores, key=lambda each: scores[each])
    found = Outcome.of((1 - mix) * test + mix * frequency, study.test.labels(k))
    return found, {"trees": trees, "words": f"{TFIDF_K}-mers", "share_of_frequencies": mix}


def _words(examples: Examples) -> np.ndarray:
    from grover_probe.baselines.tfidf import kmer_table

    shares = kmer_table([decode_bases(row) for row in examples.context], TFIDF_K)
    return shares * (CONTEXT - TFIDF_K + 1)


def _blocks(stretches: list[Stretch], block_size: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Sequence of all stretches in blocks, of which a tenth (at least one) is to choose by."""
    names = dict.fromkeys(each.chrom for each in stretches)
    pieces = []
    for name in names:
        here = [each for each in stretches if each.chrom == name]
        codes = here[0].genome.codes(name)
        for each in here:
            pieces += [codes[at : min(at + block_size, each.end)] for at in range(each.start, each.end, block_size)]
    if len(pieces) == 1:
        cut = len(pieces[0]) * 9 // 10
        return [pieces[0][:cut]], [pieces[0][cut:]]
    chosen = set(np.random.default_rng(seed).permutation(len(pieces))[: max(1, len(pieces) // 10)].tolist())
    return [p for i, p in enumerate(pieces) if i not in chosen], [pieces[i] for i in sorted(chosen)]


def _joined(examples: Examples) -> np.ndarray:
    """Contexts and what follows them as one sequence with breaks."""
    whole = examples.codes[:, examples.flank : examples.flank + CONTEXT + LONGEST]
    return np.pad(whole, ((0, 0), (0, 1)), constant_values=N_CODE).reshape(-1)
