"""Matthews correlations that the GROVER paper gives (Sanabria et al., Nature Machine Intelligence 2024)."""

import math

from grover_probe.compare.systems import System

#: By name of the data set. `prom300-tokens` has the paper's negatives; other variants were not in the paper.
_PUBLISHED = {
    "prom300-tokens": {"grover": 0.996, "embedded": 0.996, "4-mer": 0.79, "tfidf-5mer": 0.67},
    "promscan": {"grover": 0.63, "embedded": 0.63, "nt-v1": 0.52, "nt-v2": 0.52, "tfidf-3mer": 0.39},
    "ctcf": {"grover": 0.60, "embedded": 0.60, "dnabert2": 0.59, "tfidf-4mer": 0.26},
}


def paper_mcc(dataset: str, system: System) -> float:
    """The paper's number for a system of this kind on this task; NaN where it gives none.

    The paper's data are those of the whole genome, and its models are its own: a number to stand beside, not to equal.
    """
    return _PUBLISHED.get(dataset, {}).get(system.name, math.nan)
