"""Train, validation and test: by chromosome or block where coordinates are known, else by sequence."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grover_probe.annotation import Intervals, merge
from grover_probe.errors import InputError
from grover_probe.genome import Region, short_name

if TYPE_CHECKING:
    import pandas as pd

DROPPED = ""  # the split of a group that belongs to none


@dataclass(frozen=True)
class SplitRule:
    """How groups of examples are divided by place.

    Attributes
    ----------
    heldout
        Regions whose groups are the test split; a group that lies only partly inside is dropped.
    test_chroms, validation_chroms
        Instead, whole chromosomes.
    block
        Bases of a block; blocks that are drawn at random are used whole.
    test_share, validation_share
        Share of groups to draw for a split that is not given by place. The test share counts only without `heldout` and
        `test_chroms`, the validation share without `validation_chroms`.
    margin
        Bases on each side of a group that count as part of it.
    seed
        Decides the blocks.
    """

    heldout: tuple[Region, ...] = ()
    test_chroms: tuple[str, ...] = ()
    validation_chroms: tuple[str, ...] = ()
    block: int = 1_000_000
    test_share: float = 0.15
    validation_share: float = 0.1
    margin: int = 100
    seed: int = 0

    @classmethod
    def tenths(cls, **changes: Any) -> "SplitRule":
        """The rule for data sets of others: about 80 % train, 10 % validation, 10 % test."""
        return cls(**{"test_share": 0.1, "validation_share": 1 / 9, **changes})

    def describe(self) -> str:
        """One sentence for the card."""
        drawn = f"blocks of {self.block:,} bases drawn with seed {self.seed}"
        if self.test_chroms:
            test = "chromosomes " + ", ".join(self.test_chroms)
        elif self.heldout:
            bases = sum(len(region) for region in self.heldout)
            test = f"{len(self.heldout)} held-out regions ({bases / 1e6:.1f} Mb)"
        else:
            test = f"{drawn} (about {self.test_share:.0%} of the groups)"
        if self.validation_chroms:
            validation = "chromosomes " + ", ".join(self.validation_chroms)
        else:
            validation = f"{drawn} (about {self.validation_share:.0%} of the other groups)"
        return f"test: {test}; validation: {validation}; train: the rest. Groups are never divided."


def split_by_place(table: "pd.DataFrame", rule: SplitRule) -> tuple[np.ndarray, dict[str, int]]:
    """Divide examples by where they lie.

    Parameters
    ----------
    table
        With ``chrom``, ``start``, ``end`` and ``group``; the examples of a group lie on one chromosome.
    rule
        How.

    Returns
    -------
    split : np.ndarray
        The split of each row; `DROPPED` for groups that lie across an edge or overlap a group of a later split.
    dropped : dict
        Number of groups dropped, by reason.
    """
    spans = table.groupby("group", sort=True).agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    chroms = spans["chrom"].to_numpy(str)
    starts = np.maximum(spans["start"].to_numpy(np.int64) - rule.margin, 0)
    ends = spans["end"].to_numpy(np.int64) + rule.margin
    rng = np.random.default_rng(rule.seed)
    split = np.full(len(spans), "train", dtype=object)
    dropped: dict[str, int] = {}
    if rule.test_chroms:
        split[_on(chroms, rule.test_chroms)] = "test"
    elif rule.heldout:
        regions = _intervals((r.chrom, r.start, r.end) for r in rule.heldout)
        inside, touching = _inside(regions, chroms, starts, ends), _overlap(regions, chroms, starts, ends)
        split[inside] = "test"
        split[touching & ~inside] = DROPPED
        dropped["groups across the edge of a held-out region"] = int((touching & ~inside).sum())
    else:
        _draw(split, chroms, (starts + ends) // 2, rule.block, rule.test_share, "test", rng)
    if rule.validation_chroms:
        split[_on(chroms, rule.validation_chroms) & (split == "train")] = "validation"
    else:
        _draw(split, chroms, (starts + ends) // 2, rule.block, rule.validation_share, "validation", rng)
    for name in ("test", "validation"):  # what overlaps the test split leaves the others, then likewise for validation
        own = split == name
        taken = _intervals(zip(chroms[own], starts[own], ends[own], strict=True))
        clash = ~own & (split != DROPPED) & _overlap(taken, chroms, starts, ends)
        if name == "validation":
            clash &= split != "test"
        split[clash] = DROPPED
        if clash.any():
            dropped[f"groups of other splits that overlap one of the {name} split"] = int(clash.sum())
    of_group = dict(zip(spans.index, split, strict=True))
    return table["group"].map(of_group).to_numpy(object), {reason: n for reason, n in dropped.items() if n}


def split_by_sequence(table: "pd.DataFrame", shares: tuple[float, float] = (0.1, 0.1), seed: int = 0) -> np.ndarray:
    """Divide examples at random, class by class; identical sequences stay together.

    Parameters
    ----------
    table
        With ``sequence`` and ``label``.
    shares
        Of validation and test.
    seed
        Decides the draw, which does not depend on the order of the rows.

    Returns
    -------
    np.ndarray
        The split of each row.
    """
    first = table.groupby("sequence", sort=True)["label"].min()
    split_of: dict[Any, str] = {}
    rng = np.random.default_rng(seed)
    for label in sorted(first.unique()):
        names = first.index[first == label].to_numpy(object)
        names = names[rng.permutation(len(names))]
        n_validation, n_test = (
            max(1, round(share * len(names))) if share and len(names) > 2 else 0 for share in shares
        )
        for place, name in enumerate(names):
            split_of[name] = "validation" if place < n_validation else "train"
            if n_validation <= place < n_validation + n_test:
                split_of[name] = "test"
    return table["sequence"].map(split_of).to_numpy(object)


def _draw(
    split: np.ndarray, chroms: np.ndarray, middle: np.ndarray, block: int, share: float, name: str, rng: Any
) -> None:
    """Give whole blocks of groups that still train to another split, until it has its share of them."""
    free = np.flatnonzero(split == "train")
    blocks: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index in free:
        blocks[chroms[index], int(middle[index] // block)].append(int(index))
    if len(blocks) < 2:
        raise InputError(
            f"all groups that are left lie in one block of {block:,} bases, so none can be drawn for {name}; "
            "choose a smaller --block"
        )
    names = sorted(blocks)
    wanted, have = share * len(free), 0
    for number in rng.permutation(len(names))[:-1]:
        if have >= wanted:
            break
        split[blocks[names[number]]] = name
        have += len(blocks[names[number]])


def _on(chroms: np.ndarray, wanted: tuple[str, ...]) -> np.ndarray:
    names = {short_name(name) for name in wanted}
    found = np.array([short_name(name) in names for name in chroms], dtype=bool)
    if not found.any():
        raise InputError(f"no example on {', '.join(wanted)}; examples are on {', '.join(sorted(set(chroms))[:8])}")
    return found


def _intervals(triples: Iterable[tuple[Any, Any, Any]]) -> Intervals:
    """Merged intervals from any order."""
    by_chrom: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for chrom, start, end in triples:
        by_chrom[str(chrom)].append((int(start), int(end)))
    arrays = {chrom: merge(np.array(pairs, dtype=np.int64)) for chrom, pairs in by_chrom.items()}
    return Intervals("", arrays, 0, 0)


def _overlap(intervals: Intervals, chroms: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    found = np.zeros(len(starts), dtype=bool)
    for chrom in set(chroms):
        here = chroms == chrom
        found[here] = intervals.overlaps(chrom, starts[here], ends[here])
    return found


def _inside(intervals: Intervals, chroms: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Whether each stretch lies wholly within one interval: both its ends do, in the same one."""
    found = np.zeros(len(starts), dtype=bool)
    for chrom in set(chroms):
        here = np.flatnonzero(chroms == chrom)
        pairs = intervals.on(chrom)
        if not len(pairs):
            continue
        which = np.searchsorted(pairs[:, 0], starts[here], side="right") - 1
        found[here] = (which >= 0) & (ends[here] <= pairs[np.maximum(which, 0), 1])
    return found
