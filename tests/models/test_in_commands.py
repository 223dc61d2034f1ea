"""Models that are no GROVER through the command lines: their own tokenizers, their code, their revision."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from grover_probe.errors import GroverProbeError
from grover_probe.evaluate.command import app as evaluate
from grover_probe.extract.command import app as extract
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.kmers import save_kmer_tokenizer
from grover_probe.pretrain.model import build_model
from grover_probe.pretrain.recipe import Architecture
from grover_probe.selfsim.command import app as selfsim

from . import families

COMMANDS = {"selfsim": selfsim, "extract": extract, "evaluate": evaluate}


@pytest.fixture(scope="module")
def kmer_model(tmp_path_factory) -> Path:
    """As `grover_probe.pretrain --tokenizer 3-mer` leaves it."""
    folder = tmp_path_factory.mktemp("kmers") / "3-mers"
    tokenizer = KmerTokenizer(3)
    shape = Architecture(layers=2, hidden=16, heads=2, intermediate=32, max_positions=40)
    build_model(shape, tokenizer.n_ids, 0).save_pretrained(folder)
    save_kmer_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture
def run(tiny_fasta, tmp_path):
    """A function that runs a command on 5 kb of the tiny genome."""
    regions = tmp_path / "regions.bed"
    regions.write_text("chr1\t0\t5000\n")

    def call(command: str, *options: object, regions: Path = regions):
        given = ["--genome", tiny_fasta, "--regions", regions, "--out", tmp_path / command, "--no-progress"]
        return CliRunner().invoke(COMMANDS[command], [*map(str, given), *map(str, options)])

    return call


def test_similarity_of_kmers(run, kmer_model, tiny_genome, tmp_path):
    done = run("selfsim", "--model", kmer_model)
    assert done.exit_code == 0, done.output
    table = pd.read_parquet(tmp_path / "selfsim" / "selfsim.parquet")
    tokenizer = KmerTokenizer(3)
    encoded = tokenizer.encode(tiny_genome.codes("chr1"))
    inside = encoded.starts + tokenizer.lengths[encoded.ids] <= 5_000
    ids, counts = np.unique(encoded.ids[inside], return_counts=True)
    expected = {tokenizer.pieces[number - 5]: count for number, count in zip(ids, counts, strict=True)}
    assert table[table["layer"] == 0].set_index("token")["count"].to_dict() == expected
    # By its name in place of the file that lies beside the weights: the same numbers.
    again = run("selfsim", "--model", kmer_model, "--tokenizer", "3-mer", "--out", tmp_path / "again")
    assert again.stdout == done.stdout
    record = json.loads((tmp_path / "again" / "selfsim.run.json").read_text())
    assert record["inputs"]["tokenizer"] == {"name": "3-mer", "hash": tokenizer.hash}
    assert "unchanged" in run("selfsim", "--model", kmer_model).stderr


def test_a_pass_gives_the_same_similarity(run, kmer_model, tmp_path):
    assert run("extract", "--model", kmer_model, "--reducers", "directions").exit_code == 0
    direct = run("selfsim", "--model", kmer_model)
    read = run("selfsim", "--extracted", tmp_path / "extract", "--out", tmp_path / "read")
    assert read.exit_code == 0, read.output
    assert read.stdout == direct.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_without_tokenizer_json(run, tmp_path, command):
    folder = families.nucleotide_transformer(tmp_path / "nt")
    done = run(command, "--model", folder)
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / command / f"{command}.run.json").read_text())
    assert len(record["inputs"]["tokenizer"]["hash"]) == 64


@pytest.mark.parametrize("command", ["selfsim", "extract"])
def test_code_of_an_author_runs_only_when_trusted(run, tmp_path, modules_cache, command):
    folder = families.hyenadna(tmp_path / "hyena")
    refused = run(command, "--model", folder)
    assert isinstance(refused.exception, GroverProbeError)
    assert "trust" in str(refused.exception)
    assert not (tmp_path / command).exists()
    done = run(command, "--model", folder, "--trust-remote-code")
    assert done.exit_code == 0, done.output


def test_a_causal_model_is_not_asked_for_masked_tokens(run, tmp_path, modules_cache):
    folder = families.hyenadna(tmp_path / "hyena")
    done = run("evaluate", "--model", folder, "--trust-remote-code")
    assert "the model has no mask token; masked-token prediction needs a masked language model" in str(done.exception)
    assert not (tmp_path / "evaluate").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_has_no_revisions(run, kmer_model, tmp_path, command):
    done = run(command, "--model", kmer_model, "--revision", "main")
    assert isinstance(done.exception, GroverProbeError)
    assert "is a folder, which has no revisions; leave out revision main" in str(done.exception)
    assert not (tmp_path / command).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_revision_goes_to_model_and_tokenizer(run, monkeypatch, tmp_path, command):
    """Of a hub id both are of the revision that was asked for."""
    asked = []

    def no_hub(model, name, revision=None):
        asked.append((model, revision))
        raise OSError

    monkeypatch.setattr("huggingface_hub.hf_hub_download", no_hub)
    done = run(command, "--model", "someone/something", "--revision", "v1")
    assert isinstance(done.exception, GroverProbeError)
    assert set(asked) == {("someone/something", "v1")}


@pytest.mark.parametrize("name", ["model", "revision", "tokenizer", "trust_remote_code", "dtype", "device"])
def test_help_says_the_same_everywhere(name):
    found = [option for app in COMMANDS.values() for option in get_command(app).params if option.name == name]
    assert len(found) == len(COMMANDS)
    assert len({(option.help, *option.opts) for option in found}) == 1
    assert len({option.default for option in found}) == 1
