"""A model beside its baselines on the same masked tokens, as tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.annotation import Intervals
from grover_probe.corpus import Corpus
from grover_probe.display import ShowsTable
from grover_probe.evaluate.answers import Answers
from grover_probe.evaluate.masked import MaskedLogits, ask_model, ask_ngrams
from grover_probe.evaluate.questions import Questions, draw_questions
from grover_probe.ngrams import NgramModel

MODEL = "model"
BIGRAM_MOST_PIECES = 10_000  # a table of bigrams has the square of this, in 8 bytes each
FILES = ("metrics.json", "systems.tsv", "tokens.tsv", "top_k.tsv", "predictions.parquet")


@dataclass(frozen=True)
class Evaluation(ShowsTable):
    """Answers of a model and of its baselines to the same questions.

    Attributes
    ----------
    questions
        The masked tokens.
    pieces
        Sequence of each piece, in the order of `Questions.piece_ids`.
    answers
        By system: ``model`` first, then the baselines.
    place
        One row per masked token: ``chrom``, ``start``, ``end`` (0-based, half-open bases).
    in_repeat
        bool, shape (n_masked,): shares a base with the annotation; None without annotation.
    """

    questions: Questions
    pieces: tuple[str, ...]
    answers: dict[str, Answers]
    place: pd.DataFrame
    in_repeat: np.ndarray | None

    def __repr__(self) -> str:
        return f"Evaluation({len(self.questions):,} masked tokens, {', '.join(self.answers)})"

    def to_frame(self) -> pd.DataFrame:
        """One row per system and part (``all``, and ``repeat`` and ``other`` with annotation), with all metrics."""
        lengths = np.array([len(piece) for piece in self.pieces])
        parts: dict[str, np.ndarray | None] = {"all": None}
        if self.in_repeat is not None:
            parts |= {"repeat": self.in_repeat, "other": ~self.in_repeat}
        return pd.DataFrame(
            {"system": system, "part": part, **answers.metrics(lengths, chosen)}
            for part, chosen in parts.items()
            for system, answers in self.answers.items()
        )

    def overview(self) -> pd.DataFrame:
        """One row per system and part, with the metrics that the paper gives and bits per base."""
        return self.to_frame()[["part", "system", "n_masked", "perplexity", "bits_per_base", "top1", "top60"]]

    def top_k(self) -> pd.DataFrame:
        """Accuracy among the first k for every k: one row per k, one column per system."""
        k = np.arange(1, len(self.pieces) + 1)
        return pd.DataFrame({"k": k} | {name: each.top_k(len(k)) for name, each in self.answers.items()})

    def tokens(self) -> pd.DataFrame:
        """One row per token that was masked, of the model (`Answers.per_token`)."""
        return self.answers[MODEL].per_token(self.pieces, self.questions.piece_ids)

    def predictions(self) -> pd.DataFrame:
        """One row per masked token: where it is, what it is, how the model did; in genome order."""
        found = self.answers[MODEL]
        table = self.place.assign(
            token=[self.pieces[target] for target in self.questions.targets], nats=found.nats, rank=found.ranks
        )
        if self.in_repeat is not None:
            table["in_repeat"] = self.in_repeat
        return table.iloc[np.argsort(self.questions.positions)].reset_index(drop=True)

    def metrics(self) -> dict[str, Any]:
        """Numbers of the model, with those of its baselines under ``baselines`` and of parts under ``parts``."""
        table = self.to_frame()
        of = {key: _record(group) for key, group in table.groupby(["system", "part"], sort=False)}
        parts = [part for part in table.part.unique() if part != "all"]
        return {
            **of[MODEL, "all"],
            "vocabulary": len(self.pieces),
            "top_k": [round(share, 6) for share in self.answers[MODEL].top_k(len(self.pieces)).tolist()],
            "baselines": {name: of[name, "all"] for name in self.answers if name != MODEL},
            "parts": {part: {name: of[name, part] for name in self.answers} for part in parts},
        }

    def save(self, folder: Path) -> None:
        """Write the files of `FILES` into a folder."""
        text = json.dumps(self.metrics(), indent=1) + "\n"
        (folder / "metrics.json").write_text(text, encoding="utf-8")
        for name, table in {"systems": self.to_frame(), "tokens": self.tokens(), "top_k": self.top_k()}.items():
            table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, float_format="%.5g")
        self.predictions().to_parquet(folder / "predictions.parquet", index=False)


def evaluate(
    logits: MaskedLogits,
    corpus: Corpus,
    runs: np.ndarray,
    pieces: Sequence[str],
    *,
    training: Sequence[tuple[Corpus, np.ndarray]] | None = None,
    repeats: Intervals | None = None,
    batch_size: int = 8,
    progress: bool = True,
    **how: Any,
) -> Evaluation:
    """Ask a model and its n-gram baselines for masked tokens of held-out sequence.

    Parameters
    ----------
    logits
        The model, such as `grover_probe.models.LanguageModel.masked_logits`.
    corpus, runs
        Held-out tokens.
    pieces
        Sequence of each piece, in id order.
    training
        Corpora and token ranges that the n-grams are counted on. When None they are counted on the held-out runs
        themselves, each half with the counts of the other.
    repeats
        Also report masked tokens inside and outside of these apart.
    batch_size
        Windows per batch; does not change results.
    progress
        Show a progress bar on stderr.
    how
        Settings of `grover_probe.evaluate.questions.draw_questions`.

    Raises
    ------
    InputError
        When there is nothing to evaluate.
    """
    questions = draw_questions(corpus, runs, **how)
    answers = {MODEL: ask_model(logits, corpus, questions, batch_size=batch_size, progress=progress)}
    if len(pieces) <= BIGRAM_MOST_PIECES:
        if training is None:
            answers |= _ask_other_half(corpus, runs, questions)
        else:
            answers |= ask_ngrams(_count(training), corpus, questions)
    chrom = corpus.chrom_of(questions.positions)
    place = pd.DataFrame({"chrom": np.array(corpus.chroms)[chrom], "start": corpus.starts[questions.positions]})
    place["end"] = place.start + corpus.token_lengths[corpus.ids[questions.positions]]
    inside = None if repeats is None else _inside(place, repeats)
    return Evaluation(questions, tuple(pieces), answers, place, inside)


def _count(training: Sequence[tuple[Corpus, np.ndarray]]) -> NgramModel:
    """N-grams of several corpora."""
    ids = np.concatenate([corpus.ids[begin:stop] for corpus, runs in training for begin, stop in runs])
    ends = np.cumsum([stop - begin for _, runs in training for begin, stop in runs])
    runs = np.stack([np.concatenate(([0], ends[:-1])), ends], axis=1)
    return NgramModel.count(ids, runs, training[0][0].token_lengths > 0)


def _ask_other_half(corpus: Corpus, runs: np.ndarray, questions: Questions) -> dict[str, Answers]:
    """Answers of n-grams about each half of some runs, counted on the other half."""
    before = np.concatenate(([0], np.cumsum(runs[:, 1] - runs[:, 0])))
    half = before[-1] // 2
    middle = int(np.searchsorted(before, half, side="right")) - 1
    cut = int(runs[middle, 0] + half - before[middle])
    halves = (np.clip(runs, None, cut), np.clip(runs, cut, None))
    is_piece = corpus.token_lengths > 0
    first, second = (ask_ngrams(NgramModel.count(corpus.ids, half, is_piece), corpus, questions) for half in halves)
    late = questions.positions >= cut
    return {name: first[name].where(late, second[name]) for name in first}


def _inside(place: pd.DataFrame, repeats: Intervals) -> np.ndarray:
    inside = np.zeros(len(place), dtype=bool)
    for chrom, rows in place.groupby("chrom").indices.items():
        inside[rows] = repeats.overlaps(chrom, place.start.to_numpy()[rows], place.end.to_numpy()[rows])
    return inside


def _record(group: pd.DataFrame) -> dict[str, Any]:
    """The one row of a group without what it is grouped by."""
    found = json.loads(group.drop(columns=["system", "part"]).iloc[0].to_json())
    return found | {"n_masked": int(found["n_masked"])}  # a row of a table has one type
