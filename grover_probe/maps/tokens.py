"""The token map: one vector per token in each space, its components, its map, its tree, and what neighbours share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.command import track
from grover_probe.display import ShowsTable
from grover_probe.errors import InputError
from grover_probe.maps.correlate import (
    TOKEN_FEATURES,
    beside_the_paper,
    component_correlations,
    nearest,
    neighbour_table,
)  # fmt: skip
from grover_probe.maps.reduce import MAP_COMPONENTS, cluster_tree, principal_components, trust, umap_coordinates
from grover_probe.vocabulary.composition import token_table

SHOWN_COMPONENTS = 6
N_NEAREST = 10
_TABLES = ("tokens", "components", "correlations", "paper", "quality", "linkage")


@dataclass(frozen=True)
class TokenMap(ShowsTable):
    """Token maps of one or several spaces (layers of a model, baselines), all of the same tokens.

    Attributes
    ----------
    tokens
        One row per space and token: ``space``, ``token_id``, ``token``, ``length``, ``gc``, ``ag``, ``ac``, ``cpg``,
        ``count``, ``frequency``, ``log_frequency`` (base 10), ``pc1`` to ``pc6``, ``umap1``, ``umap2``, ``leaf``
        (place in the tree, from 0), ``cluster``, ``nearest`` (its ten nearest tokens in the space, Euclidean).
    components
        One row per space and component: ``explained`` share of variance, ``cumulative``.
    correlations
        `grover_probe.maps.correlate.component_correlations` of each space; p-values are corrected within a space.
    paper
        `grover_probe.maps.correlate.beside_the_paper`.
    quality
        Per space: ``trustworthiness`` of its map, and per place (embedding, map) and feature what neighbours share
        (`grover_probe.maps.correlate.neighbour_table`, corrected within a space).
    linkage
        Trees: ``space``, ``left``, ``right``, ``distance``, ``size``; leaves are numbered as the space's tokens here.
    """

    tokens: pd.DataFrame
    components: pd.DataFrame
    correlations: pd.DataFrame
    paper: pd.DataFrame
    quality: pd.DataFrame
    linkage: pd.DataFrame

    def __repr__(self) -> str:
        return f"TokenMap({self.tokens['token_id'].nunique()} tokens in {', '.join(self.spaces)})"

    @property
    def spaces(self) -> tuple[str, ...]:
        """Names of the spaces."""
        return tuple(self.tokens["space"].unique())

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that `save` writes."""
        return ("tokens.parquet", *(f"{name}.tsv" for name in _TABLES))

    def to_frame(self) -> pd.DataFrame:
        """The table of tokens."""
        return self.tokens

    def overview(self) -> pd.DataFrame:
        """The paper's correlations beside ours in each space."""
        return self.paper

    def save(self, folder: Path | str) -> list[Path]:
        """Write the tables (numbers in TSV with six digits)."""
        from grover_probe.files import atomic_path, make_folder

        folder = make_folder(folder)
        with atomic_path(folder / "tokens.parquet") as temporary:
            self.tokens.to_parquet(temporary, index=False)
        for name in _TABLES:
            with atomic_path(folder / f"{name}.tsv") as temporary:
                getattr(self, name).to_csv(temporary, sep="\t", index=False, float_format="%.6g")
        return [folder / name for name in self.files]


def token_features(pieces: Sequence[str], counts: np.ndarray, ids: np.ndarray) -> pd.DataFrame:
    """What is known of tokens without a model: composition and frequency, one row per id."""
    table = token_table([pieces[token] for token in ids])
    table["token_id"] = ids
    table["count"] = counts[ids]
    table["frequency"] = counts[ids] / counts.sum()
    table["log_frequency"] = np.log10(table["frequency"])
    return table


