"""Next-k-mer prediction: 50 bases in, which k bases follow? How the GROVER paper chose its vocabulary."""
