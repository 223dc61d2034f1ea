"""The table of tokens and classes: how much more often than expected a token lies in a class, and how sure that is.

Three expectations, from weak to strong:

- *frequency*: the share of all tokens that is inside;
- *turned annotation*: see `grover_probe.overlap.null`;
- *matched tokens*: the other tokens with the same length and number of G and C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.annotation import Annotation, Intervals
from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.overlap.null import (
    Blocks,
    Null,
    draw_turns,
    expected_inside,
    expected_without_block,
    make_blocks,
    measure,
)  # fmt: skip
from grover_probe.overlap.space import Ring, make_rings
from grover_probe.overlap.statistics import (
    HALF,
    MIN_EXPECTED,
    against_turns,
    benjamini_hochberg,
    matched_sums,
    ratio_interval,
)  # fmt: skip
from grover_probe.vocabulary.composition import token_table

Q_LEVEL = 0.05  # below it a token counts as enriched or depleted in the summary


@dataclass(frozen=True)
class TokenOverlap(ShowsTable):
    """Tokens against classes of annotation.

    Attributes
    ----------
    tokens
        One row per class and token; columns in `token_overlap`.
    classes
        One row per class: intervals and bases on the tokenised part of the genome, occurrences inside and their share,
        tokens tested, and how many of them are enriched or depleted (q below 0.05), against turned annotation and,
        in the same direction, against matched tokens as well.
    skipped
        One sentence for each class that was left out.
    """

    tokens: pd.DataFrame
    classes: pd.DataFrame
    skipped: tuple[str, ...] = ()

    files = ("tokens.parquet", "classes.tsv")

    def __repr__(self) -> str:
        return f"TokenOverlap({self.tokens['token_id'].nunique()} tokens, {len(self.classes)} classes)"

    def to_frame(self) -> pd.DataFrame:
        """The table of tokens and classes."""
        return self.tokens

    def overview(self) -> pd.DataFrame:
        """One row per class."""
        return self.classes

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``tokens.parquet`` and ``classes.tsv``."""
        folder = make_folder(folder)
        parquet, tsv = (folder / name for name in self.files)
        with atomic_path(parquet) as temporary:
            self.tokens.to_parquet(temporary, index=False)
        with atomic_path(tsv) as temporary:
            self.classes.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        return [parquet, tsv]


def token_overlap(
    corpus: Corpus,
    pieces: Sequence[str],
    annotations: Sequence[Annotation],
    runs: np.ndarray | None = None,
    *,
    n_turns: int = 200,
    n_blocks: int = 100,
    min_members: int = 20,
    seed: int = 0,
    progress: bool = True,
) -> TokenOverlap:
    """Measure the enrichment of every token in every class of annotation.

    Parameters
    ----------
    corpus
        The tokens.
    pieces
        Sequences of the tokens in id order, special tokens left out.
    annotations
        From `grover_probe.annotation.read_annotation`.
    runs
        Token ranges that count, shape (n, 2); all tokens when None.
    n_turns
        Random turns of the annotation around each chromosome.
    n_blocks
        Parts of the genome for confidence intervals.
    min_members
        Merged intervals on the tokenised part that a class must have; others are skipped and listed.
    seed
        Decides the turns.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    TokenOverlap
        Columns: ``annotation``, ``class``, ``token_id``, ``token``, ``length``, ``gc``; ``count``, occurrences;
        ``count_inside``, those that share at least one base with the class; ``bases_inside``, their bases in it;
        ``share`` = count_inside / count. Against frequency: ``enrichment_frequency``, share over that of all tokens.
        Against turned annotation: ``expected_inside``, the mean over all turns; ``enrichment`` = count_inside /
        expected_inside, with the interval ``ci_low`` to ``ci_high`` (95 %, `ratio_interval`); ``log2_enrichment``, with
        half an occurrence added on both sides; ``z``, ``p``, ``p_empirical`` (`against_turns`); ``q``, the false
        discovery rate of p over the whole table. Against matched tokens, the other tokens of the same length and number
        of G and C: ``matched_count``, their occurrences; ``enrichment_matched``, the enrichment over theirs taken
        together, with ``ci_low_matched``, ``ci_high_matched``, ``p_matched`` (from the same jackknife), ``q_matched``.
        Intervals and tests are NaN where fewer than 5 occurrences are expected inside, or outside.

    Raises
    ------
    InputError
        When two classes have one name, no token is left, or no class has enough members.
    """
    if n_turns < 2 or n_blocks < 2:
        raise InputError(f"{n_turns} turns and {n_blocks} blocks; a spread needs at least 2 of each")
    rings = make_rings(corpus, corpus.runs() if runs is None else runs)
    if not rings:
        raise InputError("no token lies in the chosen part of the genome")
    chosen, skipped = choose_classes(annotations, rings, min_members)
    n_ids = len(corpus.token_lengths)
    blocks, turns = make_blocks(rings, n_ids, n_blocks), draw_turns(rings, n_turns, seed)
    tokens = token_table(pieces)
    tokens = tokens[["token_id", "token", "length", "gc"]]
    groups = composition_groups(tokens, n_ids)
    ids = tokens["token_id"].to_numpy()
    parts, summaries = [], []
    for (annotation, name), intervals in track(chosen.items(), label="classes", unit="class", progress=progress):
        null = measure(intervals, rings, blocks, turns, corpus.token_lengths)
        columns = {key: column[ids] for key, column in class_columns(null, blocks, groups).items()}
        parts.append(tokens.assign(**columns).assign(annotation=annotation, **{"class": name}))
        placed = [ring.place(intervals) for ring in rings]
        summaries.append(
            {
                "annotation": annotation,
                "class": name,
                "intervals": sum(map(len, placed)),
                "bases": int(sum((part[:, 1] - part[:, 0]).sum() for part in placed)),
            }
        )
    table = pd.concat(parts, ignore_index=True)
    table.insert(table.columns.get_loc("p") + 1, "q", benjamini_hochberg(table["p"].to_numpy()))
    table["q_matched"] = benjamini_hochberg(table["p_matched"].to_numpy())
    first = ["annotation", "class"]
    table = table[first + [name for name in table.columns if name not in first]]
    return TokenOverlap(table, _summarise(table, summaries), tuple(skipped))


