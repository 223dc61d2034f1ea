"""What a pass says of its layers, as tidy tables: dimensions, likeness, contexts, the model's own head."""

from typing import TYPE_CHECKING

import numpy as np

from grover_probe.extract.results import PassResult

if TYPE_CHECKING:
    import pandas as pd


def dimension_table(found: PassResult) -> "pd.DataFrame":
    """Share that each dimension has in the mean cosine of two tokens: reducer `dimensions`.

    Returns
    -------
    pandas.DataFrame
        ``layer``, ``rank`` (from 1, by share), ``dimension``, ``share``, ``anisotropy`` of the layer.
    """
    import pandas as pd

    arrays = found.arrays("dimensions")
    parts = []
    for layer, share, anisotropy in zip(found.layers, arrays["share"], arrays["anisotropy"], strict=True):
        order = np.argsort(-share, kind="stable")
        table = pd.DataFrame({"rank": np.arange(1, len(order) + 1), "dimension": order, "share": share[order]})
        parts.append(table.assign(layer=layer, anisotropy=anisotropy))
    return pd.concat(parts, ignore_index=True)[["layer", "rank", "dimension", "share", "anisotropy"]]


def similarity_table(found: PassResult) -> "pd.DataFrame":
    """Mean self-similarity over tokens, of states as they are and standardised: reducers `directions`, `standardised`.

    Returns
    -------
    pandas.DataFrame
        ``layer``, ``states`` (``as they are``, ``standardised``), ``self_similarity``, ``n_tokens``.
    """
    import pandas as pd

    from grover_probe.selfsim.similarity import mean_pair_cosine

    rows = []
    for reducer, states in (("directions", "as they are"), ("standardised", "standardised")):
        if reducer in found.record["reducers"]:
            arrays = found.arrays(reducer)
            for layer, unit in zip(found.layers, arrays["unit"], strict=True):
                similar = mean_pair_cosine(unit, arrays["count"])
                rows.append((layer, states, float(np.nanmean(similar)), int(np.isfinite(similar).sum())))
    return pd.DataFrame(rows, columns=["layer", "states", "self_similarity", "n_tokens"])


def cka_table(found: PassResult) -> "pd.DataFrame":
    """Linear CKA of every two layers: reducer `cka`. ``layer``, ``other``, ``cka``, ``n_tokens`` used."""
    import pandas as pd

    arrays = found.arrays("cka")
    rows = [
        (one, other, float(arrays["cka"][i, j]))
        for i, one in enumerate(found.layers)
        for j, other in enumerate(found.layers)
    ]
    return pd.DataFrame(rows, columns=["layer", "other", "cka"]).assign(n_tokens=int(arrays["count"].sum()))


def explainable_table(found: PassResult) -> "pd.DataFrame":
    """Share of the first direction in the occurrences of each token: reducer `explainable`.

    Returns
    -------
    pandas.DataFrame
        ``layer``, ``token_id``, ``token``, ``count`` of occurrences used, ``mev``, and ``mev_centred``, less the mean.
    """
    import pandas as pd

    arrays = found.arrays("explainable")
    known = np.flatnonzero(np.isfinite(arrays["mev"]).all(0))
    parts = [
        pd.DataFrame(
            {
                "layer": layer,
                "token_id": known,
                "token": [found.pieces[token] for token in known],
                "count": arrays["count"][known],
                "mev": arrays["mev"][place, known],
                "mev_centred": arrays["mev_centred"][place, known],
            }
        )
        for place, layer in enumerate(found.layers)
    ]
    return pd.concat(parts, ignore_index=True)


def lens_table(found: PassResult) -> "pd.DataFrame":
    """What the model's head reads from each layer: reducer `lens`. ``layer``, ``top1``, ``log_p``, ``n_tokens``."""
    import pandas as pd

    arrays = found.arrays("lens")
    table = pd.DataFrame({"layer": found.layers, "top1": arrays["top1_all"], "log_p": arrays["log_p_all"]})
    return table.assign(n_tokens=int(arrays["count"].sum()))
