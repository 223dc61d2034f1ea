"""One pass with all layers reduced, against the loop that keeps every tensor and against the bare forward pass.

    python -m benchmarks.extract                       # the shipped checkpoint and an untrained model of GROVER's size
    python -m benchmarks.extract --work pairs          # self-similarity against pairs, at 5,000 occurrences of a token
    python -m benchmarks.extract --dtype bf16 --device cuda

The same sequence for all, in two kinds of windows: full ones, and those of mixed length that GROVER's pretraining takes
(half of them full, the others of 20 to 510 tokens). The loop gets them as text: for full windows the longest texts, all
of one length, of which none has more than 510 tokens. Every measurement is a process of its own; each is made
`--repeats` times in turn and the fastest is reported. Times are of the call alone, without loading the model, and with
tokenising (but for the bare forward). Memory is what the call adds at its peak to what is there before it.
"""

import importlib.metadata
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.measuring import in_own_process, measure, print_table
from grover_probe.command import note
from grover_probe.data.sample import GENOME, SLICE_NAME, sample_path
from grover_probe.genome import decode_bases, open_genome

BATCH = 8
FIRST_BASE = 2_000_000  # of the embedded slice, where the demo reads too
LONGEST = 510  # tokens of a window
OCCURRENCES = 5_000
PAIRS_MEASURED = 400  # occurrences for which all pairs are really walked through
REDUCERS = ("moments", "directions", "dimensions", "windows")


# --- the four ways ---------------------------------------------------------------------------------------------------


