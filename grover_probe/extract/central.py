"""Windows that overlap, each token taken from the one in which it is most central."""

import numpy as np

from grover_probe.errors import InputError
from grover_probe.windows import fixed_windows


def central_windows(runs: np.ndarray, length: int, overlap: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cut runs into windows for a model and say which tokens are taken from each.

    Parameters
    ----------
    runs
        Token ranges without a gap, shape (n_runs, 2), apart from each other.
    length
        Tokens of a full window.
    overlap
        Tokens that neighbours share. With 0 the last window of a run is short; otherwise it is moved back to full
        length where the run has room, so that its tokens see context too.

    Returns
    -------
    windows, taken : np.ndarray
        int64, shape (n_windows, 2) each, in corpus order. Each token of the runs is in exactly one range of `taken`,
        that of the window in which it is farthest from the nearer edge.

    Raises
    ------
    InputError
        When the overlap leaves no step from window to window.
    """
    if not 0 <= overlap < length:
        raise InputError(f"--overlap {overlap}: expected 0 to {length - 1} for windows of {length} tokens")
    if overlap == 0:
        windows = fixed_windows(runs, length)
        return windows, windows.copy()
    sizes = runs[:, 1] - runs[:, 0]
    step = length - overlap
    counts = 1 + np.maximum(-(-(sizes - length) // step), 0)
    run_of = np.repeat(np.arange(len(runs)), counts)
    rank = np.arange(len(run_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    last = np.maximum(runs[run_of, 1] - length, runs[run_of, 0])
    begins = np.minimum(runs[run_of, 0] + rank * step, last)
    windows = np.stack([begins, np.minimum(begins + length, runs[run_of, 1])], axis=1)
    taken = windows.copy()
    inner = np.flatnonzero(run_of[1:] == run_of[:-1])  # windows with a neighbour to the right in their run
    middle = (windows[inner, 1] + windows[inner + 1, 0]) // 2
    taken[inner, 1] = taken[inner + 1, 0] = middle
    return windows, taken
