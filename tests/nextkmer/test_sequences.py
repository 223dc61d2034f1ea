"""Examples lie where they may, and their labels are the bases that follow."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.errors import InputError
from grover_probe.genome import Genome, decode_bases, encode_bases, open_genome
from grover_probe.nextkmer.sequences import (
    CONTEXT,
    KS,
    LONGEST,
    Examples,
    held_back,
    kmer_number,
    sample_examples,
    split_genomes,
)
from grover_probe.nextkmer.study import Sampling, Study


@pytest.mark.parametrize("k", KS)
def test_labels_are_places_in_the_alphabet(k):
    words = ["".join(letters) for letters in product("ACGT", repeat=k)]
    rng = np.random.default_rng(k)
    texts = ["".join(rng.choice(list("ACGT"), CONTEXT + LONGEST)) for _ in range(50)]
    codes = np.stack([encode_bases(text) for text in texts])
    examples = Examples(np.full(50, "chr1"), np.arange(50), codes, 0, np.zeros(50, dtype=np.int64))
    assert examples.labels(k).tolist() == [words.index(text[CONTEXT : CONTEXT + k]) for text in texts]


@pytest.mark.parametrize("k", (0, 1, 7))
def test_other_k_are_refused(tiny_genome, k):
    examples = Examples(np.array(["a"]), np.zeros(1, int), np.zeros((1, 56), np.uint8), 0, np.zeros(1, int))
    with pytest.raises(InputError, match="expected 2 to 6"):
        examples.labels(k)


class _Text:
    """A genome of one text."""

    def __init__(self, text: str) -> None:
        self.lengths = {"chr1": len(text)}
        self._letters = np.frombuffer(text.encode(), dtype=np.uint8)

    def letters(self, chrom: str, start: int, end: int) -> np.ndarray:
        return self._letters[start:end]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    gaps=st.lists(st.integers(0, 1_499), max_size=6),
    held=st.lists(st.tuples(st.integers(0, 1_400), st.integers(60, 500)), min_size=1, max_size=3),
    flank=st.sampled_from((0, 7, 40)),
)
def test_no_example_crosses_an_n_or_the_border(tmp_path_factory, seed, gaps, held, flank):
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), 1_500)
    letters[gaps] = "N"
    text = "".join(letters)
    genome = Genome(tmp_path_factory.getbasetemp() / "none.fa", _Text(text))
    bed = tmp_path_factory.mktemp("beds") / "held.bed"
    bed.write_text("".join(f"1\t{start}\t{min(1_500, start + size)}\n" for start, size in held))
    is_held = np.zeros(1_500, dtype=bool)
    for start, size in held:
        is_held[start : start + size] = True
    span = flank + CONTEXT + LONGEST
    windows = [(text[at : at + span], is_held[at : at + span]) for at in range(1_500 - span + 1)]
    for stretches, wanted in zip(split_genomes([genome], bed), (False, True), strict=True):
        possible = [at for at, (word, side) in enumerate(windows) if "N" not in word and (side == wanted).all()]
        if not possible:
            with pytest.raises(InputError, match="there are 0 places"):
                sample_examples(stretches, 1, flank=flank)
            continue
        n = int(rng.integers(1, len(possible) + 1))
        found = sample_examples(stretches, n, flank=flank, seed=seed)
        begins = (found.start - flank).tolist()
        assert len(set(begins)) == n
        assert set(begins) <= set(possible)
        assert [decode_bases(row) for row in found.codes] == [text[at : at + span] for at in begins]
        everything = sample_examples(stretches, len(possible), flank=flank)
        assert (everything.start - flank).tolist() == possible  # every place can be drawn
        with pytest.raises(InputError, match=f"there are {len(possible):,} places"):
            sample_examples(stretches, len(possible) + 1, flank=flank)


def test_places_are_drawn_evenly(chance):
    stretches = chance.stretches[0]
    starts = np.concatenate([sample_examples(stretches, 300, seed=seed).start for seed in range(40)])
    counts = np.array([((starts >= each.start) & (starts < each.end)).sum() for each in stretches])
    rooms = np.array([each.end - each.start - CONTEXT - LONGEST + 1 for each in stretches])
    expected = 12_000 * rooms / rooms.sum()
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_seeds_and_sides(certain_fasta, heldout):
    one, same, other = (Study([certain_fasta], heldout, Sampling(300, 100, seed=seed)) for seed in (1, 1, 2))
    assert one.train.start.tolist() == same.train.start.tolist() != other.train.start.tolist()
    assert one.test.start.tolist() == same.test.start.tolist() != other.test.start.tolist()


def test_what_is_held_back(chance):
    learn, choose = held_back(chance.train, 0.1, seed=3)
    assert sorted([*learn, *choose]) == list(range(len(chance.train)))
    assert len(choose) == 100
    shared = set(chance.train.block[learn]) & set(chance.train.block[choose])
    assert len(shared) <= 1  # the last block taken may be divided
    assert len(set(chance.train.block[choose])) > 3
    with pytest.raises(InputError, match="at least 2"):
        held_back(chance.train.take(np.array([0])))


def test_training_codes_have_nothing_held_out(chance, random_fasta):
    (codes,) = chance.training_codes()
    plain = open_genome(random_fasta).codes("chr1")
    assert (codes[1_000:2_500] == 4).all()
    assert (codes[5_000:6_000] == 4).all()
    keep = np.r_[0:1_000, 2_500:5_000, 6_000 : len(plain)]
    assert np.array_equal(codes[keep], plain[keep])


def test_bed_and_genomes_must_fit(random_fasta, certain_fasta, heldout, tmp_path):
    with pytest.raises(InputError, match="in two of the genomes"):
        split_genomes([open_genome(random_fasta), open_genome(certain_fasta)], heldout)
    elsewhere = tmp_path / "chr9.bed"
    elsewhere.write_text("chr9\t0\t100\n")
    with pytest.raises(InputError, match="nothing on"):
        split_genomes([open_genome(random_fasta)], elsewhere)
    with pytest.raises(InputError, match="no such file"):
        Study([random_fasta], tmp_path / "no.bed", Sampling())


def test_kmer_number_of_many():
    codes = np.array(list(product(range(4), repeat=3)), dtype=np.uint8)
    assert kmer_number(codes).tolist() == list(range(64))
