"""What the commands write: tables, figures, AnnData file, page, and the record that vouches for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.files import sha256_of, staged_files
from grover_probe.maps.atlas import Atlas, View
from grover_probe.maps.h5ad import write_h5ad
from grover_probe.maps.reduce import principal_components
from grover_probe.maps.tokens import TokenMap
from grover_probe.maps.windows import WindowMap
from grover_probe.plotting.components import components_figure, tree_figure
from grover_probe.plotting.style import save_figure
from grover_probe.plotting.token_maps import token_map_figure, token_spaces_figure
from grover_probe.plotting.window_maps import separability_figure, window_map_figure
from grover_probe.provenance import write_run

_TOKEN_COLUMNS = ["gc", "log_frequency", "length", "ag", "ac", "cpg", "count"]


@dataclass(frozen=True)
class Extras:
    """Optional files, and what the page says above the map."""

    h5ad: bool
    html: bool
    subtitle: str


def write_tokens(
    out: Path, result: TokenMap, vectors: np.ndarray, extras: Extras, inputs: dict[str, Any], parameters: dict[str, Any]
) -> list[Path]:
    """Write a token map; `vectors` (n_ids, width) are those of its first space."""
    main = result.spaces[0]
    figures = {
        "token_map": lambda: token_map_figure(result.tokens, result.quality, main),
        "token_spaces": lambda: token_spaces_figure(result.tokens, result.quality, result.spaces),
        "token_components": lambda: components_figure(result.correlations, result.components, result.paper),
        "token_tree": lambda: tree_figure(result.tokens, result.linkage, main),
    }
    of_main = result.tokens[result.tokens["space"] == main].reset_index(drop=True)
    chosen = vectors[of_main["token_id"].to_numpy()]

    def h5ad(path: Path) -> None:
        places = {
            "X_pca": principal_components(np.asarray(chosen, dtype=np.float64)).scores,
            "X_umap": of_main[["umap1", "umap2"]],
        }
        obs = of_main.drop(columns=["space", "umap1", "umap2", "nearest"])
        write_h5ad(path, chosen, of_main["token"].tolist(), obs.assign(cluster=obs["cluster"].astype(str)), places)

    def page(path: Path) -> None:
        token_atlas(result, extras.subtitle).save(path)

    return _write(out, "tokens", result, figures, extras, h5ad, page, inputs, parameters)


def token_atlas(result: TokenMap, subtitle: str) -> Atlas:
    """The page of a token map: one view per space, with each token's nearest ones there."""
    parts = {space: part.reset_index(drop=True) for space, part in result.tokens.groupby("space", sort=False)}
    first = parts[result.spaces[0]]
    row = {token: number for number, token in enumerate(first["token"])}
    views = []
    for space, part in parts.items():
        here = result.quality[(result.quality["space"] == space) & (result.quality["place"] == "map")]
        shared = ", ".join(f"{each.feature.replace('_', ' ')} {each.r2:.2f}" for each in here.itertuples())
        note = f"Trustworthiness {here['trustworthiness'].iloc[0]:.2f}. R² of neighbours in the map: {shared}."
        near = np.array([[row[token] for token in tokens.split()] for tokens in part["nearest"]])
        views.append(View(str(space), part[["umap1", "umap2"]].to_numpy(), note, near))
    columns = first[_TOKEN_COLUMNS].assign(cluster=first["cluster"].map("{:02d}".format))
    labels = {"cluster": f"cluster ({result.spaces[0]})"}
    return Atlas("Token atlas", subtitle, "token", first["token"].tolist(), columns, views, "gc", labels)


def write_windows(
    out: Path,
    result: WindowMap,
    vectors: np.ndarray,
    annotations: Sequence[str],
    extras: Extras,
    inputs: dict[str, Any],
    parameters: dict[str, Any],
) -> list[Path]:
    """Write a window map; `vectors` are the embeddings of its rows."""
    windows = result.windows
    trust = float(result.quality.set_index("place")["trustworthiness"]["embedding"])
    figures = {"window_map": lambda: window_map_figure(windows, ["gc", *annotations], result.separability, trust)}
    if annotations:
        figures["window_separability"] = lambda: separability_figure(result.separability)
    names = [f"{row.chrom}:{row.start:,}-{row.end:,}" for row in windows.itertuples()]

    def h5ad(path: Path) -> None:
        places = {
            "X_pca": result.components,
            "X_umap": windows[["umap1", "umap2"]],
            "X_composition_umap": windows[["composition_umap1", "composition_umap2"]],
        }
        drawn = [name for name in windows if "umap" in name or name.startswith("pc")]
        write_h5ad(path, vectors, names, windows.drop(columns=drawn), places)

    def page(path: Path) -> None:
        views = [
            View("embedding", windows[["umap1", "umap2"]].to_numpy(), f"Trustworthiness {trust:.2f}."),
            View(
                "GC and k-mers alone", windows[["composition_umap1", "composition_umap2"]].to_numpy(), "The baseline."
            ),
        ]
        columns = windows[[*annotations, "gc", "n_tokens", "chrom"]]
        first = annotations[0] if annotations else "gc"
        Atlas("Window atlas", extras.subtitle, "window", names, columns, views, first).save(path)

    return _write(out, "windows", result, figures, extras, h5ad, page, inputs, parameters)


def _write(
    out: Path,
    kind: str,
    result: TokenMap | WindowMap,
    figures: dict[str, Callable[[], Any]],
    extras: Extras,
    h5ad: Callable[[Path], None],
    page: Callable[[Path], None],
    inputs: dict[str, Any],
    parameters: dict[str, Any],
) -> list[Path]:
    more = {f"{kind}.h5ad": h5ad} if extras.h5ad else {}
    more |= {f"{kind}.html": page} if extras.html else {}
    outputs = (*result.files, *(f"{stem}.{ending}" for stem in figures for ending in ("png", "svg")), *more)
    record = f"maps.{kind}.run.json"
    with staged_files(out, (*outputs, record)) as staging:
        result.save(staging)
        for stem, draw in figures.items():
            save_figure(draw(), staging / stem, formats=("png", "svg"))
        for name, make in more.items():
            make(staging / name)
        hashes = {name: sha256_of(staging / name) for name in outputs}
        write_run(staging / record, inputs=inputs, parameters=parameters, outputs=hashes)
    return [out / name for name in (*outputs, record)]


def paper_text(paper: pd.DataFrame) -> str:
    """The paper's correlations beside those of each space, as text."""
    wide = paper.pivot(index=["component", "feature", "paper_rho"], columns="space", values="rho")
    wide = wide[paper["space"].unique()].reset_index(level="paper_rho").rename(columns={"paper_rho": "paper"})
    wide.index = pd.Index([f"PC{component} {feature}" for component, feature in wide.index])
    return wide.rename_axis(columns=None).to_string(float_format=lambda value: f"{value:.2f}")
