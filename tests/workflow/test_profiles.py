"""The three profiles, run dry: their rules, their commands, what they ask for."""

import re
import shlex
from functools import cache

import pytest
from scaling import RULES

from tests.workflow.conftest import ROOT

EVERYWHERE = {
    "vocabulary", "diagnose", "extract", "extract_control", "selfsim", "maps_tokens", "maps_windows", "overlap",
    "probes", "region", "nextkmer_cell", "nextkmer_sweep", "evaluate", "evaluate_sweep", "task", "compare", "figure",
    "untrained",
}  # fmt: skip
OWN = {
    "sample": set(),
    "chr20": {"fetch", "annotation", "positions", "extract_positions"},
    "hg19": {"fetch", "annotation", "positions", "extract_positions", "genome", "tokenizer", "pretrain"},
}


@pytest.fixture(scope="module")
def dry(snakemake, tmp_path_factory):
    """What the dry run of a profile prints, by its name."""

    @cache
    def run(name: str) -> str:
        config = ROOT / "analyses" / "config" / f"{name}.yaml"
        return snakemake(tmp_path_factory.mktemp(name), "--configfile", config, "-n", "-p")

    return run


def jobs(printed: str) -> list[dict[str, str]]:
    """Rule, resources, threads and command of each job."""
    found = []
    for block in re.split(r"\n(?=(?:local)?rule )", printed)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)
        resources = re.search(r"resources: (.*)", block)
        command = re.search(r"Shell command: (.*?)(?=\n\n|\nJob stats|\Z)", block, re.DOTALL)
        found.append({
            "rule": rule[1] if rule else "", "resources": resources[1] if resources else "",
            "command": command[1] if command else "",
        })  # fmt: skip
    return [job for job in found if job["rule"] != "all"]


@pytest.mark.parametrize("name", OWN)
def test_rules_of_each_profile(name, dry):
    assert {job["rule"] for job in jobs(dry(name))} == EVERYWHERE | OWN[name]


@pytest.mark.parametrize("name", OWN)
def test_every_rule_declares_what_it_needs(name, dry):
    for job in jobs(dry(name)):
        declared = dict(re.findall(r"\b(mem_mb|runtime|disk_mb|gpu)=(\d+)", job["resources"]))
        assert set(declared) == {"mem_mb", "runtime", "disk_mb", "gpu"}, (job["rule"], job["resources"])
        if job["rule"] in ("pretrain", "extract", "extract_control"):
            assert declared["gpu"] == ("4" if name == "hg19" else "0")
            assert ("torchrun --standalone --nproc-per-node 4" in job["command"]) == (name == "hg19")
    assert {job["rule"] for job in jobs(dry(name))} <= set(RULES)


@pytest.mark.parametrize("name", OWN)
def test_every_rule_runs_a_command_of_this_project(name, dry):
    for job in jobs(dry(name)):
        assert re.search(r"-m grover_probe\.\w+|analyses/\w+\.py", job["command"]), job


def test_commands_of_chr20(dry):
    commands = {" ".join(shlex.split(job["command"])).partition(" &>")[0] for job in jobs(dry("chr20"))}
    (model_pass,) = [text for text in commands if text.endswith("--out runs/chr20/pass")]
    for words in (
        "-m grover_probe.extract", "--window-layers 0-4", "--poolings cls,mean,max", "--dtype bf16", "--parts 16",
        "--reducers moments,directions,dimensions,standardised,explainable,cka,lens,windows",
        "resources/hg19.chr20/20.fa.gz",
    ):  # fmt: skip
        assert words in model_pass
    assert "--regions" not in model_pass
    (probes,) = [text for text in commands if text.endswith("--out runs/chr20/probes")]
    for words in (
        "repeats=runs/chr20/annotation/repeats.bed:4", "--signal timing=runs/chr20/annotation/timing.wig",
        "--strand gene_strand=runs/chr20/annotation/genes.bed", "--random runs/chr20/pass-random",
    ):  # fmt: skip
        assert words in probes


def test_slurm_profile(snakemake, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    config = ROOT / "analyses" / "config" / "hg19.yaml"
    profile = ROOT / "analyses" / "profiles" / "slurm"
    printed = snakemake(tmp_path, "--configfile", config, "--workflow-profile", profile, "-n", "pretrain")
    assert "pretrain" in printed