def token_map(
    spaces: Mapping[str, np.ndarray],
    pieces: Sequence[str],
    counts: np.ndarray,
    *,
    min_count: int = 10,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    n_clusters: int = 12,
    n_permutations: int = 999,
    seed: int = 0,
    progress: bool = True,
) -> TokenMap:
    """Map the tokens of a vocabulary in each of several spaces.

    Parameters
    ----------
    spaces
        Name and vectors, shape (n_ids, any width); NaN rows for tokens that a space does not have.
    pieces
        Sequence of each token by id, empty for special tokens.
    counts
        Occurrences by id, shape (n_ids,).
    min_count
        Rarer tokens are left out. Tokens that any space lacks are left out of all.
    n_neighbors, min_dist
        UMAP's; UMAP starts from the first 50 principal components.
    n_clusters
        Clusters to cut the tree into.
    n_permutations
        Of the null for what neighbours share.
    seed
        Of UMAP and of the null.
    progress
        Show progress bars on stderr.

    Raises
    ------
    InputError
        When fewer than 20 tokens are left.
    """
    known = np.array([bool(piece) for piece in pieces]) & (counts >= max(min_count, 1))
    for vectors in spaces.values():
        known &= np.isfinite(vectors).all(axis=1)
    ids = np.flatnonzero(known)
    if len(ids) < 20:
        raise InputError(
            f"{len(ids)} tokens occur at least {min_count} times in every space; expected 20 or more: "
            "use more sequence or a smaller --min-count"
        )
    features = token_features(pieces, counts, ids)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in _TABLES if name != "paper"}
    for name, vectors in track(spaces.items(), total=len(spaces), label="token maps", unit="space", progress=progress):
        found = _one_space(
            np.asarray(vectors[ids], dtype=np.float64),
            features,
            n_neighbors,
            min_dist,
            n_clusters,
            n_permutations,
            seed,
        )
        for table, part in found.items():
            part.insert(0, "space", name)
            parts[table].append(part)
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    return TokenMap(**tables, paper=beside_the_paper(tables["correlations"]))


def _one_space(
    vectors: np.ndarray,
    features: pd.DataFrame,
    n_neighbors: int,
    min_dist: float,
    n_clusters: int,
    n_permutations: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    found = principal_components(vectors, MAP_COMPONENTS)
    flat = umap_coordinates(found.scores, n_neighbors=n_neighbors, min_dist=min_dist, seed=seed, progress=False)
    tree = cluster_tree(vectors, n_clusters)
    tokens = features.copy()
    for number in range(min(SHOWN_COMPONENTS, found.scores.shape[1])):
        tokens[f"pc{number + 1}"] = found.scores[:, number]
    tokens["umap1"], tokens["umap2"] = flat[:, 0], flat[:, 1]
    leaf = np.empty(len(tokens), dtype=np.int64)
    leaf[tree.leaves] = np.arange(len(tokens))
    tokens["leaf"], tokens["cluster"] = leaf, tree.clusters
    names = tokens["token"].to_numpy(dtype=object)
    tokens["nearest"] = [" ".join(names[row]) for row in nearest(vectors, N_NEAREST)]
    values = {name: features[name].to_numpy(dtype=np.float64) for name in TOKEN_FEATURES}
    shared = {("log_frequency" if name == "frequency" else name): each for name, each in values.items()}
    shared["log_frequency"] = features["log_frequency"].to_numpy(dtype=np.float64)
    quality = neighbour_table(
        {"embedding": vectors, "map": flat}, shared, k=n_neighbors, n_permutations=n_permutations, seed=seed
    )
    quality.insert(0, "trustworthiness", trust(vectors, flat, k=n_neighbors, seed=seed))
    linkage = pd.DataFrame(tree.linkage, columns=["left", "right", "distance", "size"])
    return {
        "tokens": tokens,
        "components": pd.DataFrame(
            {
                "component": np.arange(1, len(found.explained) + 1),
                "explained": found.explained,
                "cumulative": np.cumsum(found.explained),
            }
        ),
        "correlations": component_correlations(found.scores, values, SHOWN_COMPONENTS),
        "quality": quality,
        "linkage": linkage.astype({"left": np.int64, "right": np.int64, "size": np.int64}),
    }
