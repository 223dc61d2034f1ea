"""Make the tables of this folder: what one pass over hg19 chr20 says of the layers of the shipped checkpoint.

    python analyses/chr20_annotation.py --derived DIR --out runs/chr20/annotation
    python -m grover_probe.extract --genome CHR20 --window-layers 0-4 --poolings cls,mean,max --out runs/chr20/pass \
        --reducers moments,directions,dimensions,standardised,explainable,cka,lens,windows
    python analyses/tables/pass/make.py --extracted runs/chr20/pass --annotation runs/chr20/annotation/repeats.bed \
        --genome CHR20

``layers.tsv`` has one row per layer:

self_similarity, anisotropy, adjusted, rho_repeat, rho_repeat_partial
    As `grover_probe.selfsim` prints them (means over tokens; Spearman with the share of occurrences in repeats).
top_dimension, top_3_dimensions
    Share of the mean cosine of two tokens that the one dimension, or the three, with most of it have ("rogue
    dimensions"; 1/256 each if all were equal).
standardised
    Mean self-similarity of standardised states.
explainable
    Mean over tokens of the share of the first singular direction in a sample of its occurrences (Ethayarajh 2019).
lens_top1
    Share of tokens (not masked) that the model's head recognises from the layer.

``cka.tsv`` has linear CKA between layers.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from grover_probe.extract.results import PassResult, open_pass
from grover_probe.selfsim.similarity import mean_pair_cosine

HERE = Path(__file__).parent


def layer_table(found: PassResult, selfsim: pd.DataFrame) -> pd.DataFrame:
    """One row per layer."""
    dimensions = found.arrays("dimensions")
    shares = np.sort(dimensions["share"], axis=1)[:, ::-1]
    standardised = found.arrays("standardised")
    similar = np.stack([mean_pair_cosine(unit, standardised["count"]) for unit in standardised["unit"]])
    return selfsim.assign(
        top_dimension=shares[:, 0],
        top_3_dimensions=shares[:, :3].sum(1),
        standardised=np.nanmean(similar, axis=1),
        explainable=np.nanmean(found.arrays("explainable")["mev"], axis=1),
        lens_top1=found.arrays("lens")["top1_all"],
    )


def main(
    extracted: Annotated[Path, typer.Option(help="Folder of the pass.")],
    annotation: Annotated[Path, typer.Option(help="BED of repeats.")],
    genome: Annotated[Path, typer.Option(help="Sequence of the pass.")],
    out: Annotated[Path, typer.Option(help="Where the tables go.")] = HERE,
) -> None:
    """Make layers.tsv, cka.tsv and the figure of self-similarity."""
    import json
    import shutil

    with tempfile.TemporaryDirectory() as name:
        subprocess.run(
            [sys.executable, "-m", "grover_probe.selfsim", "--extracted", str(extracted), "--annotation",
             str(annotation), "--genome", str(genome), "--out", name],
            check=True,
        )  # fmt: skip
        record = json.loads((Path(name) / "selfsim.run.json").read_text(encoding="utf-8"))
        shutil.copyfile(Path(name) / "selfsim.png", out / "selfsim.png")
    found = open_pass(extracted)
    layer_table(found, pd.DataFrame(record["layers"])).to_csv(
        out / "layers.tsv", sep="\t", index=False, float_format="%.4g"
    )
    cka = pd.DataFrame(found.arrays("cka")["cka"], index=found.layers, columns=found.layers)
    cka.to_csv(out / "cka.tsv", sep="\t", index_label="layer", float_format="%.4f")


if __name__ == "__main__":
    typer.run(main)
