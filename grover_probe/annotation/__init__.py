"""Annotation of a genome: strict reading of many formats, merging, and which tokens lie in it.

Files are checked line by line before anything else sees them, so that a message can name the line.
"""

from grover_probe.annotation.bed import read_bed, read_intervals, require_bedtools
from grover_probe.annotation.intervals import Intervals, merge, share_per_token
from grover_probe.annotation.reading import Annotation, NothingHereError, read_annotation

__all__ = [
    "Annotation",
    "Intervals",
    "NothingHereError",
    "merge",
    "read_annotation",
    "read_bed",
    "read_intervals",
    "require_bedtools",
    "share_per_token",
]
