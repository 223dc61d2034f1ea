"""The command line of the pass, mostly with bad input."""

import pytest
from typer.testing import CliRunner

from grover_probe.errors import GroverProbeError, InputError
from grover_probe.extract.command import app
from grover_probe.extract.results import FORMAT_VERSION, RECORD, open_pass


@pytest.fixture
def run(tiny_model_folder, tiny_fasta, tmp_path):
    def call(*options, **changed):
        given = {"model": tiny_model_folder, "genome": tiny_fasta, "out": tmp_path / "out", **changed}
        arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        return CliRunner().invoke(app, [*arguments, "--no-progress", *options])

    return call


def message(result):
    assert isinstance(result.exception, GroverProbeError), result.output
    return str(result.exception)


def test_table_and_files(run, tmp_path):
    result = run("--reducers", "dimensions,cka,lens", "--layers", "embedding,last", "--sample-every", "2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "layer",
        "anisotropy",
        "largest",
        "dimension",
        "its",
        "share",
        "CKA",
        "with",
        "last",
        "lens",
        "top-1",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["0", "2"]
    assert "PassResult(tiny model on" in result.stderr
    found = open_pass(tmp_path / "out")
    assert found.layers == (0, 2) and found.window_layers == (2,)
    for ask, missing in ((lambda: found.counts, "moments"), (lambda: found.window_embeddings(), "windows")):
        with pytest.raises(InputError, match=rf"(it has dimensions, cka, lens).*--reducers {missing} "):
            ask()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--reducers", "moments,medians"], "no reducer 'medians'; expected some of moments, directions"),
        (["--reducers", "moments,moments"], "moments is named twice"),
        (["--reducers", ","], "name at least one"),
        (["--reducers", "regions"], "the reducer `regions` and --bed INTERVALS go together"),
        (["--reducers", "no_such_module:Mine"], "cannot be imported"),
        (["--reducers", "json:JSONDecoder"], "expected a subclass of grover_probe.extract.reducers.Reducer"),
        (["--poolings", "median"], "--poolings median: expected some of cls, mean, max"),
        (["--poolings", "max,max"], "each once"),
        (["--layers", "3"], "the model has layers 0 (embedding) to 2 (last)"),
        (["--layers", "0", "--window-layers", "1"], "not all of them are among --layers 0"),
        (["--overlap", "64"], "expected 0 to 63 for windows of 64 tokens"),
        (["--strand", "up"], "--strand 'up': expected one of forward, reverse, both"),
        (["--regions", "missing.bed"], "missing.bed: no such file"),
        (["--bed", "missing.bed"], "missing.bed: no such file"),
        (["--tokenizer", "missing"], "missing"),
        (["--dtype", "int8"], "dtype 'int8' is not one of"),
        (["--device", "abacus"], "device 'abacus' cannot be used here"),
    ],
)
def test_bad_options(run, tmp_path, options, expected):
    assert expected in message(run(*options))
    assert list(tmp_path.iterdir()) == []


def test_regions_without_a_token(run, tmp_path):
    (tmp_path / "r.bed").write_text("chr1\t0\t1\n")
    assert "no whole token lies inside the regions" in message(run("--regions", str(tmp_path / "r.bed")))
    assert [path.name for path in tmp_path.iterdir()] == ["r.bed"]


def test_missing_genome_or_model(run, tmp_path):
    assert "no.fa" in message(run(genome=tmp_path / "no.fa"))
    assert "no such model folder" in message(run(model=tmp_path / "no"))
    assert list(tmp_path.iterdir()) == []


class TestOpen:
    """Folders that are no pass."""

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match=r"no finished pass here \(extract.run.json is missing\); make one with"):
            open_pass(tmp_path)

    def test_other_format(self, tmp_path):
        (tmp_path / RECORD).write_text('{"format_version": 99}')
        with pytest.raises(InputError, match=f"pass of format 99, expected {FORMAT_VERSION}"):
            open_pass(tmp_path)
        (tmp_path / RECORD).write_text("{")
        with pytest.raises(InputError, match="cannot be read"):
            open_pass(tmp_path)

    def test_damaged_or_unknown_parts(self, run, tmp_path):
        assert run("--reducers", "moments,windows").exit_code == 0
        for layer in ("7", "first"):
            with pytest.raises(InputError, match=r"was not kept for tokens; this pass has 0, 1, 2"):
                open_pass(tmp_path / "out").token_means(layer)
        with pytest.raises(InputError, match="no pooling 'max'; this pass kept mean"):
            open_pass(tmp_path / "out").window_embeddings("last", "max")
        with pytest.raises(InputError, match="layer 0 was not kept for windows; this pass has 2"):
            open_pass(tmp_path / "out").window_embeddings(0)
        for name, ask in (("moments.npz", "counts"), ("window_embeddings.npy", "window_embeddings")):
            path = tmp_path / "out" / name
            path.write_bytes(path.read_bytes()[:50])
            with pytest.raises(InputError, match=f"{name}: damaged"):
                found = getattr(open_pass(tmp_path / "out"), ask)
                found()
