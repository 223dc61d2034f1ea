"""Maps of tokens and of windows, each with numbers beside the picture; ``python -m grover_probe.maps``."""
