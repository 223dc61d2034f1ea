"""Contextual self-similarity of tokens per layer; on the command line ``python -m grover_probe.selfsim``."""

from grover_probe.selfsim.extracted import from_pass
from grover_probe.selfsim.similarity import SelfSimilarity, mean_pair_cosine, self_similarity
from grover_probe.selfsim.summary import summarise

__all__ = ["SelfSimilarity", "from_pass", "mean_pair_cosine", "self_similarity", "summarise"]
