"""What the three builders share: rows to a divided data set with its card."""

from dataclasses import replace
from typing import Any

from grover_probe.tasks.card import describe
from grover_probe.tasks.dataset import DataSet, check_classes
from grover_probe.tasks.splits import DROPPED, SplitRule, split_by_place

BINARY = ("0", "1")


def assemble(
    name: str,
    rows: list[dict[str, Any]],
    rule: SplitRule,
    *,
    description: str,
    left_out: dict[str, int],
    details: dict[str, dict[str, Any]],
) -> DataSet:
    """Divide examples, drop what is in no split, and describe the result.

    Parameters
    ----------
    name
        Of the data set.
    rows
        Examples with every column but ``split``.
    rule
        How they are divided.
    description
        For the card: what is told apart.
    left_out
        Sites that gave no example, by reason.
    details
        More tables for the card, by title.

    Raises
    ------
    InputError
        When a split would be empty or of one class.
    """
    import pandas as pd

    table = pd.DataFrame(rows)
    table["split"], dropped = split_by_place(table, rule)
    table = table[table["split"] != DROPPED].reset_index(drop=True)
    left_out = {reason: count for reason, count in {**left_out, **dropped}.items() if count}
    found = check_classes(DataSet(name, table, BINARY))
    card = {
        "description": description,
        "split_rule": rule.describe(),
        "left_out": left_out,
        "details": details,
        **describe(found),
    }
    notes = tuple(f"left out: {count:,} {reason}" for reason, count in left_out.items())
    return replace(found, card=card, notes=notes)
