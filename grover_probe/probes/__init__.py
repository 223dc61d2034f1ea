"""What can be read from embeddings, beside controls; on the command line ``python -m grover_probe.probes``."""

from grover_probe.probes.cells import CellStore
from grover_probe.probes.folds import Folds, genomic_folds, make_folds
from grover_probe.probes.run import Level, Settings, run_level
from grover_probe.probes.table import ProbeResult, probe_table
from grover_probe.probes.targets import Target, binary_target, class_target

__all__ = [
    "CellStore",
    "Folds",
    "Level",
    "ProbeResult",
    "Settings",
    "Target",
    "binary_target",
    "class_target",
    "genomic_folds",
    "make_folds",
    "probe_table",
    "run_level",
]
