"""Single bases of a genome at random, in stretches, so that a pass need not read the rest: for probes of positions.

    python analyses/draw_positions.py --genome CHR20 --out runs/chr20/positions
    python -m grover_probe.extract --genome CHR20 --regions runs/chr20/positions/stretches.bed \
        --bed runs/chr20/positions/positions.bed --reducers moments --window-layers 0-4 --out runs/chr20/pass-positions

Writes ``stretches.bed`` and ``positions.bed``. A stretch begins at a random multiple of its length and holds no N;
positions keep a distance from its ends, where the model lacks context.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from grover_probe.command import new_app, run
from grover_probe.errors import InputError
from grover_probe.files import atomic_path
from grover_probe.genome import N_CODE, open_genome

MARGIN = 2_000  # bases

app = new_app("Draw single bases of a genome.")


@app.command()
def main(
    genome: Annotated[Path, typer.Option(help="FASTA or 2bit.")],
    out: Annotated[Path, typer.Option(help="Folder of the two BED files.")],
    stretches: Annotated[int, typer.Option(min=1, help="How many stretches.")] = 80,
    length: Annotated[int, typer.Option(min=3 * MARGIN, help="Bases of a stretch.")] = 25_000,
    positions: Annotated[int, typer.Option(min=1, help="How many bases, in all.")] = 8_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides which.")] = 0,
) -> None:
    """Draw stretches and positions."""
    source, rng = open_genome(genome), np.random.default_rng(seed)
    whole = []
    for name in source.names:
        known = source.codes(name) < N_CODE
        n = len(known) // length
        full = known[: n * length].reshape(n, length).all(axis=1)
        whole += [(name, int(at) * length) for at in np.flatnonzero(full)]
    if len(whole) < stretches:
        raise InputError(
            f"{genome}: {len(whole)} stretches of {length:,} bases without N; ask for fewer or shorter ones"
        )
    chosen = [whole[at] for at in np.sort(rng.choice(len(whole), stretches, replace=False))]
    room = length - 2 * MARGIN
    if positions > stretches * room:
        raise InputError(f"--positions {positions:,}: the stretches have room for {stretches * room:,}")
    places = np.sort(rng.choice(stretches * room, positions, replace=False))
    rows = [(chosen[at // room][0], chosen[at // room][1] + MARGIN + at % room) for at in places.tolist()]
    for name, lines in (
        ("stretches.bed", [f"{chrom}\t{start}\t{start + length}\n" for chrom, start in chosen]),
        ("positions.bed", [f"{chrom}\t{start}\t{start + 1}\n" for chrom, start in rows]),
    ):
        with atomic_path(out / name) as temporary:
            temporary.write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    run(app)
