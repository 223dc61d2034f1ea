"""Every token of a region while it is masked."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover_probe.batches import BERT_SPECIALS
from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError
from grover_probe.evaluate.along import Reading, ask_along, ask_bigrams, plan_reading
from grover_probe.genome import Region

REGION = Region("chr1", 8_500, 9_600)  # an N run lies at 9,000


def _logits(model: torch.nn.Module):
    return lambda ids, mask, selected: model(input_ids=ids, attention_mask=mask).logits[selected]


def test_windows_cover_the_region_once_with_context(corpus: Corpus) -> None:
    window = 40
    reading = plan_reading(corpus, REGION, window)
    inside = np.concatenate([np.arange(*run) for run in corpus.runs([REGION])])
    assert reading.positions.tolist() == inside.tolist()
    (low, first_end), (second, high) = corpus.runs()[:2].tolist()
    for (begin, stop), (asked, end) in zip(reading.windows.tolist(), reading.asked.tolist(), strict=True):
        assert begin <= asked < end <= stop and stop - begin <= window
        run = (low, first_end) if asked < first_end else (second, high)
        assert run[0] <= begin and stop <= run[1]
        assert asked - begin >= window // 8 or begin == run[0]
        assert stop - end >= window // 8 or stop == run[1]


@pytest.mark.parametrize("every", [1_000, 7])
def test_same_as_one_forward_pass_per_token(model: torch.nn.Module, corpus: Corpus, every: int) -> None:
    reading = plan_reading(corpus, Region("chr1", 8_800, 9_250), 30)
    answers = ask_along(_logits(model), corpus, reading, BERT_SPECIALS, every=every, progress=False)
    pieces = np.flatnonzero(corpus.token_lengths > 0)
    expected = []
    for (begin, stop), (asked, end) in zip(reading.windows.tolist(), reading.asked.tolist(), strict=True):
        for position in range(asked, end):
            masked = range(asked + (position - asked) % every, end, every)
            tokens = [BERT_SPECIALS.mask if at in masked else int(corpus.ids[at]) for at in range(begin, stop)]
            ids = torch.tensor([[BERT_SPECIALS.cls, *tokens, BERT_SPECIALS.sep]])
            with torch.inference_mode():
                log_p = model(input_ids=ids).logits[0, 1 + position - begin].log_softmax(0)[pieces].numpy()
            own = log_p[np.searchsorted(pieces, corpus.ids[position])]
            expected.append((-own, (log_p > own).sum()))
    nats, ranks = np.array(expected).T
    np.testing.assert_allclose(answers.nats, nats, rtol=1e-4)
    assert (answers.ranks == ranks).all()


def test_batch_size_changes_nothing(model: torch.nn.Module, corpus: Corpus) -> None:
    reading = plan_reading(corpus, REGION, 40)
    one, many = (
        ask_along(_logits(model), corpus, reading, BERT_SPECIALS, every=9, batch_size=size, progress=False)
        for size in (1, 16)
    )
    np.testing.assert_allclose(one.nats, many.nats, rtol=1e-5)
    assert (one.ranks == many.ranks).all()


def test_bigrams_do_not_count_the_region(corpus: Corpus) -> None:
    reading = plan_reading(corpus, REGION, 40)
    found = ask_bigrams(corpus, reading, REGION)
    assert np.isfinite(found.nats).all() and (found.ranks >= 0).all()
    everything = ask_bigrams(corpus, reading, Region("chr2", 0, 10))
    assert found.nats.mean() > everything.nats.mean()  # counts that hold the answer do better


def test_no_token_and_no_mask_are_errors(model: torch.nn.Module, corpus: Corpus) -> None:
    with pytest.raises(InputError, match="no token"):
        plan_reading(corpus, Region("chr1", 9_010, 9_050), 40)
    from dataclasses import replace

    reading = Reading(np.array([[0, 5]]), np.array([[0, 5]]))
    with pytest.raises(InputError, match="mask token"):
        ask_along(_logits(model), corpus, reading, replace(BERT_SPECIALS, mask=None), progress=False)


@pytest.fixture(scope="module")
def files(model: torch.nn.Module, tokenizer: BPETokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("region")
    model.save_pretrained(folder / "model")  # type: ignore[operator]
    save_tokenizer(tokenizer, folder / "model")
    (folder / "region.bed").write_text("1\t8500\t9600\n")
    (folder / "two.bed").write_text("1\t8500\t9600\n1\t0\t100\n")
    (folder / "genes.bed").write_text(
        "chr1\t8000\t8700\tONE\t0\t-\n" + "".join(f"chr1\t{9_500 + n}\t10500\tG{n}\t0\t+\n" for n in range(250))
    )
    return folder


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grover_probe.evaluate", "region", *map(str, arguments), "--no-progress"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_command(files: Path, fasta: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = _run("--model", files / "model", "--genome", fasta, "--regions", files / "region.bed",
                "--annotation", f"genes={files / 'genes.bed'}:4", "--every", 20, "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    tokens = pd.read_csv(out / "tokens.tsv", sep="\t")
    assert ((tokens["start"] >= 8_500) & (tokens["end"] <= 9_600)).all()
    assert tokens["probability"].between(0, 1).all() and set(tokens["top1"]) <= {0, 1}
    assert (tokens["token"].str.len() == tokens["end"] - tokens["start"]).all()
    annotation = pd.read_csv(out / "annotation.tsv", sep="\t")
    assert annotation.iloc[0].tolist() == ["genes", "ONE", "chr1", 8_500, 8_700, "-"]
    assert annotation["end"].max() == 9_600 and len(annotation) == 101  # those that start inside
    track = pd.read_csv(out / "probability.bedgraph", sep="\t", header=None)
    assert track[1].iloc[0] == tokens["start"].iloc[0] and track[2].iloc[-1] == tokens["end"].iloc[-1]
    assert json.loads((out / "region.run.json").read_text())["parameters"]["every"] == 20
    assert f"{len(tokens):,} tokens" in done.stdout


def test_bad_regions_are_one_line(files: Path, fasta: Path, tmp_path: Path) -> None:
    for given, message in (((), "--regions is missing"), (("--regions", files / "two.bed"), "2 intervals")):
        done = _run("--model", files / "model", "--genome", fasta, *given, "--out", tmp_path / "bad")
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
        assert not (tmp_path / "bad").exists()
