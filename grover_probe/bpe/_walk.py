"""Kernels that run the automaton over base codes and walk back over the tokens."""

import numpy as np
from numba import njit

from grover_probe.bpe._automaton import BREAK_SYMBOL, NO_TOKEN, STRIDE
from grover_probe.bpe.merges import FIRST_PIECE_ID

SETTLE = 512  # bases after which two runs of the automaton have practically always met; checked, never assumed


@njit(nogil=True, cache=True)
def forward(codes: np.ndarray, begin: int, end: int, state: int, step: np.ndarray, states: np.ndarray) -> int:
    """Run from `begin` to `end`; states[i] becomes the state after base begin + i. Returns the last state."""
    for i in range(begin, end):
        state = step[state * STRIDE + min(codes[i], BREAK_SYMBOL)]
        states[i - begin] = state
    return state


@njit(nogil=True, cache=True)
def settle(codes: np.ndarray, position: int, step: np.ndarray) -> int:
    """The state at `position` when the run starts, as if after a break, `SETTLE` bases earlier."""
    state = 0
    for i in range(max(position - SETTLE, 0), position):
        state = step[state * STRIDE + min(codes[i], BREAK_SYMBOL)]
    return state


@njit(nogil=True, cache=True)
def backward(
    states: np.ndarray,
    offset: int,
    begin: int,
    end: int,
    token: np.ndarray,
    length: np.ndarray,
    ids: np.ndarray,
    starts: np.ndarray,
) -> tuple[int, int]:
    """Walk back from `end`, a token's end, over all tokens that start at or after `begin`.

    Ids and starts are written from the back of `ids` and `starts`. Returns how many, and where the walk
    stopped: the end of the last token that starts before `begin`, or `begin`.
    """
    free = ids.size
    while end > begin:
        state = states[end - offset - 1]
        start = end - length[state]
        if start < begin:
            break
        if token[state] != NO_TOKEN:
            free -= 1
            ids[free] = token[state] + FIRST_PIECE_ID
            starts[free] = start
        end = start
    return ids.size - free, end
