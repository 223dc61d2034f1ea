"""Masked-token prediction on held-out sequence; on the command line ``python -m grover_probe.evaluate``."""
