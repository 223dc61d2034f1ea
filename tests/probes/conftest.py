"""A synthetic genome with planted structure and passes over it, as folders, with what a 'model' knows made by hand.

Windows of 67 3-mers each hold two motifs, in one order or the other. The order decides `order`: both kinds of windows
have the same composition, so only what sees context can tell. `rich` is GC above the median, plus noise: composition
alone. `nothing` is a coin. The model knows order in layer 1 (mean) and composition in every layer.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.genome import decode_bases, encode_bases
from grover_probe.kmer import KmerTokenizer

MOTIFS = ("ACGTTGCAACCT", "TTGGAATCAGCA")
WINDOW, PER_BLOCK, N_WINDOWS = 201, 12, 480
WIDTH, LAYERS, POOLINGS = 8, (0, 1, 2), ("cls", "mean")
CHROM = "chrS"


@dataclass(frozen=True)
class Planted:
    """Files of the synthetic genome, and passes over it."""

    folder: Path
    table: pd.DataFrame

    @property
    def options(self) -> list[str]:
        """Options of the command that every run shares."""
        return [
            "--extracted", str(self.folder / "pass"), "--random", str(self.folder / "random"),
            "--genome", str(self.folder / "genome.fa"), "--tokenizer", "3-mer", "--folds", "4",
            "--block-size", str(WINDOW * PER_BLOCK), "--resamples", "100", "--no-progress",
        ]  # fmt: skip

    def annotations(self, *names: str) -> list[str]:
        """Options that make targets."""
        return [part for name in names for part in ("--annotation", f"{name}={self.folder / name}.bed@majority")]


@pytest.fixture(scope="session")
def planted(tmp_path_factory) -> Planted:
    rng = np.random.default_rng(21)
    folder = tmp_path_factory.mktemp("planted")
    gc = np.repeat(rng.uniform(0.3, 0.6, N_WINDOWS // PER_BLOCK), PER_BLOCK) + rng.normal(0, 0.05, N_WINDOWS)
    order = rng.random(N_WINDOWS) < 0.5
    texts = [_window(rng, share, turned) for share, turned in zip(gc, order, strict=True)]
    (folder / "genome.fa").write_text(f">{CHROM}\n" + "\n".join(texts) + "\n", encoding="ascii")
    real_gc = np.array([(text.count("G") + text.count("C")) / WINDOW for text in texts])
    table = pd.DataFrame(
        {
            "window": range(N_WINDOWS),
            "chrom": CHROM,
            "start": np.arange(N_WINDOWS) * WINDOW,
            "end": (np.arange(N_WINDOWS) + 1) * WINDOW,
            "strand": "+",
            "first_token": np.arange(N_WINDOWS) * (WINDOW // 3),
            "n_tokens": WINDOW // 3,
        }
    )
    labels = {
        "order": order,
        "rich": real_gc + rng.normal(0, 0.02, N_WINDOWS) > np.median(real_gc),
        "nothing": rng.random(N_WINDOWS) < 0.5,
    }
    for name, inside in labels.items():
        rows = [f"{CHROM}\t{i * WINDOW}\t{(i + 1) * WINDOW}\n" for i in np.flatnonzero(inside)]
        (folder / f"{name}.bed").write_text("".join(rows), encoding="ascii")
    composition = np.stack([[text.count(base) / WINDOW for base in "ACGT"] for text in texts])
    _write_pass(folder / "pass", table, texts, composition, order, rng)
    _write_pass(folder / "random", table, texts, composition, None, rng)
    return Planted(folder, table)


def _window(rng: np.random.Generator, gc: float, turned: bool) -> str:
    """Random bases around two motifs, at random places that are not in the frame of the tokens."""
    at, half = (1 - gc) / 2, gc / 2
    text = decode_bases(rng.choice(4, WINDOW, p=[at, half, half, at]).astype(np.uint8))
    one, other = sorted(rng.choice(np.arange(1, WINDOW - 14), 2, replace=False))
    if other - one < len(MOTIFS[0]):
        one, other = 20, 120
    for place, motif in zip((one, other), MOTIFS[::-1] if turned else MOTIFS, strict=True):
        text = text[:place] + motif + text[place + len(motif) :]
    return text


def _write_pass(
    folder: Path,
    table: pd.DataFrame,
    texts: list[str],
    composition: np.ndarray,
    order: np.ndarray | None,
    rng: np.random.Generator,
) -> None:
    """A pass whose window embeddings are composition and noise, and, where it is given, the order of the motifs."""
    tokenizer = KmerTokenizer(3)
    shape = (len(table), len(LAYERS), len(POOLINGS), WIDTH)
    states = 0.3 * rng.normal(size=shape)
    states += (composition @ rng.normal(0, 3, (4, WIDTH)))[:, None, None, :]
    if order is not None:
        states[:, 1, 1, 5] += 1.5 * order
    pieces = [""] * 5 + list(tokenizer.pieces)
    counts = np.bincount(tokenizer.encode(encode_bases("".join(texts))).ids, minlength=len(pieces))
    gc = np.array([text.count("G") + text.count("C") for text in pieces])
    means = rng.normal(size=(len(LAYERS), len(pieces), WIDTH))
    if order is not None:
        means[1, :, 2] = gc + 0.1 * rng.normal(size=len(pieces))
    means[:, counts == 0] = np.nan
    folder.mkdir()
    np.save(folder / "window_embeddings.npy", states.astype(np.float32))
    np.savez(folder / "moments.npz", count=counts, mean=means, variance=np.ones_like(means))
    table.to_parquet(folder / "windows.parquet", index=False)
    with (folder / "vocabulary.tsv").open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, delimiter="\t", lineterminator="\n")
        rows.writerow(["token_id", "token"])
        rows.writerows(enumerate(pieces))
    record = {
        "format_version": 1, "layers": LAYERS, "window_layers": LAYERS, "poolings": POOLINGS, "width": WIDTH,
        "n_ids": len(pieces), "reducers": ["moments", "windows"], "model": folder.name,
    }  # fmt: skip
    (folder / "extract.run.json").write_text(json.dumps(record), encoding="utf-8")


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def probes_command():
    """A function that runs the command in this process."""
    import contextlib
    import io

    from grover_probe.command import run
    from grover_probe.probes.command import app

    def call(*arguments: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr("sys.argv", ["probes", *arguments])
            try:
                run(app, prog="probes")
                code = 0
            except SystemExit as leave:
                code = int(leave.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    return call
