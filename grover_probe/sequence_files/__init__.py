"""Sequence files: strict readers of FASTA, its index and 2bit, and a writer of 2bit. They know letters, not genomes."""
