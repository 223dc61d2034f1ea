"""Windows of tokens: runs of a corpus cut for a model, all of them or sampled as for training.

A run is a token range without a gap (`grover_probe.corpus.Corpus.runs`); a window never crosses the end of a run.
"""

import numpy as np

MAX_WINDOW_TOKENS = 510  # BERT's 512 positions less [CLS] and [SEP]
MIN_SAMPLE_TOKENS = 20


def fixed_windows(runs: np.ndarray, length: int = MAX_WINDOW_TOKENS) -> np.ndarray:
    """Cut runs into consecutive windows of `length` tokens; the last of a run is shorter.

    Returns
    -------
    np.ndarray
        int64, shape (n_windows, 2): token ranges.
    """
    counts = -(-(runs[:, 1] - runs[:, 0]) // length)
    run_of = np.repeat(np.arange(len(runs)), counts)
    rank = np.arange(len(run_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = runs[run_of, 0] + rank * length
    return np.stack([begins, np.minimum(begins + length, runs[run_of, 1])], axis=1)


def sample_windows(
    runs: np.ndarray,
    rng: np.random.Generator,
    length: int = MAX_WINDOW_TOKENS,
    shortest: int = MIN_SAMPLE_TOKENS,
    full_share: float = 0.5,
) -> np.ndarray:
    """Cut runs into windows as the GROVER paper does: half of them full, the others of uniform length.

    Parameters
    ----------
    runs
        Token ranges, shape (n_runs, 2).
    rng
        Source of the lengths; the first window of a run also starts at a random token below `length`, so that
        windows differ between passes.
    length
        Tokens of a full window; the paper's 510.
    shortest
        Tokens of the shortest window; what is left over at the end of a run and shorter is dropped. The paper's 20.
    full_share
        Share of windows that are full; the paper's half.

    Returns
    -------
    np.ndarray
        int64, shape (n_windows, 2): token ranges, in corpus order.
    """
    shortest = min(shortest, length)
    found = []
    for begin, stop in runs:
        room = int(stop - begin)
        if room < shortest:
            continue
        shift = int(rng.integers(0, min(length, room - shortest + 1)))
        n_most = room // shortest + 1
        sizes = rng.integers(shortest, length + 1, size=n_most)
        sizes[rng.random(n_most) < full_share] = length
        edges = begin + shift + np.concatenate(([0], np.cumsum(sizes)))
        windows = np.stack([edges[:-1], np.minimum(edges[1:], stop)], axis=1)
        found.append(windows[windows[:, 1] - windows[:, 0] >= shortest])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)
