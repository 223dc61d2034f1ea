"""A small profile, run for real: paths with spaces, going on after kill -9, figures and report."""

import json
import os
import re
import signal
import time

import pytest
import yaml

from tests.workflow.conftest import ROOT

RESULTS, FIGURES = "my runs/small", "my figures/small"
FIGURE = "layers"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with a profile: 120 kb of the slice, no controls."""
    folder = tmp_path_factory.mktemp("work flow")
    profile = yaml.safe_load((ROOT / "analyses" / "config" / "sample.yaml").read_text(encoding="utf-8"))
    (folder / "region.bed").write_text("chr20_31000000_35200000\t2000000\t2120000\n", encoding="ascii")
    profile |= {"results": RESULTS, "figures": FIGURES, "draw": [FIGURE], "controls": []}
    profile["genome"]["regions"] = "region.bed"
    profile["pass"]["options"] |= {"parts": 8, "save_every": 0, "window_layers": "last"}
    (folder / "small.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def killed(folder, start):
    """What a pass had saved when everything was killed in its middle."""
    process = start(folder, "--configfile", "small.yaml", "--cores", "1", f"{RESULTS}/pass/extract.run.json")
    saved = folder / RESULTS / "pass" / "parts" / "part-01.npz"
    limit = time.monotonic() + 900
    while not saved.exists():
        assert process.poll() is None and time.monotonic() < limit, process.communicate()[0]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (folder / RESULTS / "pass" / "extract.run.json").exists()
    return sorted(path.name for path in saved.parent.glob("part-*.npz"))


@pytest.fixture(scope="module")
def finished(killed, folder, snakemake):
    """What the next run printed, after the lock that the killed one left was taken away."""
    snakemake(folder, "--configfile", "small.yaml", "--unlock")
    return snakemake(folder, "--configfile", "small.yaml", "--cores", "2", "all", f"{RESULTS}/selfsim/selfsim.run.json")


def test_goes_on_after_kill(killed, finished, folder):
    assert len(killed) < 8
    log = (folder / RESULTS / "logs" / "pass.log").read_text(encoding="utf-8")
    total, left = (
        int(text.replace(",", "")) for text in re.search(r"on ([\d,]+) tokens, ([\d,]+) of them left", log).groups()
    )
    assert left < total * (8 - len(killed) + 1) / 8
    record = json.loads((folder / RESULTS / "pass" / "extract.run.json").read_text(encoding="utf-8"))
    assert record["n_tokens"] == total


def test_makes_what_was_asked_for(finished, folder):
    assert (folder / RESULTS / "selfsim" / "selfsim.parquet").is_file()
    for ending in ("png", "svg", "pdf", "rst", "run.json"):
        assert (folder / FIGURES / f"{FIGURE}.{ending}").is_file()


def test_nothing_is_made_twice(finished, folder, snakemake):
    assert "Nothing to be done" in snakemake(folder, "--configfile", "small.yaml", "-n")


def test_report_is_one_file_with_captions(finished, folder, snakemake):
    snakemake(folder, "--configfile", "small.yaml", "--report", "report.html", "all")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?(http|//)", page)
    caption = (folder / FIGURES / f"{FIGURE}.rst").read_text(encoding="utf-8").split()
    assert " ".join(caption[:4]) in page
    assert re.search(r"data:image/png;[^,\"]*base64,", page)
