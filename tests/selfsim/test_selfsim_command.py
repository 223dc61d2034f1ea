"""``python -m grover_probe.selfsim``: from files to a table, a figure and their record, and one line for bad input."""

import errno
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.annotation import read_intervals, share_per_token
from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.bpe.train import train
from grover_probe.command import run
from grover_probe.corpus import tokenize
from grover_probe.data.sample import SLICE_NAME
from grover_probe.errors import InputError
from grover_probe.files import sha256_of
from grover_probe.genome import Region
from grover_probe.selfsim import self_similarity
from grover_probe.selfsim.command import app, parse_layers

OUTPUTS = ["selfsim.parquet", "selfsim.png", "selfsim.run.json", "selfsim.svg", "selfsim.tsv"]
COLUMNS = [
    "token", "token_id", "layer", "count", "self_similarity", "self_similarity_adjusted", "anisotropy", "length", "gc",
    "frequency", "repeat_share",
]  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


@pytest.fixture
def cli(monkeypatch, capfd):
    """A function that runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["selfsim", *map(str, arguments), "--device", "cpu", "--no-progress"])
        with pytest.raises(SystemExit) as leaving:
            run(app, "selfsim")
        return leaving.value.code or 0, *capfd.readouterr()

    return call


@pytest.fixture(scope="session")
def repeats_bed(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("beds") / "some repeats.bed.gz"
    lines = [f"chr1\t{start}\t{start + 200}\tAlu\n" for start in range(300, 11_500, 1_500)]
    path.write_bytes(gzip.compress(("track name=repeats\n" + "".join(lines)).encode()))
    return path


@pytest.fixture
def given(tiny_model_folder, tiny_fasta) -> list[object]:
    """Arguments of a run that works."""
    return ["--model", tiny_model_folder, "--genome", tiny_fasta]


class TestOnTheSample:
    """The command as a newcomer runs it, on 20 kb of the embedded sequence."""

    def test_two_runs(self, sample_checkpoint, tmp_path, bedtools):
        regions = tmp_path / "my regions.bed"
        regions.write_text(f"{SLICE_NAME}\t2000000\t2020000\n")
        out = tmp_path / "my results"
        command = [sys.executable, "-m", "grover_probe.selfsim", "--regions", str(regions), "--out", str(out)]
        quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        first = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=quiet, timeout=300)
        assert first.returncode == 0, first.stderr
        assert names(out) == OUTPUTS
        table = pd.read_parquet(out / "selfsim.parquet")
        assert set(COLUMNS) <= set(table.columns)
        assert table["repeat_share"].between(0, 1).all()
        assert len(first.stdout.splitlines()) == 1 + table["layer"].nunique()
        before = stamps(out)
        second = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=quiet, timeout=300)
        assert (second.returncode, second.stdout) == (0, first.stdout)
        assert "unchanged since the last run" in second.stderr
        assert stamps(out) == before
        assert names(tmp_path) == ["my regions.bed", "my results"]


class TestResult:
    """What is written, and when it is written again."""

    def test_files_hold_what_the_function_gives(
        self, cli, given, tmp_path, tiny_model, tiny_genome, tiny_tokenizer, repeats_bed, bedtools
    ):
        regions = tmp_path / "r.bed"
        regions.write_text("chr1\t500\t9000\n2\t0\t4000\n")
        code, stdout, stderr = cli(
            *given, "--regions", regions, "--annotation", repeats_bed, "--layers", "0,2", "--out", tmp_path / "my out"
        )
        assert code == 0, stderr
        assert names(tmp_path / "my out") == OUTPUTS
        corpus = tokenize(tiny_genome, tiny_tokenizer, ["chr1", "chr2"], progress=False)
        runs = corpus.runs([Region("chr1", 500, 9_000), Region("chr2", 0, 4_000)])
        shares = share_per_token(corpus, runs, read_intervals(repeats_bed, tiny_genome))
        expected = self_similarity(
            tiny_model, corpus, tiny_tokenizer.pieces, runs, layers=[0, 2], repeat_share=shares, progress=False
        )
        found = pd.read_parquet(tmp_path / "my out" / "selfsim.parquet")
        pd.testing.assert_frame_equal(found, expected.tokens, rtol=0, atol=1e-6)
        assert list(pd.read_csv(tmp_path / "my out" / "selfsim.tsv", sep="\t")) == list(found)
        assert (tmp_path / "my out" / "selfsim.png").read_bytes()[:4] == b"\x89PNG"
        assert "<svg" in (tmp_path / "my out" / "selfsim.svg").read_text()[:2_000]
        assert [line.split()[0] for line in stdout.splitlines()] == ["layer", "0", "2"]
        assert "wrote" in stderr.splitlines()[-1]

    def test_record_names_every_input_by_its_content(self, cli, given, tmp_path, tiny_fasta, tiny_model_folder):
        assert cli(*given, "--max-per-token", 5, "--seed", 3, "--layers", "1", "--out", tmp_path / "o")[0] == 0
        record = json.loads((tmp_path / "o" / "selfsim.run.json").read_text())
        assert record["parameters"] == {"layers": [1], "max_per_token": 5, "dtype": "fp32", "seed": 3}
        assert record["inputs"]["genome"]["sha256"] == sha256_of(tiny_fasta)
        weights = record["inputs"]["model"]["sha256"]["model.safetensors"]
        assert weights == sha256_of(tiny_model_folder / "model.safetensors")
        assert set(record["inputs"]) == {"model", "genome", "tokenizer"}
        assert set(record["outputs"]) == set(OUTPUTS) - {"selfsim.run.json"}
        assert "torch" in record["versions"]

    def test_same_input_writes_nothing(self, cli, given, finished):
        before = stamps(finished)
        code, stdout, stderr = cli(*given, "--out", finished, "--batch-size", 3)
        assert code == 0
        assert "unchanged since the last run" in stderr
        assert len(stdout.splitlines()) == 4
        assert stamps(finished) == before

    def test_same_input_gives_the_same_bytes(self, cli, given, finished, tmp_path):
        assert cli(*given, "--out", tmp_path / "o")[0] == 0
        for name in set(OUTPUTS) - {"selfsim.run.json"}:
            assert (tmp_path / "o" / name).read_bytes() == (finished / name).read_bytes(), name


@pytest.fixture(scope="module")
def finished(tiny_model_folder, tiny_fasta, tmp_path_factory) -> Path:
    """Results of one run of the tiny model on the tiny genome."""
    out = tmp_path_factory.mktemp("finished") / "o"
    arguments = ["--model", tiny_model_folder, "--genome", tiny_fasta, "--out", out, "--device", "cpu", "--no-progress"]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
        patch.setattr(sys, "argv", ["selfsim", *map(str, arguments)])
        run(app, "selfsim")
    assert not leaving.value.code
    return out


@pytest.mark.parametrize("change", ["layers", "genome", "weights", "figure"])
def test_changed_input_is_computed_again(cli, given, finished, tmp_path, tiny_fasta, tiny_model_folder, change):
    out = Path(shutil.copytree(finished, tmp_path / "o"))
    extra: list[object] = []
    if change == "layers":
        extra = ["--layers", "0-1"]
    elif change == "genome":  # other bases under the same name
        genome = tmp_path / tiny_fasta.name
        genome.write_text(tiny_fasta.read_text().replace("ACGT", "ACCT"))
        given = [*given[:2], "--genome", genome]
    elif change == "weights":
        from transformers import AutoModelForMaskedLM

        model = Path(shutil.copytree(tiny_model_folder, tmp_path / tiny_model_folder.name))
        network = AutoModelForMaskedLM.from_pretrained(model)
        network.bert.embeddings.LayerNorm.bias.data += 1
        network.save_pretrained(model)
        given = ["--model", model, *given[2:]]
    else:
        (out / "selfsim.png").write_bytes(b"not a picture")
    before = (out / "selfsim.tsv").read_bytes()
    code, _, stderr = cli(*given, *extra, "--out", out)
    assert code == 0
    assert "wrote" in stderr
    assert names(out) == OUTPUTS
    assert ((out / "selfsim.tsv").read_bytes() == before) == (change == "figure")
    assert (out / "selfsim.png").read_bytes()[:4] == b"\x89PNG"


def assert_refused(done: tuple[int, str, str], message: str, out: Path) -> None:
    """Exit code 2, one line that says what is wrong, nothing on stdout and nothing in the output folder."""
    code, stdout, stderr = done
    errors = [line for line in stderr.splitlines() if not line.startswith("tiny model on ")]
    assert (code, stdout, len(errors)) == (2, "", 1), stderr
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert not out.is_dir() or names(out) == []


TWICE = b">a\nAC\n>a\nGT\n"
BAD_FILES = {
    "empty FASTA": ("--genome", "e.fa", b"", "e.fa: the file is empty"),
    "no header": ("--genome", "h.fa", b"ACGT\n", "h.fa:1: sequence before any header"),
    "duplicate name": ("--genome", "d.fa", TWICE, "d.fa:3: 'a' is already the name of the sequence in line 1"),
    "binary junk": ("--genome", "j.fa", bytes(range(256)), "j.fa: binary data, not FASTA or 2bit"),
    "truncated gzip": ("--genome", "t.fa.gz", gzip.compress(TWICE * 99)[:-9], "t.fa.gz: the gzip stream is truncated"),
    "truncated 2bit": ("--genome", "t.2bit", b"\x43\x27\x41\x1a" + bytes(9), "t.2bit: the 2bit file is truncated"),
    "nothing but N": ("--genome", "n.fa", b">a\nNNNN\n", "n.fa: no A, C, G or T"),
    "unknown chromosome": ("--regions", "r.bed", b"chr7\t1\t2\n", "its 1 intervals are on chr7"),
    "past the end": ("--regions", "r.bed", b"chr1\t1\t99999\n", "r.bed:1: chr1:1-99999 runs past the end of chr1"),
    "not a number": ("--regions", "r.bed", b"chr1\tx\t1\n", "r.bed:1: start 'x' and end '1' must be whole numbers"),
    "spaces for tabs": (
        "--regions",
        "r.bed",
        b"chr1 1 2\n",
        "r.bed:1: not a BED line: columns must be separated by tab",
    ),
    "region within a token": ("--regions", "r.bed", b"chr1\t0\t1\n", "no whole token lies inside the regions given"),
    "region of few tokens": ("--regions", "r.bed", b"chrM\t50\t56\n", "no token occurs twice"),
    "end before start": ("--annotation", "a.bed", b"# x\nchr1\t9\t1\n", "a.bed:2: chr1:9-1 ends before it starts"),
    "negative": ("--annotation", "a.bed", b"chr1\t-9\t1\n", "a.bed:1: chr1:-9-1 is negative"),
    "another assembly": ("--annotation", "a.bed", b"chr2\t4000\t5001\n", "a.bed:1: chr2:4000-5001 runs past the end"),
    "tokenizer that is no JSON": ("--tokenizer", "tokenizer.json", b"{", "tokenizer.json: cannot be read as JSON"),
    "file for a model": ("--model", "model.safetensors", b"x", "model.safetensors: no such model folder"),
    "out is a file": ("--out", "file", b"", "file: a file stands where an output folder is needed"),
}


@pytest.mark.parametrize(("option", "name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_is_one_line(cli, given, tmp_path, option, name, content, message):
    (tmp_path / "in put").mkdir()
    (tmp_path / "in put" / name).write_bytes(content)
    done = cli(*given, "--out", tmp_path / "out", option, tmp_path / "in put" / name)
    assert_refused(done, message, tmp_path / "out")


BAD_OPTIONS = {
    "missing genome": (["--genome", "none.fa"], "none.fa: no such file for --genome"),
    "folder for a genome": (["--genome", "."], "no such file for --genome"),
    "missing regions": (["--regions", "none.bed"], "none.bed: no such file for --regions"),
    "missing annotation": (["--annotation", "none.bed"], "none.bed: no such file for --annotation"),
    "no model": (["--model", "nowhere"], "nowhere: no such model folder"),
    "layers in words": (["--layers", "last"], "--layers 'last': expected numbers such as 0,2,4 or 1-4"),
    "layers backwards": (["--layers", "4-1"], "--layers '4-1': 4-1 is no range"),
    "layer that is not there": (["--layers", "7"], "layer 7 does not exist: the model has layers 0 (embeddings) to 2"),
    "unknown dtype": (["--dtype", "fp8"], "dtype 'fp8' is not one of fp32, bf16, fp16"),
    "out on /proc": (["--out", "/proc/results"], "/proc/results: cannot write here"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_option_is_one_line(cli, given, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert_refused(cli(*given, "--out", tmp_path / "out", *arguments), message, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "keep", "message"),
    [
        ("config.json", None, "m: no config.json"),
        ("config.json", 20, "m/config.json: not valid JSON"),
        ("model.safetensors", None, "m: no weights; expected model.safetensors"),
        ("model.safetensors", 999, "m: cannot be loaded"),
        ("tokenizer.json", None, "m: has no tokenizer.json; name the tokenizer that the model was trained with"),
        ("tokenizer.json", 999, "tokenizer.json: cannot be read as JSON"),
    ],
)
def test_incomplete_model_is_one_line(cli, given, tmp_path, tiny_model_folder, name, keep, message):
    model = Path(shutil.copytree(tiny_model_folder, tmp_path / "m"))
    content = (model / name).read_bytes()
    (model / name).unlink()
    if keep is not None:
        (model / name).write_bytes(content[:keep])
    assert_refused(cli(*given, "--model", model, "--out", tmp_path / "out"), message, tmp_path / "out")


def test_tokenizer_with_more_ids_than_the_model_has_rows(cli, given, tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 9_000).astype(np.uint8)
    save_tokenizer(BPETokenizer(train([codes], 40, progress=False)), tmp_path / "large")
    done = cli(*given, "--tokenizer", tmp_path / "large", "--out", tmp_path / "out")
    assert_refused(done, "ids up to 48, but tiny model has 39 embedding rows", tmp_path / "out")


def test_missing_bedtools(cli, given, tmp_path, monkeypatch, repeats_bed):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli(*given, "--annotation", repeats_bed, "--out", tmp_path / "out")
    assert_refused(done, "bedtools is not installed; install it with one of: sudo apt-get install", tmp_path / "out")


def test_annotation_that_covers_nothing_here(cli, given, tmp_path, bedtools):
    """No token is repeat-rich; the figure is drawn all the same."""
    (tmp_path / "a.bed").write_text("chr2\t10\t20\n")
    (tmp_path / "r.bed").write_text("chr1\t0\t5000\n")
    code, stdout, stderr = cli(
        *given, "--annotation", tmp_path / "a.bed", "--regions", tmp_path / "r.bed", "--out", tmp_path / "out"
    )
    assert code == 0, stderr
    assert names(tmp_path / "out") == OUTPUTS
    assert "NaN" in stdout


@pytest.mark.parametrize("text", ["0", "0,2", "1-2", "0, 2", "2,0-1,1"])
def test_layers(text):
    expected = {"0": (0,), "0,2": (0, 2), "1-2": (1, 2), "0, 2": (0, 2), "2,0-1,1": (0, 1, 2)}
    assert parse_layers(text) == expected[text]


@pytest.mark.parametrize("text", ["", "a", "-1", "1-", "1-2-3", "2-1", "1;2", "1.5", "99999999999-99999999999999"])
def test_bad_layers(text):
    with pytest.raises(InputError, match="--layers"):
        parse_layers(text)


def test_layers_beyond_reason_do_not_fill_the_memory():
    assert len(parse_layers("0-99999999999999")) == 1_000


class TestFullDisk:
    """One line, nothing partial, and the earlier result as it was."""

    @pytest.fixture(params=[8, 60], ids=["table", "figure"])
    def small_disk(self, request, tmp_path):
        """A file system of some kB, which is full in the table or in the figure."""
        disk = tmp_path / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(disk)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("cannot mount a small file system here (not root, or a container without the right)")
        yield disk
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

    def test_full_disk(self, cli, given, small_disk):
        out = small_disk / "out"
        assert_refused(cli(*given, "--out", out), os.strerror(errno.ENOSPC), out)

    @pytest.mark.parametrize("n_bytes", [4_000, 60_000], ids=["table", "figure"])
    def test_limit_of_file_size(self, cli, given, finished, tmp_path, n_bytes):
        out = Path(shutil.copytree(finished, tmp_path / "o"))
        before = stamps(out)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
        try:
            code, stdout, stderr = cli(*given, "--layers", "1,2", "--out", out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (code, stdout) == (2, "")
        assert stderr.splitlines()[-1].startswith("error: ")
        assert os.strerror(errno.EFBIG) in stderr.splitlines()[-1]
        assert stamps(out) == before


def test_output_folder_without_permission(cli, given, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("permission bits do not bind root")
    tmp_path.chmod(0o500)
    assert_refused(cli(*given, "--out", tmp_path / "out"), "permission denied", tmp_path / "out")


def test_help_imports_nothing_slow():
    """Help is there in the time that Python, typer and NumPy take."""
    code = (
        "import sys\n"
        "from grover_probe.command import run\n"
        "from grover_probe.selfsim.command import app\n"
        "sys.argv = ['selfsim', '--help']\n"
        "try:\n    run(app, 'selfsim')\n"
        "finally:\n    print(*sorted(set(sys.modules) & {'torch', 'pandas', 'numba', 'transformers', 'matplotlib'}),"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "--max-per-token" in done.stdout
