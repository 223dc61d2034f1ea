"""The pass from files to a folder: alone, shared by processes, killed and continued."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from extract.conftest import OVERLAP, read_all
from grover_probe.errors import InputError
from grover_probe.extract.central import central_windows
from grover_probe.extract.job import Job
from grover_probe.extract.parts import Parts
from grover_probe.extract.reducers import REDUCERS
from grover_probe.extract.results import RECORD
from grover_probe.extract.strands import StrandedGenome
from grover_probe.extract.whole import extract

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def bed(tmp_path_factory, tiny_regions):
    path = tmp_path_factory.mktemp("bed") / "intervals.bed"
    path.write_text("".join(f"1\t{r.start}\t{r.end}\t{r.name}\n" for r in tiny_regions))
    return path


@pytest.fixture(scope="module")
def job(tiny_model_folder, tiny_fasta, bed):
    """Every reducer, both strands, overlap: 5 parts."""
    return Job(
        model=str(tiny_model_folder), genome=tiny_fasta, tokenizer=tiny_model_folder, bed=bed,
        reducers=tuple(REDUCERS), poolings=("cls", "mean"), window_layers="embedding,last", overlap=OVERLAP,
        strand="both", sample_every=3, sample_per_token=4, parts=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(job, tmp_path_factory):
    return extract(job, tmp_path_factory.mktemp("pass") / "out", progress=False)


def arrays_of(folder):
    found = {}
    for path in sorted(folder.glob("*.np*")):
        stored = np.load(path)
        pairs = {"": stored} if isinstance(stored, np.ndarray) else {name: stored[name] for name in stored.files}
        found |= {f"{path.name}/{name}": array for name, array in pairs.items()}
    return found


def assert_same(one, other, tolerance=0.0):
    one, other = arrays_of(one), arrays_of(other)
    assert one.keys() == other.keys() and len(one) > 20
    for name in one:
        scale = max(1.0, float(np.nanmax(np.abs(other[name]), initial=0)))
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance * scale, err_msg=name)


class TestResult:
    def test_both_strands_against_brute_force(self, finished, tiny_network, tiny_genome, tiny_tokenizer):
        from grover_probe.corpus import tokenize

        corpus = tokenize(StrandedGenome(tiny_genome, "both"), tiny_tokenizer, progress=False)
        windows, taken = central_windows(corpus.runs(), 64, OVERLAP)
        truth = read_all(tiny_network, corpus, windows, taken)
        np.testing.assert_array_equal(finished.counts, np.bincount(truth.ids, minlength=finished.n_ids))
        assert finished.counts.sum() == len(corpus)
        for layer in range(3):
            for number in np.unique(truth.ids)[::5]:
                own = truth.states[truth.ids == number, layer]
                np.testing.assert_allclose(finished.token_means(layer)[number], own.mean(0), atol=5e-6)
                np.testing.assert_allclose(finished.token_variances(layer)[number], own.var(0), atol=2e-5)
        last = np.stack([truth.states[truth.window == n, 2].mean(0) for n in range(len(windows))])
        np.testing.assert_allclose(finished.window_embeddings("last"), last, atol=5e-6)
        np.testing.assert_allclose(finished.window_embeddings(0, "cls"), truth.first[:, 0], atol=5e-6)
        table = finished.windows
        np.testing.assert_array_equal(table["n_tokens"], taken[:, 1] - taken[:, 0])
        assert (table["end"] - table["start"]).sum() == corpus.token_lengths[corpus.ids].sum()

    def test_what_it_says_of_itself(self, finished, tiny_tokenizer, job):
        assert finished.layers == (0, 1, 2) and finished.window_layers == (0, 2)
        assert finished.pieces[5:] == list(tiny_tokenizer.pieces) and finished.pieces[:5] == [""] * 5
        assert finished.sequences == tuple(tiny_tokenizer.pieces)
        assert "layers [0, 1, 2], width 16; moments, directions" in repr(finished)
        assert finished.overview()["layer"].tolist() == [0, 1, 2] and "width 16" in finished._repr_html_()
        assert isinstance(finished.window_embeddings("last", "cls").base, np.memmap)
        assert finished.record["parameters"]["overlap"] == OVERLAP
        assert set(finished.record["inputs"]) == {"model", "genome", "tokenizer", "bed"}
        assert {path.name for path in finished.folder.iterdir()} == {*finished.record["outputs"], RECORD}

    def test_regions_of_both_strands(self, finished, tiny_regions):
        assert finished.regions["name"].tolist() == [region.name for region in tiny_regions]
        inside = finished.regions.iloc[1]
        assert inside["chrom"] == "chr1" and inside["bases"] == 2 * (1_500 - 33)
        assert finished.region_means("embedding").shape == (6, 16)

    def test_selfsim_reads_it(self, finished, tiny_model, tiny_corpus, tiny_tokenizer, job, tmp_path):
        from grover_probe.selfsim import from_pass, self_similarity

        plain = extract(
            replace(job, strand="forward", overlap=0, bed=None, reducers=("directions",)),
            tmp_path / "x",
            progress=False,
        )
        expected = self_similarity(tiny_model, tiny_corpus, tiny_tokenizer.pieces, progress=False)
        pd.testing.assert_frame_equal(from_pass(plain).tokens, expected.tokens, atol=1e-9)
        assert from_pass(plain, layers=(2,)).layers["layer"].tolist() == [2]
        with pytest.raises(InputError, match=r"layer 7 is not in .*, which has 0, 1, 2"):
            from_pass(plain, layers=(7,))


class TestInvariance:
    @pytest.mark.parametrize("batch_size", [1, 50])
    def test_batch_size(self, finished, job, tmp_path, batch_size):
        found = extract(job, tmp_path / "out", batch_size=batch_size, progress=False)
        assert_same(found.folder, finished.folder, 2e-6)

    def test_number_of_parts(self, finished, job, tmp_path):
        found = extract(replace(job, parts=1), tmp_path / "out", progress=False)
        assert_same(found.folder, finished.folder, 2e-6)

    def test_stopped_after_any_part(self, finished, job, tmp_path, monkeypatch):
        """Also in the middle of one: states are saved after every few windows here."""
        monkeypatch.setattr("grover_probe.extract.parts.STEP_TOKENS", 640)
        expected = extract(job, tmp_path / "whole", progress=False)
        save, saved = Parts.save, []

        def save_and_fail(self, part, reducers, done):
            save(self, part, reducers, done)
            saved.append((part, done))
            if len(saved) % 4 == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(Parts, "save", save_and_fail)
        for _ in range(20):
            try:
                found = extract(job, tmp_path / "out", save_every=0, progress=False)
                break
            except KeyboardInterrupt:
                assert not (tmp_path / "out" / RECORD).exists()
        assert len(saved) == len(set(saved)) > 10  # nothing was done twice
        assert_same(found.folder, expected.folder)
        assert_same(found.folder, finished.folder, 2e-6)

    def test_half_precision(self, finished, job, tmp_path):
        """bf16 has 8 bits: means of states of size 1 agree to a few hundredths, directions to less than a degree."""
        found = extract(replace(job, dtype="bf16"), tmp_path / "out", progress=False)
        np.testing.assert_array_equal(found.counts, finished.counts)
        often = finished.counts >= 5
        for layer in range(3):
            one, other = (result.token_means(layer)[often] for result in (found, finished))
            assert np.abs(one - other).max() < 0.03 * np.abs(other).max()
            cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
            assert cosine.min() > 0.999
        assert np.abs(found.token_means(2)[often] - finished.token_means(2)[often]).max() > 1e-5  # it was bf16


def command(job, out, *more):
    return [
        "-m", "grover_probe.extract", "--model", job.model, "--genome", str(job.genome), "--bed", str(job.bed),
        "--reducers", ",".join(job.reducers), "--poolings", "cls,mean", "--window-layers", "embedding,last",
        "--overlap", str(OVERLAP), "--strand", "both", "--sample-every", "3", "--sample-per-token", "4",
        "--parts", "5", "--out", str(out), "--no-progress", *more,
    ]  # fmt: skip


class TestProcesses:
    @pytest.mark.slow
    def test_two_processes_give_the_same_bits(self, finished, job, tmp_path):
        import torch

        here = torch.get_num_threads()
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
        done = subprocess.run(
            [*torchrun, *command(job, tmp_path / "out")], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert "by the first of 2 processes" in done.stderr
        assert done.stdout.count("anisotropy") == 1
        assert_same(tmp_path / "out", finished.folder, 0 if here == 1 else 2e-6)
        assert not (tmp_path / "out" / "parts").exists()

    @pytest.mark.slow
    def test_killed_and_continued(self, job, tmp_path):
        """kill -9 while it works; the same command goes on and gives the same bits as one that was not stopped."""
        slow = "import grover_probe.extract.parts as p, time, runpy, sys\n"
        slow += "save = p.Parts.save\n"
        slow += "p.Parts.save = lambda *a: (save(*a), time.sleep(60))\n"
        slow += f"sys.argv = ['extract', *{command(job, tmp_path / 'out', '--save-every', '0')[2:]!r}]\n"
        slow += "runpy.run_module('grover_probe.extract', run_name='__main__')\n"
        process = subprocess.Popen([sys.executable, "-c", slow], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        first = tmp_path / "out" / "parts" / "part-00.npz"
        end = time.monotonic() + 120
        while not first.exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert first.exists() and not (tmp_path / "out" / RECORD).exists()
        shutil.copytree(tmp_path / "out", tmp_path / "again")
        with pytest.raises(
            InputError, match="an unfinished pass of other inputs or settings: overlap 24, now 3; choose"
        ):
            extract(replace(job, overlap=3), tmp_path / "out", progress=False)
        found = extract(job, tmp_path / "out", progress=False)
        again = extract(job, tmp_path / "again", resume=False, progress=False)
        assert_same(found.folder, again.folder)


class TestFolder:
    def test_the_same_again_is_not_done_again(self, finished, job, capsys):
        before = {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
        assert extract(job, finished.folder, progress=False).record == finished.record
        assert {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()} == before
        assert "finished before" in capsys.readouterr().err

    def test_other_settings_are_refused_and_said(self, finished, job, tmp_path):
        other = tmp_path / "other.bed"
        other.write_text("chr1\t0\t2000\n")
        changed = replace(job, regions=other, poolings=("max",), layers="last", window_layers=None)
        with pytest.raises(InputError) as caught:
            extract(changed, finished.folder, progress=False)
        message = str(caught.value)
        assert "holds a finished pass of other inputs or settings: layers 0,1,2, now 2; poolings cls,mean" in message
        assert "regions none, now other.bed (" in message and "--no-resume to replace it" in message

    def test_other_weights_are_other_inputs(self, finished, job, tmp_path):
        shutil.copytree(job.model, tmp_path / "tiny model")
        config = tmp_path / "tiny model" / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "layer_norm_eps": 1e-6}))
        with pytest.raises(InputError, match=r"settings: model tiny model \(\w{8}\), now tiny model"):
            extract(replace(job, model=str(tmp_path / "tiny model")), finished.folder, progress=False)

    def test_replaced_without_resume(self, job, tmp_path):
        small = replace(job, bed=None, reducers=("moments",), strand="forward", layers="1", window_layers=None)
        extract(replace(small, reducers=("moments", "cka")), tmp_path / "out", progress=False)
        found = extract(replace(small, layers="2"), tmp_path / "out", resume=False, progress=False)
        assert found.layers == (2,)
        assert {path.name for path in found.folder.iterdir()} == {*found.record["outputs"], RECORD}

    def test_corpus_folder_as_input(self, job, tiny_corpus, tmp_path):
        from grover_probe.corpus_files import save_corpus

        save_corpus(tiny_corpus, tmp_path / "corpus")
        small = replace(job, strand="forward")
        one = extract(replace(small, genome=tmp_path / "corpus"), tmp_path / "a", progress=False)
        assert_same(one.folder, extract(small, tmp_path / "b", progress=False).folder)
        with pytest.raises(InputError, match="a corpus holds one strand"):
            extract(replace(job, genome=tmp_path / "corpus"), tmp_path / "c", progress=False)

    def test_model_that_gives_no_numbers(self, job, tiny_network, tmp_path):
        import copy

        import torch

        broken = copy.deepcopy(tiny_network)
        with torch.no_grad():
            broken.bert.encoder.layer[0].output.dense.bias[0] = float("nan")
        broken.save_pretrained(tmp_path / "broken")
        with pytest.raises(InputError, match="hidden states are not finite; use --dtype fp32"):
            extract(replace(job, model=str(tmp_path / "broken")), tmp_path / "out", progress=False)
        assert not (tmp_path / "out").exists()
