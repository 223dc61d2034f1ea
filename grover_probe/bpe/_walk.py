"""Kernels that run the automaton over base codes and walk back over the tokens."""

import numpy as np
from numba import njit

from grover_probe.bpe._automaton import BREAK_SYMBOL, NO_TOKEN, STRIDE
from grover_probe.bpe.merges import FIRST_PIECE_ID

SETTLE = 512  # bases after which two runs of the automaton have practically always met; checked, never assumed


@njit(nogil=True, cache=True)
def settle(codes: np.ndarray, position: int, settle_bases: int, step: np.ndarray) -> np.uint32:
    """The state at `position` when the run starts, as if after a break, `settle_bases` earlier."""
    state = np.uint32(0)
    for i in range(max(position - settle_bases, 0), position):
        state = step[state * STRIDE + min(codes[i], BREAK_SYMBOL)]
    return state


@njit(nogil=True, cache=True)
def _put_right(
    codes: np.ndarray, begin: int, offset: int, end: int, state: int, step: np.ndarray, states: np.ndarray
) -> None:
    """Run again from `begin + offset` in the true state, until the states are those that are there."""
    for i in range(begin + offset, end):
        state = step[state * STRIDE + min(codes[i], BREAK_SYMBOL)]
        if states[i - begin] == state:
            break
        states[i - begin] = state


@njit(nogil=True, cache=True)
def forward(
    codes: np.ndarray,
    begin: int,
    end: int,
    state: int,
    settle_bases: int,
    step: np.ndarray,
    states: np.ndarray,
) -> int:
    """Run from `begin` to `end`; states[i] becomes the state after base begin + i. Returns the last state.

    Each look-up waits for the one before. So four stretches are run at a time, the later ones from guessed states,
    and where they meet a wrong guess is put right.
    """
    quarter = (end - begin) // 4
    b, c, d = begin + quarter, begin + 2 * quarter, begin + 3 * quarter
    state_a = np.uint32(state)
    state_b = settle(codes, b, settle_bases, step)
    state_c = settle(codes, c, settle_bases, step)
    state_d = settle(codes, d, settle_bases, step)
    guesses = (state_b, state_c, state_d)
    for i in range(quarter):
        state_a = step[state_a * STRIDE + min(codes[begin + i], BREAK_SYMBOL)]
        state_b = step[state_b * STRIDE + min(codes[b + i], BREAK_SYMBOL)]
        state_c = step[state_c * STRIDE + min(codes[c + i], BREAK_SYMBOL)]
        state_d = step[state_d * STRIDE + min(codes[d + i], BREAK_SYMBOL)]
        states[i] = state_a
        states[quarter + i] = state_b
        states[2 * quarter + i] = state_c
        states[3 * quarter + i] = state_d
    if quarter == 0:
        state_d = state_a
    else:
        for part in range(3):
            start = (part + 1) * quarter
            true = np.uint32(states[start - 1])
            if true != guesses[part]:
                _put_right(codes, begin, start, begin + start + quarter, true, step, states)
        state_d = np.uint32(states[4 * quarter - 1])
    for i in range(begin + 4 * quarter, end):
        state_d = step[state_d * STRIDE + min(codes[i], BREAK_SYMBOL)]
        states[i - begin] = state_d
    return state_d


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
