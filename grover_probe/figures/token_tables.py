"""Tables of single tokens for figure 3: frequencies, lengths, first bases, and how well each token is predicted."""

from typing import TYPE_CHECKING

import numpy as np

from grover_probe.errors import InputError
from grover_probe.figures import paper

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 10  # bases; longer tokens are one class with those
GROUPS = 8  # of tokens of like frequency
FEWEST_MASKED = 5  # times a token was masked, to be drawn as a dot
_MARKED = 4  # tokens far above what is expected, and as many below
_SCORES = ("accuracy", "auc")
_RESAMPLES = 1_000


def tokens_in_use(vocabulary: "pd.DataFrame") -> "pd.DataFrame":
    """Tokens that occur elsewhere than at ends, with ``per_million`` and ``expected_per_million`` (of all tokens)."""
    used = vocabulary[vocabulary["count"] > vocabulary["count_at_ends"]]
    return used.assign(per_million=1e6 * used["frequency"], expected_per_million=1e6 * used["expected_frequency"])


def length_table(used: "pd.DataFrame") -> "pd.DataFrame":
    """``length``, ``tokens`` and ``occurrences``."""
    return used.groupby("length")["count"].agg(tokens="size", occurrences="sum").reset_index()


def frequency_table(used: "pd.DataFrame") -> "pd.DataFrame":
    """Histogram of ``per_million``, ten bins to a factor of ten: ``from``, ``to``, ``tokens``."""
    import pandas as pd

    low, high = np.log10(used["per_million"].min()), np.log10(used["per_million"].max())
    edges = 10 ** (np.arange(np.floor(10 * low), np.ceil(10 * high + 1e-9) + 1) / 10)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "tokens": np.histogram(used["per_million"], edges)[0]})


def first_base_table(used: "pd.DataFrame") -> "pd.DataFrame":
    """``of``, ``base``, ``share``: of the tokens, of their occurrences, and the paper's, which has A or T only."""
    import pandas as pd

    rows = []
    for name, weights in (("tokens", None), ("occurrences", used["count"])):
        counts = used.assign(weight=1 if weights is None else weights).groupby(used["token"].str[0])["weight"].sum()
        rows += [(name, base, counts.get(base, 0) / counts.sum()) for base in "ATGC"]
    rows += [("the paper", "A or T", paper.FIRST_BASE_AT), ("the paper", "C or G", 1 - paper.FIRST_BASE_AT)]
    return pd.DataFrame(rows, columns=["of", "base", "share"])


def expectation_table(used: "pd.DataFrame") -> "pd.DataFrame":
    """Observed and expected frequency of each token; ``mark`` numbers those farthest from it, 0 for all others."""
    columns = ["token", "length", "per_million", "expected_per_million", "observed_expected"]
    found = used[columns].assign(mark=0)
    log_ratio = np.log10(found["observed_expected"])
    for side, order in enumerate((log_ratio.sort_values(ascending=False), log_ratio.sort_values())):
        chosen: list[int] = []
        for row in order.index:
            if len(chosen) == _MARKED:
                break
            if all(_apart(found.loc[row], found.loc[other]) for other in chosen):
                chosen.append(row)
        found.loc[chosen, "mark"] = range(side * _MARKED + 1, side * _MARKED + len(chosen) + 1)
    return found


def predicted_tokens(evaluation: "pd.DataFrame", used: "pd.DataFrame") -> "pd.DataFrame":
    """Each masked token with what was predicted and how often it occurs.

    Parameters
    ----------
    evaluation
        ``tokens.tsv`` of ``python -m grover_probe.evaluate``.
    used
        Of `tokens_in_use`.

    Returns
    -------
    pandas.DataFrame
        ``token``, ``length``, ``per_million``, ``masked`` (times), ``accuracy``, ``auc``.

    Raises
    ------
    InputError
        When no token is in both.
    """
    known = evaluation.rename(columns={"count": "masked"})[["token", "masked", *_SCORES]]
    found = known.merge(used[["token", "length", "per_million"]], on="token")
    if not len(found):
        raise InputError(
            "evaluate: the model has none of the tokens of vocabulary/; evaluate a model of that tokenizer"
        )
    return found[["token", "length", "per_million", "masked", *_SCORES]]


def by_length(tokens: "pd.DataFrame") -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Tokens with the ``place`` of their class, and the classes: one per length, long ones together."""
    group = tokens["length"].clip(upper=LONGEST)
    placed = tokens.assign(place=group.astype(float))
    for place, rows in placed.groupby("place").groups.items():
        placed.loc[rows, "place"] = place + (np.linspace(-0.3, 0.3, len(rows)) if len(rows) > 1 else 0)
    classes = _scores_of(tokens, group)
    longer = tokens["length"].max() > LONGEST
    classes["name"] = [f"{place}+" if longer and place == LONGEST else str(place) for place in classes["group"]]
    return placed, classes.rename(columns={"group": "place"})


def by_frequency(tokens: "pd.DataFrame") -> "pd.DataFrame":
    """Groups of tokens of like frequency, equally many in each: their middle in ``per_million``, and their scores."""
    rank = tokens["per_million"].rank(method="first") - 1
    group = (rank * min(GROUPS, len(tokens)) // len(tokens)).astype(int)
    classes = _scores_of(tokens, group)
    return classes.assign(per_million=tokens.groupby(group)["per_million"].median().to_numpy())


def _scores_of(tokens: "pd.DataFrame", group: "pd.Series[int]") -> "pd.DataFrame":
    """Scores of groups of tokens, weighted by how often each was masked; 95 % of bootstrap draws of tokens.

    Accuracy weighted in this way is that of all masked tokens of the group.
    """
    import pandas as pd

    from grover_probe.probes.metrics import interval, resample_blocks

    rows = []
    for name, part in tokens.groupby(group):
        row = {"group": name, "tokens": len(part), "masked": part["masked"].sum()}
        counts = resample_blocks(np.arange(len(part)), _RESAMPLES, seed=0).counts
        for score in _SCORES:
            known = part[score].notna().to_numpy()
            weights = counts[:, known] * part["masked"].to_numpy()[known]
            total = weights.sum(axis=1)
            drawn = np.divide(weights @ part[score].to_numpy()[known], total, out=np.full(len(total), np.nan),
                              where=total > 0)  # fmt: skip
            value, low, high = interval(drawn)
            single = known.sum() < 2  # nothing to draw from
            row |= {
                score: value,
                f"{score}_low": np.nan if single else low,
                f"{score}_high": np.nan if single else high,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _apart(one: "pd.Series[float]", other: "pd.Series[float]") -> bool:
    """Whether the numbers of two tokens can stand beside each other."""
    x, y = (abs(np.log10(one[name] / other[name])) for name in ("expected_per_million", "per_million"))
    return bool(x > 0.6 or y > 0.2)
