"""Baselines that know nothing of a language model: composition of the sequence, static token vectors."""