def usual_loop(folder: str, text: str, mixed: bool, device: str, dtype: str) -> dict[str, float]:
    """Text windows, `padding=True`, `output_hidden_states=True`, every tensor kept on the CPU."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from grover_probe.models.loading import pick_dtype, quiet_transformers

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder, dtype=pick_dtype(dtype), add_pooling_layer=False).to(device).eval()
    windows = text_windows(folder, text, mixed)

    def work() -> tuple[list[Any], int]:
        kept, n_tokens = [], 0
        for begin in range(0, len(windows), BATCH):
            inputs = tokenizer(windows[begin : begin + BATCH], return_tensors="pt", padding=True).to(device)
            with torch.no_grad():
                output = model(**inputs, output_hidden_states=True)
            kept.append([layer.cpu() for layer in output.hidden_states])
            n_tokens += int(inputs["attention_mask"].sum()) - 2 * len(inputs["input_ids"])
        return kept, n_tokens

    return _timed(work)


def bare_forward(folder: str, text: str, mixed: bool, device: str, dtype: str) -> dict[str, float]:
    """Our windows through the encoder, last layer only, nothing kept."""
    import torch

    from grover_probe.batches import gather, in_length_order

    model, corpus, windows = _opened(folder, text, mixed, device, dtype)

    def work() -> tuple[None, int]:
        with torch.inference_mode():
            for group in in_length_order(windows, BATCH * 512):
                batch = gather(corpus().ids, group, model.specials)
                ids = torch.from_numpy(batch.input_ids).to(device)
                mask = None if batch.attention_mask is None else torch.from_numpy(batch.attention_mask).to(device)
                model.network(input_ids=ids, attention_mask=mask)
        _synchronise(device)
        return None, int((windows[:, 1] - windows[:, 0]).sum())

    return _timed(work)


def our_pass(folder: str, text: str, mixed: bool, device: str, dtype: str) -> dict[str, float]:
    """All layers into the reducers that `python -m grover_probe.extract` takes by default."""
    from grover_probe.extract.reducers import REDUCERS as KINDS
    from grover_probe.extract.reducers import Setup
    from grover_probe.extract.run import run_pass

    model, corpus, windows = _opened(folder, text, mixed, device, dtype)
    layers = tuple(range(model.n_layers))

    def work() -> tuple[Any, int]:
        tokens = corpus()
        setup = Setup(model, tokens, windows, windows, layers, window_layers=layers[-1:])
        reducers = [KINDS[name].for_pass(setup) for name in REDUCERS]
        run_pass(model, tokens, windows, reducers, layers=layers, batch_size=BATCH, progress=False)
        _synchronise(device)
        return [reducer.finalize() for reducer in reducers], int((windows[:, 1] - windows[:, 0]).sum())

    return _timed(work)


WAYS = {"usual loop, tensors kept": usual_loop, "bare forward": bare_forward, "**one pass, all layers**": our_pass}


def _opened(folder: str, text: str, mixed: bool, device: str, dtype: str) -> tuple[Any, Callable[[], Any], np.ndarray]:
    """Model, a function that tokenises, and the windows; everything is compiled already."""
    from grover_probe.bpe import load_tokenizer
    from grover_probe.models import load

    tokenizer = load_tokenizer(folder)
    model = load(folder, device=device, dtype=dtype)

    def corpus() -> Any:
        return _corpus(tokenizer, text)

    return model, corpus, token_windows(corpus(), mixed)


def _corpus(tokenizer: Any, text: str) -> Any:
    from grover_probe.corpus import tokenize

    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "text.fa"
        fasta.write_text(f">text\n{text}\n")
        return tokenize(open_genome(fasta), tokenizer, progress=False)


def token_windows(corpus: Any, mixed: bool) -> np.ndarray:
    from grover_probe.windows import fixed_windows, sample_windows

    if not mixed:
        return fixed_windows(corpus.runs(), LONGEST)
    rng = np.random.default_rng(0)
    windows = sample_windows(corpus.runs(), rng, LONGEST)
    return windows[rng.permutation(len(windows))]


def _timed(work: Callable[[], tuple[Any, int]]) -> dict[str, float]:
    (_, n_tokens), spent = measure(work)
    return spent | {"tokens": n_tokens}


def _synchronise(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def text_windows(folder: str, text: str, mixed: bool) -> list[str]:
    """The windows as text."""
    from grover_probe.bpe import load_tokenizer

    tokenizer = load_tokenizer(folder)
    if mixed:
        corpus = _corpus(tokenizer, text)
        return [tokenizer.decode(corpus.ids[begin:stop]) for begin, stop in token_windows(corpus, mixed)]
    for size in range(2_600, 0, -50):
        pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
        if max(len(found.ids) for found in tokenizer.encode_batch(pieces)) <= LONGEST:
            return pieces
    raise ValueError("no window fits")


def bench_pass(name: str, folder: str, text: str, mixed: bool, device: str, dtype: str, repeats: int) -> None:
    best: dict[str, dict[str, float]] = {}
    for repeat in range(repeats):
        for way, function in WAYS.items():
            note(f"{name}, {repeat + 1} of {repeats}: {way} ...")
            spent = in_own_process(function, folder, text, mixed, device, dtype)
            if way not in best or spent["wall"] < best[way]["wall"]:
                best[way] = spent
    loop, bare = (best[way] for way in list(WAYS)[:2])

    def per_token(spent: dict[str, float], clock: str) -> float:
        return spent[clock] / spent["tokens"]

    rows = []
    for way, spent in best.items():
        faster = [per_token(loop, clock) / per_token(spent, clock) for clock in ("wall", "cpu")]
        over = [100 * (per_token(spent, clock) / per_token(bare, clock) - 1) for clock in ("wall", "cpu")]
        rows.append(
            [way, f"{spent['tokens']:,.0f}", f"{spent['wall']:.1f}", f"{spent['cpu']:.1f}",
             f"{1 / per_token(spent, 'wall'):,.0f}", f"{spent['memory'] / 1e6:,.0f}",
             f"{faster[0]:.2f} (CPU {faster[1]:.2f})", f"{over[0]:+.0f} % (CPU {over[1]:+.0f} %)"]
        )  # fmt: skip
    kind = "windows of mixed length" if mixed else "full windows"
    print(f"\n### {name}, {len(text):,} bases in {kind}, {dtype} on {device}\n")
    print_table(["way", "tokens", "wall s", "CPU s", "tokens/s", "MB added", "times the loop", "time over bare"], rows)


# --- self-similarity -------------------------------------------------------------------------------------------------


def pairs_work(width: int) -> list[list[str]]:
    """Self-similarity of one token in one layer at 5,000 occurrences, three ways."""
    import torch
    from scipy.spatial.distance import cosine

    from grover_probe.extract.reducers import DirectionSums, TokenBatch
    from grover_probe.selfsim import mean_pair_cosine

    states = np.random.default_rng(0).normal(0.3, 1, (OCCURRENCES, width)).astype(np.float32)
    some = states[:PAIRS_MEASURED]

    def by_pairs() -> float:
        n = len(some)
        return float(np.mean([1 - cosine(some[i], some[j]) for i in range(n) for j in range(i + 1, n)]))

    def by_matrix() -> float:
        unit = states / np.linalg.norm(states, axis=1, keepdims=True)
        return float((unit @ unit.T)[np.triu_indices(OCCURRENCES, 1)].mean(dtype=np.float64))

    zeros = torch.zeros(OCCURRENCES, dtype=torch.long)
    batch = TokenBatch(zeros, zeros, zeros, 1, (torch.from_numpy(states),))

    def by_sums() -> float:
        sums = DirectionSums(1, 1, width)
        sums.update(batch)
        state = sums.finalize()
        return float(mean_pair_cosine(state["unit"][0, 0], state["count"][0]))

    by_sums()
    pairs_value, pairs_time = _seconds(by_pairs)
    matrix_value, matrix_time = _seconds(by_matrix)
    sums_value, sums_time = min((_seconds(by_sums) for _ in range(5)), key=lambda found: found[1])
    assert abs(matrix_value - sums_value) < 1e-5
    assert abs(pairs_value - by_matrix_of(some)) < 1e-5
    scaled = pairs_time * OCCURRENCES * (OCCURRENCES - 1) / PAIRS_MEASURED / (PAIRS_MEASURED - 1)
    return [
        [f"pair by pair (scipy), from {PAIRS_MEASURED} occurrences", f"{scaled:.1f}", f"{scaled / sums_time:,.0f}"],
        ["all cosines as one matrix product (numpy)", f"{matrix_time:.3f}", f"{matrix_time / sums_time:,.0f}"],
        ["**sum of unit vectors** (and mean cosine with the window)", f"{sums_time:.4f}", "1"],
    ]


def by_matrix_of(states: np.ndarray) -> float:
    unit = states / np.linalg.norm(states, axis=1, keepdims=True)
    return float((unit @ unit.T)[np.triu_indices(len(states), 1)].mean(dtype=np.float64))


def _seconds(work: Callable[[], float]) -> tuple[float, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def bench_pairs() -> None:
    for width in (256, 768):
        print(f"\n### Self-similarity of one token in one layer, {OCCURRENCES:,} occurrences of width {width}\n")
        print_table(["way", "seconds", "times longer"], in_own_process(pairs_work, width))


# --- command line ----------------------------------------------------------------------------------------------------


def write_untrained(folder: Path) -> Path:
    """An untrained model of GROVER's size with the shipped tokenizer."""
    import shutil

    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    shipped = sample_path("checkpoint")
    BertForMaskedLM(BertConfig(vocab_size=609)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(shipped / name, folder)
    return folder


def machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "numpy"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return f"{model}, {os.cpu_count()} processors, {threads} threads (load before the run: {load}); {versions}"


def main(
    work: Annotated[str, typer.Option(help="Any of shipped, base, pairs, with commas between them.")] = (
        "shipped,base,pairs"
    ),
    bases: Annotated[int, typer.Option(help="Bases of the embedded slice for the shipped checkpoint.")] = 400_000,
    base_bases: Annotated[int, typer.Option(help="Bases for the untrained model of GROVER's size.")] = 25_000,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16, for all ways.")] = "fp32",
    repeats: Annotated[int, typer.Option(help="Times that each measurement is made.")] = 3,
) -> None:
    """Run the benchmarks and print Markdown tables."""
    print(machine())
    codes = open_genome(sample_path(GENOME)).codes(SLICE_NAME, FIRST_BASE, FIRST_BASE + max(bases, base_bases))
    text = decode_bases(codes)
    if "shipped" in work:
        shipped = str(sample_path("checkpoint"))
        for mixed in (False, True):
            bench_pass("shipped checkpoint", shipped, text[:bases], mixed, device, dtype, repeats)
    if "base" in work:
        with tempfile.TemporaryDirectory() as folder:
            untrained = str(write_untrained(Path(folder) / "grover-base"))
            for mixed in (False, True):
                part = text[:base_bases]
                bench_pass("untrained model of GROVER's size", untrained, part, mixed, device, dtype, repeats)
    if "pairs" in work:
        bench_pairs()


if __name__ == "__main__":
    typer.run(main)
