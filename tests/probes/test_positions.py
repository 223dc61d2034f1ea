"""The token at a position: planted structure that only one layer knows, and real positions of the embedded slice."""

import json

import numpy as np
import pandas as pd
import pytest

from grover_probe.data.sample import SLICE_NAME, sample_path
from grover_probe.errors import InputError
from grover_probe.genome import open_genome
from grover_probe.kmer import KmerTokenizer, open_tokenizer
from grover_probe.probes.position_level import tokens_at


@pytest.fixture(scope="module")
def with_positions(planted, tmp_path_factory):
    """The planted passes with one position per window, whose embedding knows the order of the motifs in layer 2."""
    import shutil

    folder = tmp_path_factory.mktemp("positions")
    rng = np.random.default_rng(4)
    table = planted.table
    inside = np.zeros(len(table), dtype=bool)
    inside[pd.read_csv(planted.folder / "order.bed", sep="\t", header=None)[1].to_numpy() // 201] = True
    starts = table["start"].to_numpy() + rng.integers(0, 201, len(table))
    regions = pd.DataFrame(
        {"region": range(len(table)), "chrom": table["chrom"], "start": starts, "end": starts + 1, "name": ".",
         "bases": 1}
    )  # fmt: skip
    regions.loc[7, "bases"] = 0
    for name in ("pass", "random"):
        shutil.copytree(planted.folder / name, folder / name)
        means = rng.normal(size=(len(table), 3, 8)).astype(np.float32)
        means[7] = np.nan
        if name == "pass":
            means[:, 2, 3] += 3 * inside
        np.save(folder / name / "region_means.npy", means)
        regions.to_parquet(folder / name / "regions.parquet", index=False)
    return folder


def test_what_a_position_knows_is_found_and_nothing_else(with_positions, planted, probes_command, tmp_path) -> None:
    options = [*planted.options, "--level", "positions", *planted.annotations("order", "nothing")]
    options[1], options[3] = str(with_positions / "pass"), str(with_positions / "random")
    done = probes_command(*options, "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    assert "1 that no token covers are left out" in done.err
    table = pd.read_csv(tmp_path / "out" / "probes.tsv", sep="\t")
    assert set(table["level"]) == {"positions"}
    assert set(table["n"]) == {len(planted.table) - 1}
    best = table[(table["features"] == "model") & (table["layer"] == "best")].set_index("target")
    assert best.loc["order", "chosen"].startswith("2:token")
    assert best.loc["order", "score"] > 0.9
    assert pd.isna(best.loc["order", "flag"])
    assert best.loc["nothing", "flag"] == "control within interval"
    controls = {"composition", "kmer_spectrum", "one_hot", "input_embeddings", "random_model", "shuffled_labels",
                "control_task", "majority"}  # fmt: skip
    assert controls <= set(table.loc[table["target"] == "order", "features"])


def test_passes_over_other_positions_or_strands_are_refused(with_positions, planted, probes_command, tmp_path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(with_positions / "random", other)
    regions = pd.read_parquet(other / "regions.parquet")
    regions.assign(start=regions["start"] + 1, end=regions["end"] + 1).to_parquet(other / "regions.parquet")
    options = [*planted.options, "--level", "positions", "--out", str(tmp_path / "out")]
    options[1], options[3] = str(with_positions / "pass"), str(other)
    done = probes_command(*options)
    assert done.code == 2
    assert "other intervals than in" in done.err
    assert done.err.rstrip().endswith("cannot be --random")
    record = json.loads((other / "extract.run.json").read_text())
    (other / "extract.run.json").write_text(json.dumps(record | {"parameters": {"strand": "both"}}))
    options[1] = str(other)
    done = probes_command(*options)
    assert done.code == 2
    assert "a pass of strand both" in done.err


def test_tokens_at_positions_are_those_of_a_slow_walk() -> None:
    genome = open_genome(sample_path("chr20_slice.2bit"))
    tokenizer = open_tokenizer(sample_path("checkpoint"))
    pieces = [""] * 5 + list(tokenizer.pieces)
    encoding = tokenizer.encode(genome.codes(SLICE_NAME))
    first = 5_000
    at = int(encoding.starts[first])
    texts = []
    for token in encoding.ids[first : first + 60]:  # each base of 60 tokens in a row
        texts += [pieces[token]] * len(pieces[token])
    middles = np.arange(at, at + len(texts))[::-1]  # in any order
    table = pd.DataFrame({"chrom": SLICE_NAME, "middle": middles})
    found = tokens_at(table, genome, tokenizer, pieces)
    assert [pieces[token] for token in found] == texts[::-1]


def test_a_position_without_a_token_is_named(planted) -> None:
    genome = open_genome(sample_path("chr20_slice.2bit"))
    tokenizer = open_tokenizer(sample_path("checkpoint"))
    pieces = [""] * 5 + list(tokenizer.pieces)
    codes = genome.codes(SLICE_NAME)
    hole = int(np.flatnonzero(codes > 3)[0])
    table = pd.DataFrame({"chrom": SLICE_NAME, "middle": [100, hole]})
    with pytest.raises(InputError, match=f":{hole}: the middle of an interval has no token"):
        tokens_at(table, genome, tokenizer, pieces)
    with pytest.raises(InputError, match="other tokens than the pass"):
        tokens_at(table, genome, KmerTokenizer(3), pieces)
