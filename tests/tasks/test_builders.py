"""The three data sets on the embedded slice, against bedtools and Biopython."""

import subprocess

import numpy as np
import pytest

from grover_probe.bpe import load_tokenizer
from grover_probe.data.sample import sample_path
from grover_probe.errors import InputError
from grover_probe.genome import decode_bases
from grover_probe.tasks.ctcf import base_frequencies, ctcf, motif_hits
from grover_probe.tasks.prom300 import prom300
from grover_probe.tasks.promscan import promscan
from grover_probe.tasks.sources import read_lines
from grover_probe.tasks.splits import SplitRule
from grover_probe.tasks.tss import read_tss
from grover_probe.vocabulary.motif import UNIT, read_pfm, score_threshold

RULE = SplitRule(block=150_000)


@pytest.fixture(scope="module")
def tss(slice_genome):
    return read_tss(sample_path("tss.bed.gz"), slice_genome)


@pytest.fixture(scope="module")
def tokenizer(sample_checkpoint):
    return load_tokenizer(sample_checkpoint)


@pytest.fixture(scope="module")
def motif(matrix_path):
    return read_pfm(matrix_path)


@pytest.fixture(scope="module")
def peaks(slice_genome):
    return read_lines(sample_path("ctcf.bed.gz"), slice_genome)[0]


@pytest.fixture(scope="module")
def bound(slice_genome, motif, peaks):
    return ctcf(slice_genome, motif, peaks, RULE, p_value=1e-4)


