"""A pass of the tiny model over the tiny genome, annotation on it, and both maps made from it on the command line."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grover_probe.command import run
from grover_probe.extract.job import Job
from grover_probe.extract.whole import extract

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def tiny_pass(tiny_model_folder, tiny_fasta, tmp_path_factory) -> Path:
    """All three layers of every token, [CLS] and mean of every window."""
    out = tmp_path_factory.mktemp("passes") / "tiny pass"
    job = Job(
        model=str(tiny_model_folder),
        genome=tiny_fasta,
        tokenizer=tiny_model_folder,
        reducers=("moments", "windows"),
        poolings=("cls", "mean"),
    )
    extract(job, out, device="cpu", progress=False)
    return out


@pytest.fixture(scope="session")
def beds(tmp_path_factory) -> Path:
    """Files of named stretches, of single bases, of a signal, and of a place without sequence."""
    folder = tmp_path_factory.mktemp("annotation")
    rng = np.random.default_rng(4)
    edges = [*range(0, 12_000, 300)]
    thirds = [
        f"chr1\t{start}\t{start + 250}\t{'ABC'[number % 3]}\t0\t{'+-'[number % 2]}"
        for number, start in enumerate(edges)
    ]
    (folder / "thirds.bed").write_text("\n".join(thirds) + "\n")
    few = [f"chr1\t{start}\t{start + 1}" for start in range(0, 12_000, 600)]
    (folder / "few.bed").write_text("\n".join(few) + "\n")
    signal = [
        f"{chrom}\t{start}\t{start + 500}\t{rng.normal():.3f}"
        for chrom in ("chr1", "chr2")
        for start in range(0, 4_500, 500)
    ]
    (folder / "signal.bedgraph").write_text("\n".join(signal) + "\n")
    (folder / "elsewhere.bed").write_text("chr1\t4010\t4020\n")  # inside a run of N
    return folder


def call(arguments: list[object]) -> int:
    """Run ``python -m grover_probe.maps`` in this process: its exit code."""
    from grover_probe.maps.command import app

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
        patch.setattr(sys, "argv", ["maps", *map(str, arguments)])
        run(app, "maps")
    return int(leaving.value.code or 0)


@pytest.fixture
def cli(capfd) -> Callable[..., tuple[int, str, str]]:
    """A function that runs the command: exit code, stdout, stderr."""

    def run_it(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = call([*arguments])
        return code, *capfd.readouterr()

    return run_it


@pytest.fixture(scope="session")
def token_maps(tiny_pass, tiny_model_folder, tiny_fasta, tmp_path_factory) -> Path:
    """Everything that the command for tokens can write."""
    out = tmp_path_factory.mktemp("token maps") / "o"
    code = call(
        ["tokens", "--extracted", tiny_pass, "--layers", "embedding,last", "--model", tiny_model_folder, "--genome",
         tiny_fasta, "--initial", tiny_model_folder, "--word2vec", "--word2vec-epochs", 1, "--compare",
         f"again={tiny_pass}", "--h5ad", "--html", "--device", "cpu", "--no-progress", "--out", out]
    )  # fmt: skip
    assert code == 0
    return out


@pytest.fixture(scope="session")
def window_maps(tiny_pass, tiny_fasta, beds, tmp_path_factory) -> Path:
    """Everything that the command for windows can write."""
    out = tmp_path_factory.mktemp("window maps") / "o"
    code = call(
        ["windows", "--extracted", tiny_pass, "--genome", tiny_fasta,
         "--annotation", f"thirds={beds}/thirds.bed:4:centre", "--annotation", f"few={beds}/few.bed",
         "--annotation", f"signal={beds}/signal.bedgraph:mean", "--block-size", 2_000, "--h5ad", "--html",
         "--no-progress", "--out", out]
    )  # fmt: skip
    assert code == 0
    return out


@pytest.fixture(scope="session")
def browser():
    """A headless browser; tests that need one are skipped where it, or the package that drives it, is not installed."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium or Chrome is installed (apt-get install chromium)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (pip install playwright)"
    )
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()
