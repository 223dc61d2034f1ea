"""grover_probe: what has a DNA language model learned, and how sure can we be?

The package is used through its modules (``python -m grover_probe.selfsim``) and through the functions of the
same names. Importing it is cheap: torch, numba and the rest are loaded by the functions that need them.
"""

__version__ = "0.1.0"
