"""Reducers: small sums that hidden states are added to, so that no hidden state is ever stored.

Every state is a commutative sum in float64, or an array in which each row is written by one window. Results therefore
do not depend on batch size or order, states of several machines add up, and a run that was stopped goes on from a saved
state. ``docs/reducers.md`` shows how to write one.
"""

from grover_probe.extract.reducers.base import Reducer, Setup, TokenBatch
from grover_probe.extract.reducers.cka import LayerCovariances
from grover_probe.extract.reducers.dimensions import DimensionSums, StandardisedSums
from grover_probe.extract.reducers.directions import DirectionSums
from grover_probe.extract.reducers.explainable import OccurrenceSample
from grover_probe.extract.reducers.lens import LogitLens
from grover_probe.extract.reducers.moments import Moments
from grover_probe.extract.reducers.regions import RegionMeans
from grover_probe.extract.reducers.window_rows import WindowEmbeddings

REDUCERS: dict[str, type[Reducer]] = {
    kind.name: kind
    for kind in (
        Moments,
        DirectionSums,
        DimensionSums,
        StandardisedSums,
        OccurrenceSample,
        LayerCovariances,
        LogitLens,
        WindowEmbeddings,
        RegionMeans,
    )
}

__all__ = [
    "REDUCERS",
    "DimensionSums",
    "DirectionSums",
    "LayerCovariances",
    "LogitLens",
    "Moments",
    "OccurrenceSample",
    "Reducer",
    "RegionMeans",
    "Setup",
    "StandardisedSums",
    "TokenBatch",
    "WindowEmbeddings",
]
