"""A folder of small results by the code that makes large ones; only the two UMAPs are first components instead."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.annotation import Annotation, read_annotation
from grover_probe.batches import BERT_SPECIALS
from grover_probe.bpe import BPETokenizer
from grover_probe.corpus import Corpus
from grover_probe.extract.job import Job
from grover_probe.extract.results import PassResult, open_pass
from grover_probe.extract.whole import extract
from grover_probe.genome import Genome, Region

REDUCERS = ("moments", "directions", "dimensions", "standardised", "explainable", "cka", "lens", "windows")
REGION = Region("chr1", 5_000, 9_500)


def make_pass(model: Path, fasta: Path, out: Path) -> PassResult:
    """All reducers over the tiny genome."""
    job = Job(model=str(model), genome=fasta, tokenizer=model, reducers=REDUCERS, sample_every=1, sample_per_token=8)
    extract(job, out, device="cpu", progress=False)
    return open_pass(out)


def write_annotation(folder: Path, genome: Genome) -> list[Annotation]:
    """Repeats of three classes, genes with exons on both strands, states without a gap, and single sites."""
    starts = range(0, 11_400, 300)
    lines = {
        "repeats": [f"chr1\t{at}\t{at + 200}\t{('SINE', 'LINE', 'LTR')[at // 300 % 3]}\t0\t+" for at in starts],
        "genes": ["chr1\t4000\t7000\tONE\t0\t+", "chr1\t6500\t9000\tTWO\t0\t-"],
        "exons": ["chr1\t4000\t5400\tONE\t0\t+", "chr1\t6600\t6900\tTWO\t0\t-"],
        "chromatin": [
            f"chr1\t{at}\t{at + 1000}\t{1 + at // 1000 % 3}_State{at // 1000 % 3}" for at in range(0, 11_000, 1000)
        ],
        "ctcf": ["chr1\t5100\t5300", "chr1\t7600\t7900"],
    }  # fmt: skip
    found = []
    for name, rows in lines.items():
        path = folder / f"{name}.bed"
        path.write_text("\n".join(rows) + "\n")
        found.append(read_annotation(path, genome, 4 if name in ("repeats", "genes", "chromatin") else None, name))
    return found


def write_selfsim(found: PassResult, corpus: Corpus, repeats: Annotation, folder: Path) -> None:
    """Table and record as the command leaves them."""
    from grover_probe.annotation import share_per_token
    from grover_probe.selfsim import from_pass

    whole = replace(repeats, class_names=("repeats",), klass=np.zeros_like(repeats.klass)).classes["repeats"]
    result = from_pass(found, repeat_share=share_per_token(corpus, corpus.runs(), whole))
    result.save(folder)
    layers = json.loads(result.layers.to_json(orient="records"))
    (folder / "selfsim.run.json").write_text(json.dumps({"layers": layers}))


def write_maps(found: PassResult, annotations: list[Annotation], folder: Path) -> None:
    """Maps of two spaces of tokens, and of windows with two annotations and a signal."""
    from grover_probe.maps import tokens, windows
    from grover_probe.maps.labels import WindowLabels

    with pytest.MonkeyPatch.context() as patch:
        for module in (tokens, windows):
            patch.setattr(module, "umap_coordinates", lambda scores, **_: scores[:, :2])
        last = found.layers[-1]
        spaces = {f"layer {last}": found.token_means(last), "layer 0": found.token_means(0)}
        tokens.token_map(spaces, found.pieces, found.counts, n_permutations=19, progress=False).save(
            folder / "maps-tokens"
        )
        table = found.windows.drop(columns="strand", errors="ignore")
        table = table[table["n_tokens"] > 30].reset_index(drop=True)
        rows = table["window"].to_numpy()
        middle = (table["start"] + table["end"]).to_numpy() // 2
        labels = [
            WindowLabels("repeats", "centre", np.where(middle % 300 < 200, "SINE", "none").astype(object)),
            WindowLabels("timing", "mean", np.array(["low", "high"], dtype=object)[middle % 2], middle % 97 / 97),
        ]
        composition = np.random.default_rng(0).normal(size=(len(rows), 4))
        windows.window_map(
            np.asarray(found.window_embeddings()[rows]), composition, table.assign(gc=0.4 + middle % 7 / 100), labels,
            block_size=600, k=5, n_turns=9, progress=False,
        ).save(folder / "maps-windows")  # fmt: skip


def write_probes(folder: Path) -> None:
    """Two targets of windows, one of which the composition knows as well."""
    from grover_probe.probes.cells import CellStore
    from grover_probe.probes.features import MODEL, Features, single
    from grover_probe.probes.folds import make_folds
    from grover_probe.probes.linear import Linear
    from grover_probe.probes.run import Level, Settings, run_level
    from grover_probe.probes.table import ProbeResult, probe_table
    from grover_probe.probes.targets import Target

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    level = Level(
        name="windows",
        targets=[Target("known", "windows", x[:, 0] + 0.1 * rng.normal(size=200)), Target("gc", "windows", x[:, 1])],
        folds=make_folds(np.repeat(np.arange(20), 10), 3, seed=0, rule="my groups"),
        features=[
            Features(MODEL, {(str(layer), "mean"): lambda layer=layer: x * (1 + layer) for layer in (0, 1)}),
            single("composition", x[:, 1:2]),
        ],
        random_labels=lambda seed: np.random.default_rng(seed).normal(size=200),
    )
    found = run_level(level, Settings([Linear()], n_resamples=20), CellStore(None), progress=False)
    ProbeResult(probe_table(found.cells)).save(folder)


def write_comparison(folder: Path) -> None:
    """A task that GC content solves in part, with a system whose weights are not here."""
    from grover_probe.compare import compare
    from grover_probe.compare.systems import choose_systems
    from grover_probe.tasks.reading import read_task

    rng = np.random.default_rng(5)
    folder.mkdir(parents=True)
    lines = ["sequence,label,group"]
    for number in range(120):
        share = [0.3, 0.2, 0.2, 0.3] if number % 2 else [0.2, 0.3, 0.3, 0.2]
        lines.append(f"{''.join(rng.choice(list('ACGT'), 40, p=share))},{number % 2},g{number // 4}")
    path = folder / "promscan.csv"
    path.write_text("\n".join(lines) + "\n")
    result = compare(read_task(path), choose_systems("dnabert2,gc,motif-score"), folder, seeds=(0,), progress=False)
    result.save(folder)


def write_region(
    network: object,
    corpus: Corpus,
    tokenizer: BPETokenizer,
    annotations: list[Annotation],
    genome: Genome,
    folder: Path,
) -> None:
    """Every token of a region that holds a run of N."""
    from grover_probe.evaluate.along import ask_along, ask_bigrams, plan_reading
    from grover_probe.evaluate.region import along, intervals_inside

    reading = plan_reading(corpus, REGION, 60)
    answers = ask_along(
        lambda ids, mask, selected: network(input_ids=ids).logits[selected],  # type: ignore[operator]
        corpus, reading, BERT_SPECIALS, every=10, batch_size=32, progress=False,
    )  # fmt: skip
    bigrams = ask_bigrams(corpus, reading, REGION)
    folder.mkdir()
    result = along(corpus, reading, tokenizer.pieces, answers, bigrams, intervals_inside(annotations, REGION))
    result.save(folder, genome.lengths)


def write_overlap(corpus: Corpus, tokenizer: BPETokenizer, annotations: list[Annotation], folder: Path) -> None:
    """Tokens in classes of repeats."""
    from grover_probe.overlap.tokens import token_overlap

    found = token_overlap(
        corpus, tokenizer.pieces, annotations[:1], n_turns=5, n_blocks=5, min_members=5, progress=False
    )
    found.save(folder)


def read(path: Path) -> pd.DataFrame:
    """A table beside a figure."""
    return pd.read_csv(path, sep="\t")