@pytest.fixture(scope="module")
def getfasta(slice_genome, tmp_path_factory, bedtools):
    """Sequences of rows of a table as bedtools cuts them out."""
    folder = tmp_path_factory.mktemp("getfasta")
    name = slice_genome.names[0]
    (folder / "g.fa").write_text(f">{name}\n{decode_bases(slice_genome.codes(name))}\n")

    def get(table) -> list[str]:
        lines = [f"{r.chrom}\t{r.start}\t{r.end}\tx\t0\t{r.strand}\n" for r in table.itertuples()]
        (folder / "r.bed").write_text("".join(lines))
        command = [bedtools, "getfasta", "-s", "-tab", "-fi", str(folder / "g.fa"), "-bed", str(folder / "r.bed")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [line.split("\t")[1] for line in done.stdout.splitlines()]

    return get


class TestProm300:
    def test_positives_are_the_promoters(self, slice_genome, tss, getfasta):
        found = prom300(slice_genome, tss, RULE).table
        positives = found[found["label"] == 1]
        assert positives["sequence"].tolist() == getfasta(positives)
        place = {(str(c), int(p)) for c, p in zip(tss.chrom, tss.position, strict=True)}
        ahead = positives["strand"] == "+"
        at = positives["start"].where(~ahead, positives["start"] + 250).where(ahead, positives["end"] - 251)
        assert set(zip(positives["chrom"], at, strict=True)) <= place
        widened = positives.assign(start=positives["start"] - 100, end=positives["end"] + 100)
        assert (positives["left"] + positives["sequence"] + positives["right"]).tolist() == getfasta(widened)

    def test_pairs(self, slice_genome, tss):
        found = prom300(slice_genome, tss, RULE)
        for _, pair in found.table.groupby("group"):
            assert sorted(pair["label"]) == [0, 1] and pair["split"].nunique() == 1
            counts = [[text.count(a + b) for a in "ACGT" for b in "ACGT"] for text in pair["sequence"]]
            assert len({len(text) for text in pair["sequence"]}) == 1 and pair["sequence"].nunique() == 2
            overlapping = [sum(text[i : i + 2] == "AA" for i in range(len(text))) for text in pair["sequence"]]
            assert overlapping[0] == overlapping[1] and counts[0][1] == counts[1][1]
        assert found.card["leakage"]["test_in_train"]["near_duplicates"] == 0
        assert found.card["left_out"]["start sites: other gene types"] > 0

    @pytest.mark.parametrize("negatives", ["tokens", "retokenised"])
    def test_shuffled_tokens(self, slice_genome, tss, tokenizer, negatives, getfasta):
        found = prom300(slice_genome, tss, RULE, negatives=negatives, tokenizer=tokenizer)
        assert ("tokens" in found.table) == (negatives == "tokens")
        for row in found.table.head(40).itertuples():
            if negatives == "tokens":
                ids = np.array(row.tokens.split(), dtype=int)
                assert tokenizer.decode(ids) == row.sequence
                again = tokenizer.encode_text(row.left + row.sequence + row.right)
                assert (row.label == 1) == (f" {row.tokens} " in f" {' '.join(map(str, again.ids))} ")
        positives = found.table[found.table["label"] == 1]
        assert positives["sequence"].tolist() == getfasta(positives)
        for _, pair in found.table.groupby("group"):
            assert len({"".join(sorted(text)) for text in pair["sequence"]}) == 1
            if negatives == "tokens":
                assert len({tuple(sorted(text.split())) for text in pair["tokens"]}) == 1

    def test_seed(self, slice_genome, tss):
        one, two = (prom300(slice_genome, tss, RULE, seed=3) for _ in range(2))
        assert one.hash == two.hash != prom300(slice_genome, tss, RULE, seed=4).hash

    def test_refuses(self, slice_genome, tss):
        with pytest.raises(InputError, match="negatives 'x': expected one of tokens, retokenised"):
            prom300(slice_genome, tss, RULE, negatives="x")
        with pytest.raises(InputError, match="need a tokenizer"):
            prom300(slice_genome, tss, RULE, negatives="tokens")


class TestPromScan:
    def test_windows(self, slice_genome, tss, getfasta):
        found = promscan(slice_genome, tss, RULE).table
        assert found["sequence"].tolist() == getfasta(found)
        site = {f"{n}:{c}:{p}:{'+' if f else '-'}": (p, f) for n, c, p, f in
                zip(tss.name, tss.chrom, tss.position.tolist(), tss.forward, strict=True)}  # fmt: skip
        leads = []
        for group, rows in found.groupby("group"):
            position, forward = site[group]
            low, high = (position - 250, position + 50) if forward else (position - 49, position + 251)
            whole = (rows["start"] <= low) & (rows["end"] >= high)
            assert whole.tolist() == (rows["label"] == 1).tolist() and whole.sum() == 1
            touching = (rows["start"] < high) & (rows["end"] > low)
            assert touching.sum() == 1 and len(rows) <= 10
            holder = rows[whole].iloc[0]
            leads.append(low - holder["start"] if forward else holder["end"] - high)
        assert min(leads) < 150 and max(leads) > 550 and max(leads) <= 700

    def test_centre(self, slice_genome, tss):
        found = promscan(slice_genome, tss, RULE, place="centre").table
        ahead = found[(found["label"] == 1) & (found["strand"] == "+")]
        assert set(ahead["start"] + 600) <= set(tss.position.tolist())

    def test_other_promoters_are_no_negatives(self, slice_genome, tss):
        found = promscan(slice_genome, tss, RULE)
        other = [(p - 250, p + 50) if f else (p - 49, p + 251) for p, f in zip(tss.position, tss.forward, strict=True)]
        negatives = found.table[found.table["label"] == 0]
        assert not any(((negatives["start"] < high) & (negatives["end"] > low)).any() for low, high in other)
        assert found.card["left_out"]["windows that touch the promoter of another site"] > 0

    def test_refuses(self, slice_genome, tss):
        with pytest.raises(InputError, match="windows of at least 300 bases"):
            promscan(slice_genome, tss, RULE, window=200)


class TestCtcf:
    def test_threshold_is_that_of_biopython(self, slice_genome, motif, matrix_path):
        from Bio import motifs

        background = base_frequencies(slice_genome)
        with matrix_path.open() as handle:
            theirs = motifs.read(handle, "jaspar")
        share = dict(zip("ACGT", background.tolist(), strict=True))
        scores = theirs.counts.normalize(pseudocounts=share).log_odds(share)
        distribution = scores.distribution(background=share, precision=10**3)
        for p_value in (1e-3, 1e-4, 1e-5):
            own = score_threshold(motif.weights(background), background, p_value) * UNIT
            assert own == pytest.approx(distribution.threshold_fpr(p_value), abs=0.05)

    def test_hits_are_those_of_biopython(self, slice_genome, motif, matrix_path):
        from Bio import motifs
        from Bio.Seq import Seq

        hits = motif_hits(slice_genome, motif, 1e-4)
        with matrix_path.open() as handle:
            theirs = motifs.read(handle, "jaspar")
        share = dict(zip("ACGT", base_frequencies(slice_genome).tolist(), strict=True))
        scores = theirs.counts.normalize(pseudocounts=share).log_odds(share)
        low, high = 2_000_000, 2_060_000
        text = decode_bases(slice_genome.codes(slice_genome.names[0], low, high))
        found = {}
        for place, score in scores.search(Seq(text), threshold=hits.threshold + 0.1):
            start = low + place if place >= 0 else low + place + len(text)
            found[start] = max(score, found.get(start, -99.0))
        here = (hits.start >= low) & (hits.start <= high - motif.width)
        own = dict(zip(hits.start[here].tolist(), hits.score[here].tolist(), strict=True))
        assert len(found) > 3
        for start, score in found.items():  # each is among ours, or overlaps a better one that is
            near = [other for other in own if abs(other - start) < motif.width]
            assert near and max(own[other] for other in near) >= score - 0.1
            if start in own:
                assert own[start] == pytest.approx(score, abs=0.1)
        assert np.diff(hits.start).min() >= motif.width

    def test_labels_are_those_of_bedtools(self, bound, motif, peaks, tmp_path, bedtools):
        table = bound.table
        middle = table["start"] + (500 - motif.width) // 2 + motif.width // 2
        lines = [f"{c}\t{m}\t{m + 1}\t{i}\n" for c, m, i in zip(table["chrom"], middle, table["id"], strict=True)]
        (tmp_path / "a.bed").write_text("".join(lines))
        (tmp_path / "b.bed").write_text("".join(f"{p.chrom}\t{p.start}\t{p.end}\n" for p in peaks))
        command = [bedtools, "intersect", "-u", "-a", str(tmp_path / "a.bed"), "-b", str(tmp_path / "b.bed")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert {line.split("\t")[3] for line in done.stdout.splitlines()} == set(table.loc[table["label"] == 1, "id"])
        assert bound.card["details"]["Peaks"]["share with a motif site"] > 0.6

    def test_orientation(self, slice_genome, motif, peaks, bound, getfasta):
        assert bound.table["sequence"].tolist() == getfasta(bound.table)
        turned = ctcf(slice_genome, motif, peaks, RULE, p_value=1e-4, orient="motif").table
        assert set(turned["strand"]) == {"+", "-"} and turned["sequence"].tolist() == getfasta(turned)
        core = turned["sequence"].str[(500 - motif.width) // 2 :].str[:19]
        assert core[turned["label"] == 1].str[9].eq("G").mean() > 0.8  # the matrix has G there in 99 %

    def test_matched(self, slice_genome, motif, peaks, bound):
        found = ctcf(slice_genome, motif, peaks, RULE, p_value=1e-4, matched=True)
        table = found.table
        assert set(table["id"]) < set(bound.table["id"])
        for sizes in found.counts().values():
            assert sizes["0"] == sizes["1"] > 0
        means = table.groupby("label")[["gc", "score"]].mean()
        assert abs(means["gc"].diff().iloc[1]) < 0.03 and abs(means["score"].diff().iloc[1]) < 0.4
        before = bound.table.groupby("label")["score"].mean()
        assert before[1] - before[0] > 1

    def test_refuses(self, slice_genome, motif, peaks):
        with pytest.raises(InputError, match="no sequence is as rare as p = 1e-30"):
            ctcf(slice_genome, motif, peaks, RULE, p_value=1e-30)
        with pytest.raises(InputError, match=r"p-value 1\.5"):
            ctcf(slice_genome, motif, peaks, RULE, p_value=1.5)
        shifted = [type(p)(p.number, p.chrom, 5_000 + i, 5_001 + i, p.fields) for i, p in enumerate(peaks[:3])]
        with pytest.raises(InputError, match=r"none of .* motif sites lies in one of 3 peaks.*another assembly"):
            ctcf(slice_genome, motif, shifted, RULE)
