"""Masked-token pretraining on a tokenised genome; on the command line ``python -m grover_probe.pretrain``."""
