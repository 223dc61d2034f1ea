"""The tokenised genome: runs against plain loops, and what comes back from disk."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.bpe import reference
from grover_probe.corpus import Corpus, concatenate, tokenize
from grover_probe.corpus_files import open_corpus, save_corpus, write_corpus
from grover_probe.errors import InputError
from grover_probe.genome import Region, open_genome

NO_RUNS = np.empty((0, 2), dtype=np.int64)


def make_corpus(chromosomes: list[list[tuple[int, int]]]) -> Corpus:
    """A corpus of tokens given as (gap before, length) in bases, chromosome by chromosome; the id is the length."""
    starts, ids, bounds = [], [], [0]
    for tokens in chromosomes:
        position = 0
        for gap, length in tokens:
            starts.append(position + gap)
            ids.append(length)
            position += gap + length
        bounds.append(len(ids))
    return Corpus(
        ids=np.array(ids, dtype=np.uint16),
        starts=np.array(starts, dtype=np.uint32),
        chroms=tuple(f"chr{number}" for number in range(1, len(chromosomes) + 1)),
        bounds=np.array(bounds, dtype=np.int64),
        token_lengths=np.arange(6),
        meta={"genome": {"name": "made up"}, "tokenizer": {"hash": "0" * 64}},
    )


def merged(regions: list[Region]) -> list[Region]:
    """Regions that share a base made one, pair by pair until nothing changes; those that touch stay apart."""
    found = [dataclasses.replace(region, name="") for region in regions]
    for one in found:
        for other in found:
            if one is not other and one.chrom == other.chrom and one.start < other.end and other.start < one.end:
                rest = [region for region in found if region is not one and region is not other]
                return merged([*rest, Region(one.chrom, min(one.start, other.start), max(one.end, other.end))])
    return found


def slow_runs(corpus: Corpus, regions: list[Region] | None, exclude: list[Region]) -> list[list[int]]:
    """Token by token: which region it is in, and whether it goes on from the token before."""
    areas = None if regions is None else merged(regions)
    runs: list[list[int]] = []
    before = None  # chromosome, end and region of the token before, when that was kept
    for token in range(len(corpus)):
        chrom = corpus.chroms[sum(corpus.bounds[1:] <= token)]
        start = int(corpus.starts[token])
        end = start + int(corpus.token_lengths[corpus.ids[token]])
        area = 0
        if areas is not None:
            inside = [n for n, r in enumerate(areas) if r.chrom == chrom and r.start <= start and end <= r.end]
            area = inside[0] if inside else -1
        if area < 0 or any(r.chrom == chrom and r.start < end and start < r.end for r in exclude):
            before = None
            continue
        if before == (chrom, start, area):
            runs[-1][1] += 1
        else:
            runs.append([token, token + 1])
        before = (chrom, end, area)
    return runs


corpora = st.lists(
    st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 3]), st.integers(1, 5)), max_size=25), min_size=1, max_size=3
).map(make_corpus)
region_lists = st.lists(
    st.tuples(st.sampled_from(["chr1", "2", "chr3"]), st.integers(0, 60), st.integers(1, 30)).map(
        lambda one: Region("chr" + one[0].removeprefix("chr"), one[1], one[1] + one[2])
    ),
    max_size=5,
)


class TestRuns:
    """Token ranges without a gap."""

    @given(corpora, st.none() | region_lists, region_lists)
    @settings(max_examples=200, deadline=None)
    def test_against_a_loop_over_tokens(self, corpus, regions, exclude):
        found = corpus.runs(regions, exclude=exclude)
        assert found.dtype == np.int64
        assert found.shape == (len(found), 2)
        assert found.tolist() == slow_runs(corpus, regions, exclude)

    @given(corpora, region_lists, st.randoms())
    @settings(deadline=None)
    def test_order_and_repetition_of_regions_do_not_matter(self, corpus, regions, random):
        again = [*regions, *regions[:2]]
        random.shuffle(again)
        assert corpus.runs(again).tolist() == corpus.runs(regions).tolist()
        assert corpus.runs(exclude=again).tolist() == corpus.runs(exclude=regions).tolist()

    def test_by_hand(self):
        corpus = make_corpus([[(0, 4)] * 5 + [(10, 2), (0, 2), (0, 2)], [(0, 3)] * 2])
        assert corpus.runs().tolist() == [[0, 5], [5, 8], [8, 10]]
        assert corpus.runs([Region("1", 0, 9), Region("chr1", 8, 16)]).tolist() == [[0, 4]]
        assert corpus.runs([Region("1", 0, 8), Region("chr1", 8, 16)]).tolist() == [[0, 2], [2, 4]]
        assert corpus.runs([Region("1", 0, 10), Region("chr1", 10, 16)]).tolist() == [[0, 2], [3, 4]]
        assert corpus.runs(exclude=[Region("chr1", 7, 9)]).tolist() == [[0, 1], [3, 5], [5, 8], [8, 10]]
        assert corpus.runs([Region("chr1", 1, 3)]).tolist() == []

    def test_a_run_has_no_n(self, tiny_corpus, tiny_genome):
        runs = tiny_corpus.runs()
        for begin, stop in runs:
            chrom = tiny_corpus.chroms[int(tiny_corpus.chrom_of(begin))]
            ends = tiny_corpus.ends(begin, stop)
            codes = tiny_genome.codes(chrom, int(tiny_corpus.starts[begin]), int(ends[-1]))
            assert codes.max() < 4
            np.testing.assert_array_equal(tiny_corpus.starts[begin + 1 : stop], ends[:-1])
        n_segments = sum(len(tiny_genome.segments(name)) for name in tiny_genome.names)
        assert len(runs) == n_segments == 5
        assert (runs[:, 1] - runs[:, 0]).sum() == len(tiny_corpus)


class TestTokenize:
    """From a genome to a corpus."""

    def test_against_the_slow_reference(self, tiny_corpus, tiny_text, tiny_tokenizer):
        for index, (name, text) in enumerate(tiny_text.items()):
            first, last = tiny_corpus.bounds[index : index + 2]
            expected = [(number, start) for number, start in slow_tokens(text.upper(), tiny_tokenizer)]
            assert tiny_corpus.chroms[index] == name
            found = list(
                zip(tiny_corpus.ids[first:last].tolist(), tiny_corpus.starts[first:last].tolist(), strict=True)
            )
            assert found == expected

    def test_tokens_spell_the_genome(self, tiny_corpus, tiny_tokenizer, tiny_text):
        for token in range(0, len(tiny_corpus), 97):
            chrom = tiny_corpus.chroms[int(tiny_corpus.chrom_of(token))]
            start, end = int(tiny_corpus.starts[token]), int(tiny_corpus.ends(token, token + 1)[0])
            assert tiny_text[chrom][start:end].upper() == tiny_tokenizer.pieces[tiny_corpus.ids[token] - 5]

    def test_some_chromosomes(self, tiny_genome, tiny_tokenizer, tiny_corpus):
        part = tokenize(tiny_genome, tiny_tokenizer, ["MT", "1", "chr1"], progress=False)
        assert part.chroms == ("chrM", "chr1")
        first, last = tiny_corpus.bounds[2:4]
        np.testing.assert_array_equal(part.ids[: part.bounds[1]], tiny_corpus.ids[first:last])
        assert part.meta["genome"]["sha256"] == tiny_corpus.meta["genome"]["sha256"]
        assert part.tokenizer_hash == tiny_tokenizer.hash
        assert repr(part) == f"Corpus({len(part):,} tokens on 2 sequences)"

    def test_chromosome_without_bases_among_others(self, write_fasta, tmp_path, tiny_tokenizer):
        genome = open_genome(write_fasta(tmp_path / "g.fa", {"a": "ACGT" * 9, "b": "NNNN", "c": "GATTACA" * 9}))
        corpus = tokenize(genome, tiny_tokenizer, progress=False)
        assert corpus.bounds[1] == corpus.bounds[2]
        assert [corpus.chroms[int(corpus.chrom_of(begin))] for begin, _ in corpus.runs()] == ["a", "c"]

    def test_nothing_but_n(self, write_fasta, tmp_path, tiny_tokenizer):
        genome = open_genome(write_fasta(tmp_path / "n.fa", {"a": "NNNN", "b": "nn"}))
        with pytest.raises(InputError, match=r"n\.fa: no A, C, G or T in a, b"):
            tokenize(genome, tiny_tokenizer, progress=False)

    def test_unknown_chromosome(self, tiny_genome, tiny_tokenizer):
        with pytest.raises(InputError, match="no sequence named 'chr9'"):
            tokenize(tiny_genome, tiny_tokenizer, ["chr9"], progress=False)

    def test_more_ids_than_a_corpus_holds(self, tiny_genome):
        with pytest.raises(InputError, match=r"65,541 ids; a corpus holds up to 65,536"):
            tokenize(tiny_genome, SimpleNamespace(lengths=np.zeros(65_541)), progress=False)

    def test_longer_sequence_than_a_corpus_holds(self, tiny_tokenizer, tmp_path):
        genome = SimpleNamespace(path=tmp_path, names=("a",), lengths={"a": 2**32 + 1})
        with pytest.raises(InputError, match="a is longer than 4,294,967,296 bases"):
            tokenize(genome, tiny_tokenizer, progress=False)


def slow_tokens(text: str, tokenizer) -> list[tuple[int, int]]:
    """Ids and starts by merging pair by pair between N."""
    found, position = [], 0
    for part in text.split("N"):
        for number in reference.encode(part, tokenizer.merges.pairs.tolist()):
            found.append((number, position))
            position += len(tokenizer.pieces[number - 5])
        position += 1
    return found


class TestConcatenate:
    """Several genomes with one tokenizer."""

    def test_two(self, tiny_genome, tiny_tokenizer, tiny_corpus):
        parts = [tokenize(tiny_genome, tiny_tokenizer, [name], progress=False) for name in tiny_genome.names]
        whole = concatenate(parts)
        np.testing.assert_array_equal(whole.ids, tiny_corpus.ids)
        np.testing.assert_array_equal(whole.starts, tiny_corpus.starts)
        np.testing.assert_array_equal(whole.bounds, tiny_corpus.bounds)
        assert whole.chroms == tiny_corpus.chroms
        assert whole.runs().tolist() == tiny_corpus.runs().tolist()

    def test_other_tokenizer(self, tiny_corpus):
        other = dataclasses.replace(tiny_corpus, chroms=("a", "b", "c"), meta={"tokenizer": {"hash": "x"}})
        with pytest.raises(InputError, match="different tokenizers"):
            concatenate([tiny_corpus, other])

    def test_same_chromosome_under_another_name(self, tiny_corpus):
        with pytest.raises(InputError, match="in two of the genomes"):
            concatenate([tiny_corpus, dataclasses.replace(tiny_corpus, chroms=("1", "x", "y"))])


class TestOnDisk:
    """Written, opened, and refused when something is missing."""

    @pytest.fixture
    def folder(self, tiny_corpus, tmp_path):
        return save_corpus(tiny_corpus, tmp_path / "my corpus")

    def test_round_trip(self, folder, tiny_corpus, tiny_tokenizer):
        found = open_corpus(folder, tiny_tokenizer)
        for field in dataclasses.fields(Corpus):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(tiny_corpus, field.name))
        assert isinstance(found.ids, np.memmap)
        assert (found.ids.dtype, found.starts.dtype) == (np.uint16, np.uint32)
        assert found.runs([Region("2", 100, 3_000)]).tolist() == tiny_corpus.runs([Region("2", 100, 3_000)]).tolist()

    def test_written_from_a_genome(self, tmp_path, tiny_genome, tiny_tokenizer, tiny_corpus):
        found = write_corpus(tiny_genome, tiny_tokenizer, tmp_path / "new" / "corpus", progress=False)
        np.testing.assert_array_equal(found.ids, tiny_corpus.ids)
        assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["corpus"]

    def test_replaces_an_earlier_one(self, folder, tiny_genome, tiny_tokenizer):
        part = tokenize(tiny_genome, tiny_tokenizer, ["chrM"], progress=False)
        save_corpus(part, folder)
        assert len(open_corpus(folder)) == len(part)
        assert [path.name for path in folder.parent.iterdir()] == ["my corpus"]

    def test_never_deletes_what_is_no_corpus(self, folder, tiny_corpus):
        (folder / "thesis.txt").write_text("precious")
        with pytest.raises(InputError, match=r"my corpus: holds other files \(thesis.txt, \.\.\.\)"):
            save_corpus(tiny_corpus, folder)
        assert (folder / "thesis.txt").read_text() == "precious"
        with pytest.raises(InputError, match="a file stands where"):
            save_corpus(tiny_corpus, folder / "thesis.txt")
        assert (folder / "thesis.txt").read_text() == "precious"

    def test_failed_writing_leaves_the_earlier_one(self, folder, tiny_corpus, monkeypatch):
        monkeypatch.setattr(json, "dumps", lambda *args, **more: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OSError, match="No space left"):
            save_corpus(tiny_corpus, folder)
        monkeypatch.undo()
        assert len(open_corpus(folder)) == len(tiny_corpus)
        assert [path.name for path in folder.parent.iterdir()] == ["my corpus"]

    @pytest.mark.parametrize("name", ["ids.npy", "starts.npy", "corpus.json"])
    @pytest.mark.parametrize("keep", [None, 0, 5, 0.5, 0.98])
    def test_truncated_or_missing_files(self, folder, name, keep):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        if keep is not None:
            (folder / name).write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
        with pytest.raises(
            InputError, match="not a corpus folder" if name.endswith("json") else "damaged or incomplete"
        ):
            open_corpus(folder)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format_version": 2}, "corpus format 2, expected 1; encode the genome again"),
            ({"format_version": "1"}, "corpus format 1, expected 1"),
            ({"n_tokens": 7}, "7 expected"),
            ({"bounds": [0, 5]}, "damaged or incomplete"),
            ({"bounds": "many"}, "damaged or incomplete"),
            ({"tokenizer": None}, "damaged or incomplete"),
            ({"token_lengths": ["x"]}, "damaged or incomplete"),
        ],
    )
    def test_changed_record(self, folder, change, message):
        record = json.loads((folder / "corpus.json").read_text())
        (folder / "corpus.json").write_text(json.dumps(record | change))
        with pytest.raises(InputError, match=message):
            open_corpus(folder)

    @pytest.mark.parametrize("key", ["chroms", "bounds", "token_lengths", "genome", "tokenizer", "n_tokens"])
    def test_incomplete_record(self, folder, key):
        record = json.loads((folder / "corpus.json").read_text())
        del record[key]
        (folder / "corpus.json").write_text(json.dumps(record))
        with pytest.raises(InputError, match=f"damaged or incomplete.*{key}"):
            open_corpus(folder)

    @pytest.mark.parametrize("content", ["[]", "3", "null", '"x"', "{}", "\x00"])
    def test_other_json(self, folder, content):
        (folder / "corpus.json").write_text(content)
        with pytest.raises(InputError, match="not a corpus folder"):
            open_corpus(folder)

    def test_other_numbers(self, folder, tiny_corpus):
        np.save(folder / "ids.npy", tiny_corpus.ids.astype(np.int64))
        with pytest.raises(InputError, match="must be uint16 and uint32"):
            open_corpus(folder)

    def test_pickled_objects_are_not_loaded(self, folder, tiny_corpus):
        np.save(folder / "ids.npy", np.array([{}] * len(tiny_corpus), dtype=object), allow_pickle=True)
        with pytest.raises(InputError, match="damaged or incomplete"):
            open_corpus(folder)

    def test_other_tokenizer(self, folder):
        with pytest.raises(InputError, match=r"made with tokenizer [0-9a-f]{12}, not with abcabcabcabc"):
            open_corpus(folder, SimpleNamespace(hash="abc" * 20))

    def test_no_folder(self, tmp_path):
        for path in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(InputError, match="not a corpus folder"):
                open_corpus(path)
