"""What rules read from a profile, and what they ask for."""

import json
from pathlib import Path

import pytest
import yaml
from scaling import MARGIN, RULES, START, Size, needs
from sweep_model import model_folder
from workflow_settings import Settings, repeated, words

from grover_probe.errors import InputError
from tests.workflow.conftest import ROOT

HG19 = Size(3.1e9, 3.1e9, 87e6, gpus=4, width=768, layers=13, window_layers=3, train_tokens=2e9)
CHR20 = Size(5.95e7, 5.95e7, 3.5e6, train_tokens=1e6)


def profile(name: str, **changes) -> Settings:
    content = yaml.safe_load((ROOT / "analyses" / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    return Settings({**content, **changes}, ROOT)


def test_words():
    assert words({"n_masked": 5, "html": True, "genome": ["a b", "c"], "seed": None, "matched": False, "span": 0}) == [
        "--n-masked", "5", "--html", "--genome", "a b", "--genome", "c", "--span", "0",
    ]  # fmt: skip
    assert words(None) == []
    assert repeated("--token", ["A", "C"]) == ["--token", "A", "--token", "C"]


def test_files_of_the_repository_are_found_from_elsewhere(tmp_path, monkeypatch):
    settings = profile("sample")
    monkeypatch.chdir(ROOT)
    assert settings.genome == "grover_probe/data/sample/chr20_slice.2bit"
    monkeypatch.chdir(tmp_path)
    assert settings.genome == str(ROOT / "grover_probe/data/sample/chr20_slice.2bit")
    assert settings.source("no such file") == "no such file"
    assert settings.annotation("repeats") == str(ROOT / "grover_probe/data/sample/repeats.bed.gz") + ":7"
    assert settings.annotation_files("repeats", "repeats", "tss")[1:] == [settings.annotation_file("tss")]


def test_files_of_the_cache_are_not_watched(monkeypatch, tmp_path):
    monkeypatch.setenv("GROVER_PROBE_CACHE", str(tmp_path))
    settings = profile("chr20")
    assert settings.genome == str(tmp_path / "resources/hg19.chr20/20.fa.gz")
    assert settings.tracked(settings.genome, "runs/a.bed", "runs/a.bed", "") == ["runs/a.bed"]
    assert settings.fetched == ["runs/chr20/inputs.tsv"]
    assert profile("sample").fetched == []


def test_annotation_options():
    settings = profile("chr20")
    assert settings.labelled({"repeats": "majority", "exons": None}) == [
        "repeats=runs/chr20/annotation/repeats.bed:4:majority",
        "exons=runs/chr20/annotation/exons.bed",
    ]
    given = settings.probe_words("probes")
    assert given[:2] == ["--annotation", "repeats=runs/chr20/annotation/repeats.bed:4"]
    assert given[-2:] == ["--strand", "gene_strand=runs/chr20/annotation/genes.bed"]
    assert {"genes", "tss", "timing", "chromatin"} <= set(settings.probed("probes"))
    assert settings.probed_passes("probes-positions")["random"] == "runs/chr20/pass-positions-random"
    with pytest.raises(InputError, match="annotation 'no' is not in the profile, which has repeats, genes"):
        settings.annotation("no")


def test_published_artefact_by_a_switch():
    ours = profile("hg19")
    assert (ours.model, ours.tokenizer) == ("runs/hg19/pretrain/checkpoint", "runs/hg19/tokenizer")
    assert ours.model_files == ["runs/hg19/pretrain/checkpoint/config.json"]
    assert ours.task_words("prom300-tokens")[-4:] == ["--tokenizer", ours.tokenizer, "--negatives", "tokens"]
    assert "runs/hg19/tokenizer/tokenizer.json" in ours.task_files("prom300-tokens")
    published = {"source": "PoetschLab/GROVER", "tokenizer": "PoetschLab/GROVER"}
    theirs = profile("hg19", model=published, controls=["random"])
    assert theirs.model == "PoetschLab/GROVER"
    assert theirs.model_files == theirs.tokenizer_files == []
    assert theirs.passes == ["pass", "pass-random"]


def test_sweep():
    settings = profile("sample")
    assert settings.systems["bpe-600"] == "bpe-600"
    assert settings.systems["grover-small"].startswith("grover-small=")
    assert [name for name, here in settings.is_trained_here.items() if here] == [
        "bpe-100", "bpe-300", "bpe-600", "bpe-1000", "4-mer", "5-mer", "6-mer",
    ]  # fmt: skip


def test_model_of_a_sweep_is_found_by_its_record(tmp_path):
    with pytest.raises(InputError, match=r"not there; python -m grover_probe.nextkmer sweep writes it"):
        model_folder(tmp_path, "bpe-600")
    record = {"models": {"bpe-600-seed0": "bpe-600-seed0-0123", "4-mer-seed1": "4-mer-seed1-4567"}}
    (tmp_path / "nextkmer.run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="bpe-600-seed0-0123/checkpoint: not there; run the sweep again"):
        model_folder(tmp_path, "bpe-600")
    checkpoint = tmp_path / "models" / "bpe-600-seed0-0123" / "checkpoint"
    checkpoint.mkdir(parents=True)
    (tmp_path / "models" / "bpe-600-seed0-old" / "checkpoint").mkdir(parents=True)
    assert model_folder(tmp_path, "bpe-600") == checkpoint
    with pytest.raises(InputError, match="no model 4-mer-seed0; it has bpe-600-seed0, 4-mer-seed1"):
        model_folder(tmp_path, "4-mer")


def test_missing_section():
    with pytest.raises(InputError, match="the profile has no 'figures'"):
        Settings({"results": "a"}, Path())


def test_needs_cover_what_was_measured():
    training = RULES["tokenizer"](HG19)
    assert training.minutes * 60 >= 75
    assert training.gb >= 11.3
    one_pass = RULES["extract"](CHR20)
    assert one_pass.minutes == pytest.approx(41, rel=0.05)  # analyses/tables/pass
    assert one_pass.resources()["runtime"] == pytest.approx(START + MARGIN * one_pass.minutes, abs=1)


@pytest.mark.parametrize("rule", RULES)
def test_larger_genomes_need_more(rule):
    small, large = RULES[rule](CHR20), RULES[rule](HG19)
    assert large.gb >= small.gb
    assert large.disk_gb >= small.disk_gb
    assert min(small.minutes, small.gb, small.disk_gb, small.threads) > 0
    assert small.gpu == 0


def test_limits_override(tmp_path):
    config = {"size": {"bases": 1e6, "pass_bases": 1e6, "parameters": 1e6}, "limits": {"probes": {"minutes": 10.0}}}
    assert needs(config)["probes"].minutes == 10
    with pytest.raises(ValueError, match="there is no rule 'prob'"):
        needs({**config, "limits": {"prob": {}}})
