"""Physical properties of a short sequence from published tables of its dinucleotide steps.

Every value is the mean over the steps of the sequence, so a single base has none. The scales are symmetric: a step and
its reverse complement have one value.
"""

from collections.abc import Sequence

import numpy as np

_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_BODY_TEMPERATURE = 310.15  # kelvin

# Propeller twist in degrees in crystals: el Hassan and Calladine (1996), J. Mol. Biol. 259, 95-103; TA is a theoretical
# estimate of Gorin et al. (1995), J. Mol. Biol. 247, 34-48. The articles are not open: checked against copies of the
# table in three public programs, which agree on every step.
PROPELLER_TWIST = {
    "AA": -18.66, "AC": -13.10, "AG": -14.00, "AT": -15.01, "CA": -9.45,
    "CC": -8.11, "CG": -10.03, "GA": -13.48, "GC": -11.08, "TA": -11.85,
}  # fmt: skip

# Mean roll and twist in degrees in protein-DNA crystals: Olson et al. (1998), PNAS 95, 11163-11168, table 1, rows CG to
# GC. Checked step by step against the table in PubMed Central (PMC21613).
ROLL = {
    "AA": 0.7, "AC": 0.7, "AG": 4.5, "AT": 1.1, "CA": 4.7,
    "CC": 3.6, "CG": 5.4, "GA": 1.9, "GC": 0.3, "TA": 3.3,
}  # fmt: skip
TWIST = {
    "AA": 35.1, "AC": 31.5, "AG": 31.9, "AT": 29.3, "CA": 37.3,
    "CC": 32.9, "CG": 36.1, "GA": 36.3, "GC": 33.6, "TA": 37.8,
}  # fmt: skip


def melting_energy() -> dict[str, float]:
    """Free energy of each step at 37 degrees Celsius, 1 M NaCl, in kcal/mol, from Biopython's ``DNA_NN4``.

    The table is that of SantaLucia and Hicks (2004), Annu. Rev. Biophys. Biomol. Struct. 33, 415-440; the energy is
    dH - T dS. Initiation and symmetry are left out: they belong to a duplex, not to a step.
    """
    from Bio.SeqUtils.MeltingTemp import DNA_NN4

    steps = {}
    for pair, (enthalpy, entropy) in DNA_NN4.items():
        top, slash, _ = pair.partition("/")
        if slash and len(top) == 2 and set(top) <= set("ACGT"):
            steps[top] = enthalpy - _BODY_TEMPERATURE * entropy / 1000
    return steps


def both_strands(scale: dict[str, float]) -> dict[str, float]:
    """A scale with the reverse complement of each step added."""
    return {**{step.translate(_COMPLEMENT)[::-1]: value for step, value in scale.items()}, **scale}


def mean_over_steps(sequences: Sequence[str], scale: dict[str, float]) -> np.ndarray:
    """Mean of a scale over the steps of each sequence: float64, shape (n,), NaN for a single base."""
    full = both_strands(scale)
    return np.array(
        [
            np.mean([full[text[at : at + 2]] for at in range(len(text) - 1)]) if len(text) > 1 else np.nan
            for text in sequences
        ]
    )


def physical_properties(sequences: Sequence[str]) -> dict[str, np.ndarray]:
    """All properties by name: shape (n,) each."""
    scales = {
        "melting_energy": melting_energy(),
        "propeller_twist": PROPELLER_TWIST,
        "roll": ROLL,
        "twist": TWIST,
    }
    return {name: mean_over_steps(sequences, scale) for name, scale in scales.items()}
