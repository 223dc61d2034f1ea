"""`--extracted`: the same table from a pass, and what does not fit it."""

import pytest
from typer.testing import CliRunner

from grover_probe.errors import GroverProbeError
from grover_probe.extract.job import Job
from grover_probe.extract.whole import extract
from grover_probe.selfsim.command import app


@pytest.fixture(scope="module")
def repeats(tmp_path_factory):
    path = tmp_path_factory.mktemp("repeats") / "repeats.bed"
    path.write_text("".join(f"chr1\t{begin}\t{begin + 200}\n" for begin in range(300, 11_000, 700)))
    return path


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    path = tmp_path_factory.mktemp("regions") / "regions.bed"
    path.write_text("chr1\t100\t8000\nchr2\t0\t4000\n")
    return path


@pytest.fixture(scope="module")
def passed(tiny_model_folder, tiny_fasta, regions, tmp_path_factory):
    job = Job(str(tiny_model_folder), tiny_fasta, tiny_model_folder, regions, reducers=("directions",))
    return extract(job, tmp_path_factory.mktemp("pass") / "pass", progress=False).folder


@pytest.fixture
def run(tmp_path):
    def call(**options):
        arguments = [text for name, value in {"out": tmp_path / "out", **options}.items()
                     for text in (f"--{name.replace('_', '-')}", str(value))]  # fmt: skip
        return CliRunner().invoke(app, [*arguments, "--no-progress"])

    return call


def test_the_same_table(run, passed, tiny_model_folder, tiny_fasta, regions, repeats, bedtools, tmp_path):
    files = {"genome": tiny_fasta, "regions": regions, "annotation": repeats}
    one = run(extracted=passed, tokenizer=tiny_model_folder, out=tmp_path / "a", **files)
    other = run(model=tiny_model_folder, out=tmp_path / "b", **files)
    assert one.exit_code == other.exit_code == 0, one.output + other.output
    assert one.stdout == other.stdout and "rho" in one.stdout
    assert (tmp_path / "a" / "selfsim.tsv").read_text() == (tmp_path / "b" / "selfsim.tsv").read_text()
    again = run(extracted=passed, tokenizer=tiny_model_folder, out=tmp_path / "a", **files)
    assert "unchanged since the last run" in again.stderr


def test_without_annotation_nothing_else_is_needed(run, passed, tmp_path):
    done = run(extracted=passed, layers="1-2")
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["layer", "1", "2"]
    assert "rho" not in done.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"model": "x"}, "leave out --model, --revision and --max-per-token"),
        ({"revision": "x"}, "leave out --model, --revision and --max-per-token"),
        ({"max_per_token": 9}, "leave out --model, --revision and --max-per-token"),
        ({"layers": "7"}, "layer 7 is not in"),
        ({"annotation": "no.bed"}, "no.bed: no such file for --annotation"),
        ({"extracted": "nowhere"}, "nowhere: no finished pass here"),
    ],
)
def test_bad_options(run, passed, tmp_path, options, expected):
    done = run(**{"extracted": passed, **options})
    assert isinstance(done.exception, GroverProbeError) and expected in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_annotation_of_something_else(run, passed, tiny_model_folder, tiny_fasta, sample_checkpoint, regions, repeats):
    right = {"genome": tiny_fasta, "regions": regions, "tokenizer": tiny_model_folder}
    for name, wrong, expected in (
        ("genome", repeats, r"--genome (.*repeats.bed): the pass in .* was made with tiny.fa"),
        ("regions", repeats, r"--regions (.*repeats.bed): the pass in .* was made with regions.bed"),
        ("tokenizer", sample_checkpoint, "not the tokenizer of the pass"),
    ):
        done = run(extracted=passed, annotation=repeats, **{**right, name: wrong})
        with pytest.raises(GroverProbeError, match=expected.replace("(", r"\(").replace(")", r"\)")):
            raise done.exception
