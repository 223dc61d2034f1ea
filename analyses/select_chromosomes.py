"""Write some sequences of a genome to a 2bit file: the chromosomes proper, without haplotypes and unplaced pieces.

    python analyses/select_chromosomes.py --genome hg19.2bit --chromosome chr1 --chromosome chr2 --out genome.2bit

Letters are those of the file in upper case; what is not A, C, G or T is N.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from grover_probe.command import note, run
from grover_probe.genome import Genome, decode_bases, open_genome
from grover_probe.sequence_files.twobit import write_2bit

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Letters(Mapping[str, np.ndarray]):
    """Sequences of a genome by name, read when they are asked for: ASCII codes, uint8."""

    def __init__(self, genome: Genome, names: list[str]) -> None:
        self.genome, self.names = genome, [genome.resolve(name) for name in names]

    def __getitem__(self, name: str) -> np.ndarray:
        return np.frombuffer(decode_bases(self.genome.codes(name)).encode(), dtype=np.uint8)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@app.command()
def main(
    genome: Annotated[Path, typer.Option(help="FASTA or 2bit.")],
    chromosome: Annotated[list[str], typer.Option(help="Sequence to write; repeat for more.")],
    out: Annotated[Path, typer.Option(help="The 2bit file.")],
) -> None:
    """Write some sequences of a genome to a 2bit file."""
    letters = Letters(open_genome(genome), chromosome)
    write_2bit(out, letters)
    note(f"{out}: {len(letters)} sequences, {sum(letters.genome.lengths[name] for name in letters):,} bases")


if __name__ == "__main__":
    run(app)
