"""Classification data sets, built from a genome or read from files; ``python -m grover_probe.tasks`` builds them."""

from grover_probe.tasks.dataset import DataSet, load_dataset

__all__ = ["DataSet", "load_dataset"]
