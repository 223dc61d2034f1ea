"""``python -m grover_probe.finetune``: the contract of its output, and one line for bad input."""

import json

import pandas as pd
import pytest

from grover_probe.data.sample import sample_path
from grover_probe.finetune.metrics import METRICS, measure

FILES = [
    "config.json", "finetune.run.json", "history.tsv", "metrics.json", "model.safetensors", "predictions.tsv",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
]  # fmt: skip
FAST = ["--epochs", 1, "--learning-rate", 3e-3]


def test_contract(cli, task_path, tmp_path):
    out = tmp_path / "my run"
    code, stdout, stderr = cli("--task", task_path, *FAST, "--seed", 3, "--out", out)
    assert code == 0, stderr
    assert sorted(path.name for path in out.iterdir()) == FILES
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(METRICS) <= set(metrics) and all(isinstance(metrics[name], float) for name in METRICS)
    table = pd.read_csv(out / "predictions.tsv", sep="\t")
    again = measure(table["label"].to_numpy(), table[["p_0", "p_1"]].to_numpy())
    assert again == pytest.approx({name: metrics[name] for name in METRICS}, abs=1e-5)
    assert stdout.split()[:2] == ["metric", "test"] and f"{metrics['mcc']:.3f}" in stdout
    record = json.loads((out / "finetune.run.json").read_text())
    assert record["parameters"]["seeds"] == [3] and record["inputs"]["task"]["name"] == "gc"
    code, second, stderr = cli("--task", task_path, *FAST, "--seed", 3, "--out", out)
    assert code == 0 and second == stdout
    code, _, stderr = cli("--task", task_path, *FAST, "--seeds", "3,4", "--out", out)
    assert code == 0 and "wrote" in stderr
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_the_task_of_the_same_seed_is_unchanged(cli, task_path, tmp_path):
    cli("--task", task_path, *FAST, "--out", tmp_path)
    stamp = (tmp_path / "model.safetensors").stat().st_mtime_ns
    code, _, stderr = cli("--task", task_path, *FAST, "--out", tmp_path)
    assert code == 0 and "unchanged since the last run" in stderr
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == stamp


def test_built_on_the_fly_with_kmers(cli, tmp_path, tiny_network):
    """A k-mer model, windows for what is longer than its positions, and its tokenizer in the output."""
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    from grover_probe.kmer import KmerTokenizer
    from grover_probe.models import load_tokenizer

    shape = {**tiny_network.config.to_dict(), "vocab_size": KmerTokenizer(3).n_ids}
    BertForMaskedLM(BertConfig(**shape)).save_pretrained(tmp_path / "model")
    given = ["--genome", sample_path("chr20_slice.2bit"), "--tss", sample_path("tss.bed.gz"), "--block", 150_000]
    common = ["--task", "prom300", *given, "--model", tmp_path / "model", *FAST, "--out", tmp_path / "out"]
    code, _, stderr = cli(*common, "--tokenizer", "3-mer")
    assert code == 2 and "tokens, but the model has positions for 64; choose --long cut" in stderr
    assert not (tmp_path / "out").exists()
    code, _, stderr = cli(*common, "--tokenizer", "3-mer", "--long", "window")
    assert code == 0 and "were divided into windows" in stderr, stderr
    assert load_tokenizer(tmp_path / "out").hash == KmerTokenizer(3).hash
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")("ACGTTT")["input_ids"]
    assert ids[1:-1] == KmerTokenizer(3).encode_text("ACGTTT").ids.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--task", "nowhere.csv"], "nowhere.csv: no such file or folder; expected prom300"),
        (["--model", "nowhere"], "nowhere: no such model folder"),
        (["--tokenizer", "6-mer"], "the tokenizer has ids up to 4104"),
        (["--seeds", "1,x"], "--seeds '1,x': expected whole numbers"),
        (["--seeds", "1,1"], "seeds 1, 1: expected different"),
        (["--mode", "half"], "--mode 'half'"),
    ],
)
def test_bad_options(cli, task_path, tmp_path, change, message):
    out = tmp_path / "out"
    code, stdout, stderr = cli("--task", task_path, *FAST, "--out", out, *change)
    assert (code, stdout) == (2, "") and not out.exists()
    assert message in stderr and stderr.count("error: ") == 1 and "Traceback" not in stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,label\nACGT,1\nXYZ!,0\n", "t.csv:3: '!' is no nucleotide letter"),
        ("sequence,label\nACGT,1\n,0\n", "t.csv:3: an empty sequence"),
        ("sequence,label\n" + "ACGT,1\nAAAA,1\n" * 9, "one class only (1"),
        ("sequence,label\n" + "".join(f"NNN{'A' * i}N,{i % 2}\n" for i in range(0, 40)), "too short: it has no token"),
        ("sequence,label\n" + "".join(f"{'ACGGT' * 40}{'A' * i},{i % 2}\n" for i in range(40)), "choose --long cut"),
    ],
)
def test_bad_sequences(cli, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    code, stdout, stderr = cli("--task", tmp_path / "t.csv", *FAST, "--out", tmp_path / "out")
    assert (code, stdout) == (2, "") and not (tmp_path / "out").exists()
    assert message in stderr and "Traceback" not in stderr


def test_regions_with_labels(cli, tmp_path, tiny_fasta):
    starts = [s for s in range(200, 11_500, 40) if not 3_700 < s < 4_300 and not 8_700 < s < 9_200]
    rows = [f"chr1\t{s}\t{s + 40}\t{'ab'[i % 2]}\n" for i, s in enumerate(starts)]
    (tmp_path / "r.bed").write_text("".join(rows))
    (tmp_path / "held.bed").write_text("chr1\t9300\t11900\n")
    given = ["--task", tmp_path / "r.bed", "--genome", tiny_fasta, "--block", 700, *FAST, "--out", tmp_path / "out"]
    code, _, stderr = cli(*given, "--heldout", tmp_path / "held.bed")
    assert code == 0, stderr
    table = pd.read_csv(tmp_path / "out" / "predictions.tsv", sep="\t")
    assert table["start"].min() >= 9_300 and {"p_a", "p_b"} <= set(table)
    code, _, stderr = cli(*given[:2], "--heldout", tmp_path / "held.bed", "--out", tmp_path / "no")
    assert code == 2 and "--heldout: give --genome too" in stderr and not (tmp_path / "no").exists()


def test_counted_warnings_reach_the_user(cli, task_path, tmp_path):
    odd = task_path.read_text() + "ACGTNACGTAGG,1,x\nACGTNACGTAGG,0,x\n"
    (tmp_path / "t.csv").write_text(odd)
    code, _, stderr = cli("--task", tmp_path / "t.csv", *FAST, "--out", tmp_path / "out")
    assert code == 0
    assert "2 sequences have letters other than" in stderr and "1 sequences occur with more than one label" in stderr


def test_tokens_of_another_tokenizer(cli, tmp_path):
    from grover_probe.tasks.options import Recipe

    recipe = Recipe(
        "prom300", (str(sample_path("chr20_slice.2bit")),), str(sample_path("tss.bed.gz")), negatives="tokens",
        block=150_000,
    )  # fmt: skip
    dataset, inputs = recipe.build()
    dataset.save(tmp_path / "set", inputs, recipe.parameters())
    arguments = ["--task", tmp_path / "set", *FAST, "--long", "cut", "--out", tmp_path / "out"]
    code, _, stderr = cli(*arguments)
    assert code == 2 and "made by another tokenizer" in stderr and not (tmp_path / "out").exists()
    code, _, stderr = cli(*arguments, "--no-tokens")
    assert code == 0, stderr
