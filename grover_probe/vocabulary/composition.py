"""What the sequence of a token says without a genome: length and composition."""

from collections.abc import Sequence

import pandas as pd

from grover_probe.bpe.merges import FIRST_PIECE_ID


def token_table(pieces: Sequence[str]) -> pd.DataFrame:
    """Composition of the tokens of a vocabulary.

    Parameters
    ----------
    pieces
        Token sequences in id order, special tokens left out.

    Returns
    -------
    pandas.DataFrame
        ``token_id``, ``token``, ``length`` (bases), and as shares of the bases ``gc`` (G or C), ``ag`` (A or G: purine,
        differs between the strands) and ``ac`` (A or C); ``cpg``, the number of CG dinucleotides inside the token.
    """
    table = pd.DataFrame({"token_id": range(FIRST_PIECE_ID, FIRST_PIECE_ID + len(pieces)), "token": list(pieces)})
    table["length"] = table["token"].str.len()
    for name in ("gc", "ag", "ac"):
        table[name] = table["token"].str.count(f"[{name.upper()}]") / table["length"]
    table["cpg"] = table["token"].str.count("CG")
    return table
