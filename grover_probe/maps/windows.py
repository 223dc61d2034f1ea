"""The window map: embeddings of windows in the plane, and how well each annotation can be told from them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.command import track
from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.maps.labels import WindowLabels
from grover_probe.maps.reduce import FEWEST_ROWS, MAP_COMPONENTS, principal_components, trust, umap_coordinates
from grover_probe.maps.separability import Separability, Split, separability, split_blocks, usable

SHOWN_COMPONENTS = 6
_SEPARABILITY = [
    "annotation", "rule", "place", *(each.name for each in fields(Separability)), "classes", "left_out",
]  # fmt: skip
_PLACES = ("embedding", "embedding map", "composition", "composition map")
BLOCK_SIZE = 100_000  # bases: long against a window (about 2 kb) and against what neighbouring windows share


@dataclass(frozen=True)
class WindowMap(ShowsTable):
    """A map of windows beside the same map of their composition.

    Attributes
    ----------
    windows
        One row per window: ``window``, ``chrom``, ``start``, ``end``, ``n_tokens``, ``gc``, ``block``, ``fold``,
        ``pc1`` to ``pc6``, ``umap1``, ``umap2``, ``composition_umap1``, ``composition_umap2``, and each annotation: its
        class, or the number by the rule ``mean`` (whose thirds are then in ``NAME_class``).
    separability
        One row per annotation and place (embedding, its map, composition, its map): columns of
        `grover_probe.maps.separability.Separability`, ``classes`` and ``left_out`` (classes too rare) with their
        windows.
    quality
        ``place``, ``trustworthiness``, ``explained`` (variance in the components that the map starts from).
    components
        float64, shape (n_windows, n_components): the principal components, for further use.
    """

    windows: pd.DataFrame
    separability: pd.DataFrame
    quality: pd.DataFrame
    components: np.ndarray

    def __repr__(self) -> str:
        return f"WindowMap({len(self.windows):,} windows, {self.separability['annotation'].nunique()} annotations)"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""
        return ("windows.parquet", "separability.tsv", "quality.tsv")

    def to_frame(self) -> pd.DataFrame:
        """The table of windows."""
        return self.windows

    def overview(self) -> pd.DataFrame:
        """Balanced accuracy of each annotation (rows) by chance and in each place."""
        table = self.separability
        wide = table.pivot(index="annotation", columns="place", values="balanced_accuracy")
        wide = wide.loc[table["annotation"].drop_duplicates(), list(_PLACES)]
        wide.insert(0, "chance", table.groupby("annotation")["chance"].first().loc[wide.index])
        return wide.rename_axis(columns=None).reset_index()

    def save(self, folder: Path | str) -> list[Path]:
        """Write the table of windows as Parquet, the small ones as TSV."""
        from grover_probe.files import atomic_path, make_folder

        folder = make_folder(folder)
        with atomic_path(folder / "windows.parquet") as temporary:
            self.windows.to_parquet(temporary, index=False)
        for name in ("separability", "quality"):
            with atomic_path(folder / f"{name}.tsv") as temporary:
                getattr(self, name).to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        return [folder / name for name in self.files]


def window_map(
    vectors: np.ndarray,
    composition: np.ndarray,
    windows: pd.DataFrame,
    annotations: Sequence[WindowLabels],
    *,
    block_size: int = BLOCK_SIZE,
    n_folds: int = 5,
    k: int = 15,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    n_turns: int = 99,
    seed: int = 0,
    progress: bool = True,
) -> WindowMap:
    """Map windows, and measure each annotation in the embedding, in the map and in the composition of the windows.

    Parameters
    ----------
    vectors
        Embeddings, shape (n_windows, width); may be memory-mapped.
    composition
        The baseline, shape (n_windows, any): GC content and k-mer frequencies.
    windows
        Columns ``window``, ``chrom``, ``start``, ``end``, ``n_tokens``, and ``gc`` if known; rows as in `vectors`.
    annotations
        Any number of labels of the same windows.
    block_size, n_folds, k, n_turns
        As in `grover_probe.maps.separability`.
    n_neighbors, min_dist
        UMAP's; UMAP starts from the first 50 principal components of the standardised dimensions.
    seed
        Of folds, UMAP, samples and nulls.
    progress
        Show progress bars on stderr.

    Raises
    ------
    InputError
        When there are too few windows or blocks, or an annotation has one usable class alone.
    """
    if len(windows) < 2 * FEWEST_ROWS:
        raise InputError(f"{len(windows)} windows: expected at least {2 * FEWEST_ROWS} for a map; use more sequence")
    if len({each.name for each in annotations}) < len(annotations):
        raise InputError("two annotations have one name; give each its own")
    for each in annotations:
        if (
            each.name in windows
            or each.name in ("block", "fold")
            or re.fullmatch(r"pc\d|(composition_)?umap\d", each.name)
        ):
            raise InputError(
                f"--annotation {each.name}: the table of windows has such a column already; choose another name"
            )
    chroms, starts, ends = (windows[name].to_numpy() for name in ("chrom", "start", "end"))
    split = split_blocks(chroms, starts, ends, block_size=block_size, n_folds=n_folds, seed=seed)
    table = windows.reset_index(drop=True).copy()
    table["block"], table["fold"] = split.blocks, split.folds
    places: dict[str, np.ndarray] = {}
    quality, components = [], None
    for place, rows, prefix in (("embedding", vectors, ""), ("composition", composition, "composition_")):
        found = principal_components(rows, MAP_COMPONENTS, scale=True)
        flat = umap_coordinates(
            found.scores,
            n_neighbors=n_neighbors,
            min_dist=min_dist,
            seed=seed,
            label=f"UMAP of {place}",
            progress=progress,
        )
        components = found.scores if components is None else components
        table[f"{prefix}umap1"], table[f"{prefix}umap2"] = flat[:, 0], flat[:, 1]
        quality.append((place, trust(found.scores, flat, k=n_neighbors, seed=seed), found.explained.sum()))
        places |= {place: rows, f"{place} map": flat}
    assert components is not None
    for number in range(min(SHOWN_COMPONENTS, components.shape[1])):
        table[f"pc{number + 1}"] = components[:, number]
    for each in annotations:
        table[each.name] = each.labels if each.values is None else each.values
        if each.values is not None:
            table[f"{each.name}_class"] = each.labels
    order = np.lexsort((starts, np.unique(chroms.astype(str), return_inverse=True)[1]))
    rows_found = []
    for each in track(annotations, label="separability", unit="annotation", progress=progress):
        rows_found += _one_annotation(each, places, order, split, k, n_turns, seed)
    return WindowMap(
        table,
        pd.DataFrame(rows_found, columns=_SEPARABILITY),
        pd.DataFrame(quality, columns=["place", "trustworthiness", "explained"]),
        components,
    )


def _one_annotation(
    annotation: WindowLabels,
    places: dict[str, np.ndarray],
    order: np.ndarray,
    split: Split,
    k: int,
    n_turns: int,
    seed: int,
) -> list[dict[str, object]]:
    keep = usable(annotation.labels, split)
    names, codes = np.unique(annotation.labels[keep], return_inverse=True)
    rare, sizes = np.unique(annotation.labels[~keep], return_counts=True)
    left_out = ", ".join(f"{name} ({size})" for name, size in zip(rare, sizes, strict=True))
    if len(names) < 2:
        raise InputError(
            f"--annotation {annotation.name}: {len(names)} class with at least 10 windows in two folds; too rare: "
            f"{left_out or 'none'}; try another rule, more sequence or smaller blocks"
        )
    position = np.full(len(keep), -1)
    position[keep] = np.arange(keep.sum())
    kept_order = position[order[keep[order]]]
    kept_split = Split(split.blocks[keep], split.folds[keep], split.n_folds)
    found = []
    for place, rows in places.items():
        result = separability(rows[keep], codes, kept_order, kept_split, k=k, n_turns=n_turns, seed=seed)
        found.append(
            {
                "annotation": annotation.name,
                "rule": annotation.rule,
                "place": place,
                **asdict(result),
                "classes": ", ".join(f"{name} ({size})" for name, size in zip(names, np.bincount(codes), strict=True)),
                "left_out": left_out,
            }
        )
    return found
