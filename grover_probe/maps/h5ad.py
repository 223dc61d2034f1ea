"""Maps as AnnData files, which scanpy opens."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from grover_probe.files import atomic_path


def write_h5ad(
    path: Path | str, vectors: np.ndarray, names: list[str], obs: pd.DataFrame, places: Mapping[str, np.ndarray]
) -> Path:
    """Write an embedding with its maps.

    Parameters
    ----------
    path
        Ends in ``.h5ad``.
    vectors
        Shape (n, width): becomes ``X`` in single precision, with variables ``dim0``, ``dim1``, ...
    names
        Of the rows; made unique where they are not.
    obs
        What is known of the rows. Text becomes categories.
    places
        Coordinates for ``obsm``, such as ``X_pca`` and ``X_umap``, each of shape (n, any).
    """
    import anndata

    table = obs.reset_index(drop=True).copy()
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = pd.Categorical(table[name].astype(str))
    table.index = pd.Index(names, dtype=str)
    variables = pd.DataFrame(index=[f"dim{number}" for number in range(vectors.shape[1])])
    found = anndata.AnnData(np.asarray(vectors, dtype=np.float32), obs=table, var=variables)
    found.obs_names_make_unique()
    for name, points in places.items():
        found.obsm[name] = np.asarray(points, dtype=np.float32)
    with atomic_path(path) as temporary:
        found.write_h5ad(temporary)
    return Path(path)
