"""The card of a data set: what is measured about it, and as text."""

from typing import TYPE_CHECKING, Any

from grover_probe.tasks.dataset import SPLITS, DataSet, conflicting
from grover_probe.tasks.leakage import SCALE, SIMILAR, K, find_leak

if TYPE_CHECKING:
    import pandas as pd


def describe(dataset: DataSet) -> dict[str, Any]:
    """Measure a data set: sizes, classes, lengths, GC per class, duplicates and leakage."""
    table = dataset.table
    lengths = table["sequence"].str.len()
    gc = (table["sequence"].str.count("G") + table["sequence"].str.count("C")) / lengths.clip(lower=1)
    return {
        "examples": len(table),
        "counts": dataset.counts(),
        "share_of_last_class": {
            split: round(float((dataset.part(split)["label"] == len(dataset.classes) - 1).mean()), 4)
            for split in SPLITS
        },
        "length": {"shortest": int(lengths.min()), "median": float(lengths.median()), "longest": int(lengths.max())},
        "gc": {name: round(float(gc[table["label"] == n].mean()), 4) for n, name in enumerate(dataset.classes)},
        "groups": int(table["group"].nunique()) if "group" in table else None,
        "repeated_sequences": int(table["sequence"].duplicated().sum()),
        "sequences_with_several_labels": conflicting(table),
        "leakage": leakage(table),
    }


def leakage(table: "pd.DataFrame") -> dict[str, Any]:
    """Near duplicates across splits: how many examples of one split have one in another."""
    parts = {split: table.loc[table["split"] == split, "sequence"].tolist() for split in SPLITS}
    found: dict[str, Any] = {"method": f"canonical {K}-mers, one in {SCALE} by hash; containment of {SIMILAR} or more"}
    for first, second in (("test", "train"), ("test", "validation"), ("validation", "train")):
        leak = find_leak(parts[first], parts[second])
        found[f"{first}_in_{second}"] = {"examples": len(parts[first]), "near_duplicates": leak.similar}
    return found


def card_text(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    classes = card["classes"]
    lines = [f"# {card['name']}", ""]
    if card.get("description"):
        lines += [card["description"], ""]
    lines += ["| split | examples | " + " | ".join(classes) + " |", "|---|---|" + "---|" * len(classes)]
    for split, sizes in card.get("counts", {}).items():
        total = sum(sizes.values())
        lines.append(f"| {split} | {total:,} | " + " | ".join(f"{sizes[name]:,}" for name in classes) + " |")
    if "length" in card:
        length = card["length"]
        lines += ["", f"Length in bases: {length['shortest']} to {length['longest']}, median {length['median']:g}. "]
        lines[-1] += "GC: " + ", ".join(f"{name} {share:.3f}" for name, share in card["gc"].items()) + "."
    if card.get("split_rule"):
        lines += ["", "Splits: " + card["split_rule"]]
    if card.get("left_out"):
        lines += ["", "Left out:", ""] + [f"- {number:,} {reason}" for reason, number in card["left_out"].items()]
    if "leakage" in card:
        lines += ["", f"Near duplicates across splits ({card['leakage']['method']}):", ""]
        for name, value in card["leakage"].items():
            if isinstance(value, dict):
                lines.append(f"- {name.replace('_', ' ')}: {value['near_duplicates']:,} of {value['examples']:,}")
        lines.append(f"- identical sequences: {card['repeated_sequences']:,} repeats; ")
        lines[-1] += f"{card['sequences_with_several_labels']:,} sequences with more than one label"
    for title, values in card.get("details", {}).items():
        lines += ["", f"{title}:", ""] + [f"- {name}: {value}" for name, value in values.items()]
    lines += ["", f"SHA-256 of ids, sequences, labels, splits, flanks and tokens: `{card['sha256']}`", ""]
    return "\n".join(lines)
