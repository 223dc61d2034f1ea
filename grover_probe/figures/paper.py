"""Numbers that the GROVER paper states, to stand beside ours.

Sanabria, Hirsch, Joubert, Poetsch, Nature Machine Intelligence 6:911-923 (2024), doi 10.1038/s42256-024-00872-0. The
paper's are of hg19 and of models of another size: numbers to stand beside, not to equal.
"""

MEAN_TOKEN_LENGTH = 4.07  # bases, weighted by occurrence
TOKENS_IN_USE = 601
FIRST_BASE_AT = 0.97  # share of the tokens in use that begin with A or T
MEDIAN_COUNT = 400_000  # of a token in hg19, "about"
HG19_BASES = 2_861_327_131  # A, C, G and T of chromosomes 1 to 22, X, Y of hg19; not of the paper

#: Shape of the published model (its config.json); parameters with the pooler.
SHAPE = {
    "layers": 12,
    "heads": 12,
    "width": 768,
    "feed-forward": 3_072,
    "positions": 512,
    "vocabulary": 609,
    "parameters": 87_101_793,
}

#: Accuracy of next-6-mer prediction; those in AT_MOST are upper bounds.
NEXT_6MER = {
    "GROVER": 0.02,
    "TF-IDF": 0.011,
    "DNABERT-2": 0.006,
    "NT": 0.004,
    "4-mer": 0.004,
    "5-mer": 0.004,
    "6-mer": 0.004,
}
NEXT_6MER_AT_MOST = frozenset({"NT", "4-mer", "5-mer", "6-mer"})

#: Share of masked tokens among the first n predictions, by n.
TOP_N = {1: 0.21, 60: 0.75}

#: Perplexity, per cent of the vocabulary, and mean length of a token in bases.
PERPLEXITY = {
    "GROVER": (72.0, 12.0, MEAN_TOKEN_LENGTH),
    "4-mer": (65.0, 25.0, 4.0),
    "5-mer": (216.0, 21.0, 5.0),
    "6-mer": (1_472.0, 36.0, 6.0),
}
