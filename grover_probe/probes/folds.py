"""Blocks and folds: what is held out together. A fold is made of whole groups, never of random rows."""

from dataclasses import dataclass

import numpy as np

from grover_probe.errors import InputError

N_FOLDS = 5
FEWEST_FOLDS = 3  # an inner fold leaves out two of them, and something must remain
BLOCK_SIZE = 500_000  # bases


@dataclass(frozen=True)
class Folds:
    """Which rows are held out together.

    Attributes
    ----------
    fold
        int64, shape (n_rows,): 0 to n_folds - 1.
    block
        int64, shape (n_rows,): the unit of the bootstrap; a block lies in one fold.
    n_folds
        How many.
    rule
        In words, for the record.
    """

    fold: np.ndarray
    block: np.ndarray
    n_folds: int
    rule: str

    def __repr__(self) -> str:
        return f"Folds({self.n_folds} folds of {len(np.unique(self.block))} blocks, {self.rule})"


def make_folds(groups: np.ndarray, n_folds: int, seed: int, *, blocks: np.ndarray | None = None, rule: str) -> Folds:
    """Put whole groups into folds of similar size.

    Parameters
    ----------
    groups
        Group of each row, shape (n_rows,): rows of one group are never in two folds.
    n_folds
        At least 3.
    seed
        Decides which groups of equal size go together. The order of the rows does not matter.
    blocks
        Unit of the bootstrap, when smaller than a group.
    rule
        What the groups are.

    Raises
    ------
    InputError
        When there are fewer groups than folds, or fewer than 3 folds.
    """
    if n_folds < FEWEST_FOLDS:
        raise InputError(
            f"{n_folds} folds: expected at least {FEWEST_FOLDS}, because inner folds are taken out of them"
        )
    labels, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(labels) < n_folds:
        raise InputError(
            f"{n_folds} folds cannot be formed from {len(labels)} groups ({rule}); use fewer --folds, a smaller "
            "--block-size or more sequence"
        )
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    fold_of_group = np.empty(len(labels), dtype=np.int64)
    filled = np.zeros(n_folds, dtype=np.int64)
    for label in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        lightest = int(np.argmin(filled))
        fold_of_group[label] = lightest
        filled[lightest] += sizes[label]
    blocks = groups if blocks is None else blocks
    return Folds(fold_of_group[group], np.unique(blocks, return_inverse=True)[1].astype(np.int64), n_folds, rule)


def genomic_folds(
    chroms: np.ndarray, centres: np.ndarray, *, n_folds: int = N_FOLDS, block_size: int = BLOCK_SIZE, seed: int = 0
) -> Folds:
    """Folds of whole chromosomes when there are enough, else of blocks.

    Parameters
    ----------
    chroms
        Chromosome name of each row.
    centres
        Middle of each row, in bases.
    block_size
        Bases of a block, which is also the unit of the bootstrap.

    Raises
    ------
    InputError
        When the folds cannot be formed.
    """
    if block_size < 1:
        raise InputError(f"--block-size {block_size}: expected a number of bases above 0")
    names, chrom = np.unique(np.asarray(chroms, dtype=str), return_inverse=True)
    block = np.unique(np.stack([chrom, np.asarray(centres) // block_size], axis=1), axis=0, return_inverse=True)[1]
    block = block.reshape(-1)
    if len(names) >= n_folds:
        return make_folds(chrom, n_folds, seed, blocks=block, rule="whole chromosomes")
    return make_folds(block, n_folds, seed, rule=f"blocks of {block_size:,} bases")
