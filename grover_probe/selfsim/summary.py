"""Self-similarity of tokens summed up per layer."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def summarise(tokens: "pd.DataFrame") -> "pd.DataFrame":
    """One row per layer.

    Parameters
    ----------
    tokens
        The token table of `self_similarity`.

    Returns
    -------
    pandas.DataFrame
        ``layer``; ``n_tokens`` with at least two occurrences; means over these tokens of ``self_similarity``,
        ``self_similarity_adjusted``; ``anisotropy``; ``intra_window_similarity`` over occurrences; and with repeats
        ``repeat_rich`` and ``other`` (mean adjusted self-similarity of the two groups), ``rho_repeat`` (Spearman of
        adjusted self-similarity with `repeat_share` over tokens) and ``rho_repeat_partial`` (the same with frequency,
        length and GC held constant: tokens of repeats are long and rare).
    """
    import pandas as pd

    rows = []
    tokens = tokens[tokens["self_similarity"].notna()]
    for layer, part in tokens.groupby("layer"):
        row: dict[str, Any] = {
            "layer": layer,
            "n_tokens": len(part),
            "self_similarity": part["self_similarity"].mean(),
            "self_similarity_adjusted": part["self_similarity_adjusted"].mean(),
            "anisotropy": part["anisotropy"].iloc[0],
            "intra_window_similarity": np.average(part["intra_window_similarity"], weights=part["count"]),
        }
        if "repeat_rich" in part:
            rich = part["repeat_rich"]
            adjusted = part["self_similarity_adjusted"]
            row |= {
                "repeat_rich": adjusted[rich].mean(),
                "other": adjusted[~rich].mean(),
                "rho_repeat": partial_spearman(part, "repeat_share", "self_similarity_adjusted", []),
                "rho_repeat_partial": partial_spearman(
                    part, "repeat_share", "self_similarity_adjusted", ["frequency", "length", "gc"]
                ),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def partial_spearman(table: "pd.DataFrame", one: str, other: str, held: list[str]) -> float:
    """Spearman correlation of two columns with others held constant: the correlation of rank residuals.

    Parameters
    ----------
    table
        One row per token.
    one, other
        Columns to correlate.
    held
        Columns whose ranks are regressed out of both; none gives the plain Spearman correlation.

    Returns
    -------
    float
        NaN when nothing varies, or fewer rows than columns.
    """
    ranks = table[[one, other, *held]].rank().to_numpy(dtype=np.float64)
    ranks = ranks - ranks.mean(0)
    pair, rest = ranks[:, :2], ranks[:, 2:]
    if len(ranks) <= len(held) + 2:
        return float("nan")
    residual = pair - rest @ np.linalg.lstsq(rest, pair, rcond=None)[0] if held else pair
    norms = np.linalg.norm(residual, axis=0)
    if (norms < 1e-9 * np.maximum(np.linalg.norm(pair, axis=0), 1)).any():
        return float("nan")
    return float(residual[:, 0] @ residual[:, 1] / norms.prod())