def choose_classes(
    annotations: Sequence[Annotation], rings: Sequence[Ring], min_members: int
) -> tuple[dict[tuple[str, str], Intervals], list[str]]:
    """Classes with enough intervals on the tokenised bases, by annotation and name; and why others are left out.

    Raises
    ------
    InputError
        When two annotations have one name or no class is left.
    """
    names = [annotation.name for annotation in annotations]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"two annotations are called {repeated[0]}; name them with NAME=FILE")
    chosen, skipped = {}, []
    for annotation in annotations:
        for name, intervals in annotation.classes.items():
            n = sum(len(ring.place(intervals)) for ring in rings)
            if n >= min_members:
                chosen[annotation.name, name] = intervals
            else:
                skipped.append(
                    f"{annotation.name}: class {name} is skipped: {n} intervals where there are tokens, "
                    f"at least {min_members} are needed"
                )
    if not chosen:
        raise InputError(f"no class of annotation is left; {'; '.join(skipped)}")
    return chosen, skipped


def composition_groups(tokens: pd.DataFrame, n_ids: int) -> np.ndarray:
    """Number of the set of tokens with the same length and number of G and C, by id; -1 for special tokens."""
    groups = np.full(n_ids, -1, dtype=np.int64)
    n_gc = (tokens["gc"] * tokens["length"]).round().astype(int)
    groups[tokens["token_id"]] = pd.factorize(pd.Series(zip(tokens["length"], n_gc, strict=True)))[0]
    return groups


def class_columns(null: Null, blocks: Blocks, groups: np.ndarray) -> dict[str, Any]:
    """Everything that the table says about one class: columns of shape (n_ids,); see `token_overlap`.

    Parameters
    ----------
    null, blocks
        Counts of the class.
    groups
        Number of the set of tokens with the same length and GC, by id; -1 for special tokens.
    """
    count, inside = null.block_count.sum(axis=0), null.inside
    expected, without = expected_inside(null, blocks), expected_without_block(null, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(count > 0, inside / count, np.nan)
        overall = inside.sum() / count.sum()
        independent = np.maximum(1 - np.nan_to_num(share), 0) / (inside + HALF)
    tested = against_turns(null, count, expected)
    enough = np.isfinite(tested["p"])
    rest = inside - null.block_inside
    alone = ratio_interval(inside, expected, rest, without, independent)
    others, others_expected = matched_sums(inside, groups), matched_sums(expected, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (others + HALF) / (others_expected + HALF)
        factor_without = (matched_sums(rest, groups) + HALF) / (matched_sums(without, groups) + HALF)
    matched = ratio_interval(
        inside, expected * factor, rest, without * factor_without, independent + 1 / (others + HALF)
    )
    comparable = enough & (others_expected >= MIN_EXPECTED)
    return {
        "count": count,
        "count_inside": inside,
        "bases_inside": null.bases,
        "share": share,
        "expected_inside": expected,
        "enrichment_frequency": share / overall if overall else np.full(len(share), np.nan),
        "enrichment": alone["ratio"],
        "log2_enrichment": np.where(count > 0, np.log2((inside + HALF) / (expected + HALF)), np.nan),
        "ci_low": np.where(enough, alone["low"], np.nan),
        "ci_high": np.where(enough, alone["high"], np.nan),
        **tested,
        "matched_count": matched_sums(count, groups).astype(np.int64),
        "enrichment_matched": np.where(comparable, matched["ratio"], np.nan),
        "ci_low_matched": np.where(comparable, matched["low"], np.nan),
        "ci_high_matched": np.where(comparable, matched["high"], np.nan),
        "p_matched": np.where(comparable, matched["p"], np.nan),
    }


def _summarise(table: pd.DataFrame, classes: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for row in classes:
        part = table[(table["annotation"] == row["annotation"]) & (table["class"] == row["class"])]
        up, down = part["enrichment"] > 1, part["enrichment"] < 1
        sure, sure_matched = part["q"] < Q_LEVEL, part["q_matched"] < Q_LEVEL
        rows.append(
            {
                **row,
                "count_inside": part["count_inside"].sum(),
                "share": part["count_inside"].sum() / part["count"].sum(),
                "tested": part["p"].notna().sum(),
                "enriched": (up & sure).sum(),
                "depleted": (down & sure).sum(),
                "enriched_matched": (up & sure & sure_matched & (part["enrichment_matched"] > 1)).sum(),
                "depleted_matched": (down & sure & sure_matched & (part["enrichment_matched"] < 1)).sum(),
            }
        )
    return pd.DataFrame(rows)
