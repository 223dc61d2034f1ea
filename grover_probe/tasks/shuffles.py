"""Shuffles that keep something: the tokens of a sequence, or the exact counts of its dinucleotides."""

import numpy as np


def shuffle_tokens(ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The tokens in random order, as for the negatives of the GROVER paper's Prom300."""
    return ids[rng.permutation(len(ids))]


def shuffle_dinucleotides(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random sequence with exactly the same dinucleotide counts, first and last base.

    Parameters
    ----------
    codes
        Base codes 0 to 3, shape (n,).
    rng
        Source of randomness.

    Returns
    -------
    np.ndarray
        uint8, shape (n,). Each such sequence is equally likely.

    Notes
    -----
    Altschul and Erickson, Mol Biol Evol 2:526-538 (1985). A sequence is an Euler path over its bases. Draw for each
    base but the last one which of its edges is taken last, again until these edges lead from every base to the last
    one; put the other edges of each base in random order and walk.
    """
    codes = np.asarray(codes, dtype=np.uint8)
    if len(codes) < 3:
        return codes.copy()
    followers = [codes[1:][codes[:-1] == base] for base in range(4)]
    goal = int(codes[-1])
    leaving = [base for base in range(4) if len(followers[base]) and base != goal]
    while True:
        chosen = {base: int(rng.integers(len(followers[base]))) for base in leaving}
        if _all_reach(goal, {base: int(followers[base][index]) for base, index in chosen.items()}):
            break
    orders = []
    for base, after in enumerate(followers):
        if base in chosen:
            rest = np.delete(after, chosen[base])
            orders.append([*rng.permutation(rest).tolist(), int(after[chosen[base]])])
        else:
            orders.append(rng.permutation(after).tolist())
    walk = [int(codes[0])]
    taken = [0, 0, 0, 0]
    for _ in range(len(codes) - 1):
        here = walk[-1]
        walk.append(orders[here][taken[here]])
        taken[here] += 1
    return np.array(walk, dtype=np.uint8)


def _all_reach(goal: int, last_edge: dict[int, int]) -> bool:
    """Whether following the last edges leads from every base to the goal."""
    for base in last_edge:
        here, steps = base, 0
        while here != goal:
            here, steps = last_edge[here], steps + 1
            if steps > len(last_edge):
                return False
    return True
