"""The committed tables of hg19 chr20: made again, and what is known of this vocabulary."""

from pathlib import Path

import pandas as pd
import pytest

from grover_probe.bpe import load_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.data.fetch import cached_path
from grover_probe.data.sample import sample_path
from grover_probe.errors import DataError
from grover_probe.genome import open_genome
from grover_probe.kmer import KmerTokenizer
from grover_probe.vocabulary import diagnose, vocabulary_table

TABLES = Path(__file__).parents[2] / "analyses" / "tables" / "chr20"


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(sample_path("checkpoint"))


@pytest.fixture(scope="module")
def genome():
    try:
        return open_genome(cached_path("hg19.chr20"))
    except DataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def committed():
    return pd.read_csv(TABLES / "diagnostics.tsv", sep="\t").set_index(["tokenizer", "diagnostic", "statistic"])


@pytest.mark.chr20
def test_vocabulary(tokenizer, genome):
    result = vocabulary_table(tokenizer, tokenize(genome, tokenizer, progress=False), progress=False)
    stored = pd.read_csv(TABLES / "vocabulary.tsv", sep="\t")
    assert stored["token"].tolist() == result.to_frame()["token"].tolist()
    assert stored["count"].tolist() == result.to_frame()["count"].tolist()
    assert stored["observed_expected"].to_numpy() == pytest.approx(
        result.to_frame()["observed_expected"].to_numpy(), rel=1e-4, nan_ok=True
    )
    assert result.summary["emitted elsewhere than at ends"] == 601
    assert result.summary["mean length (bases)"] == pytest.approx(4.066, abs=0.001)
    assert result.summary["start with A or T"] == pytest.approx(0.963, abs=0.001)
    assert "CG" not in stored["token"].tolist()


@pytest.mark.chr20
def test_diagnostics(tokenizer, genome, committed):
    """Another sample gives the same numbers, within its error."""
    found = diagnose(
        {"BPE-600": tokenizer, "6-mer": KmerTokenizer(6)}, genome, windows=1000, seed=99, progress=False
    ).to_frame()
    shares = found[found["statistic"].isin(["boundary_agreement", "boundaries_lost", "boundaries_differ"])]
    for row in shares.itertuples():
        stored = committed.loc[(row.tokenizer, row.diagnostic, row.statistic), "value"]
        assert row.value == pytest.approx(stored, abs=0.03), row


def test_committed_tables(committed):
    """What the documentation says of them; needs no genome."""
    value = committed["value"]
    assert value["BPE-600", "shift", "boundary_agreement"] > 0.99
    assert value["BPE-600", "cut_left", "within_100"] == value["BPE-600", "cut_right", "within_100"] == 1
    same, chance = (value["BPE-600", "reverse_complement", f"{name}_agreement"] for name in ("boundary", "chance"))
    assert same < chance
    assert value["BPE-600", "longest_match", "boundaries_lost"] == pytest.approx(0.25, abs=0.02)
    for k in (4, 5, 6):
        assert value[f"{k}-mer", "substitution", "tokens_changed_mean"] == 1
        assert value[f"{k}-mer", "substitution", "bases_changed_mean"] == k
    assert all((TABLES / name).stat().st_size < 100_000 for name in ("vocabulary.tsv", "diagnostics.tsv"))
