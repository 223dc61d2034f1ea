"""Tokens and windows against annotation; on the command line ``python -m grover_probe.overlap``."""
