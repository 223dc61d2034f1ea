"""Predictions of a fine-tuned model on new sequences; ``python -m grover_probe.predict``."""
