"""Pretraining: tokens per second of this package and of a plain `transformers.Trainer` on the same windows.

    python -m benchmarks.pretrain                          # the shipped model's shape, the paper's windows and masks
    python -m benchmarks.pretrain --recipe configs/grover-base.yaml --steps 3
    python -m benchmarks.pretrain --recipe configs/grover-base.yaml --device auto --dtype bf16 --peak 989e12    # H100

The plain one is what everybody writes: `Trainer`, `DataCollatorForLanguageModeling`, `BertForMaskedLM`, with windows
that are already ids. Both take the same windows, 64 per step, and the same share of tokens is masked. Each is a process
of its own, in turn, `--repeats` times; medians. Model FLOP utilisation is the operations that the encoder needs for its
tokens (padding not counted) over what the machine does: given by `--peak`, else the fastest of large matrix products.
"""

import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.measuring import in_own_process, machine, print_table
from grover_probe.command import note
from grover_probe.corpus import Corpus
from grover_probe.data.sample import sample_path
from grover_probe.pretrain.recipe import Recipe

WINDOWS_PER_STEP = 64
MICRO_TOKENS = 4_096  # of ours: what is computed at a time stays in the processor's cache
WARM_UP = 1  # steps that are not timed


def corpus_of_sample() -> Corpus:
    """The embedded slice with the embedded tokenizer."""
    from grover_probe.bpe import load_tokenizer
    from grover_probe.corpus import tokenize
    from grover_probe.genome import open_genome

    return tokenize(
        open_genome(sample_path("chr20_slice.2bit")), load_tokenizer(sample_path("checkpoint")), progress=False
    )


def draw_windows(corpus: Corpus) -> np.ndarray:
    """The paper's windows of the whole slice, in random order: one epoch."""
    from grover_probe.windows import sample_windows

    rng = np.random.default_rng(0)
    windows = sample_windows(corpus.runs(), rng)
    return windows[rng.permutation(len(windows))]


def plain_trainer(recipe: Recipe, n_steps: int, device: str, dtype: str) -> dict[str, float]:
    """Tokens per second of `transformers.Trainer`."""
    import tempfile

    from transformers import (
        AutoTokenizer,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from grover_probe.pretrain.model import build_model

    corpus = corpus_of_sample()
    windows = draw_windows(corpus)
    ticks: list[tuple[float, float]] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            ticks.append((time.perf_counter(), used[0]))

    used = [0, 0]  # tokens, and positions with padding, of the batches so far

    class Counting(DataCollatorForLanguageModeling):
        def __call__(self, examples: list[dict[str, Any]], *more: Any) -> Any:
            batch = super().__call__(examples, *more)
            used[0] += sum(len(each["input_ids"]) - 2 for each in examples)
            used[1] += batch["input_ids"].numel()
            return batch

    class Windows:
        def __len__(self) -> int:
            return len(windows)

        def __getitem__(self, index: int) -> dict[str, list[int]]:
            begin, stop = windows[index]
            return {"input_ids": [2, *corpus.ids[begin:stop].tolist(), 3]}

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=build_model(recipe.architecture, len(corpus.token_lengths), seed=0),
            args=TrainingArguments(
                output_dir=folder, per_device_train_batch_size=WINDOWS_PER_STEP, max_steps=n_steps,
                learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, report_to=[], save_strategy="no",
                logging_strategy="no", disable_tqdm=True, use_cpu=device == "cpu", bf16=dtype == "bf16",
            ),
            data_collator=Counting(
                AutoTokenizer.from_pretrained(sample_path("checkpoint")), mlm_probability=recipe.stages[0].mask_rate
            ),
            train_dataset=Windows(),  # type: ignore[arg-type]
            callbacks=[Clock()],
        )  # fmt: skip
        trainer.train()
    (begun, before), (ended, after) = ticks[WARM_UP - 1], ticks[-1]
    return {
        "speed": (after - before) / (ended - begun),
        "waste": 1 - (used[0] + 2 * WINDOWS_PER_STEP * n_steps) / used[1],
    }


def ours(recipe: Recipe, n_steps: int, device: str, dtype: str, compiled: bool) -> dict[str, float]:
    """Tokens per second of `grover_probe.pretrain`."""
    from grover_probe.batches import shuffled
    from grover_probe.pretrain.devices import make_accelerator
    from grover_probe.pretrain.examples import Planned
    from grover_probe.pretrain.train import Trainer

    corpus = corpus_of_sample()
    groups = shuffled(draw_windows(corpus), WINDOWS_PER_STEP * 512, np.random.default_rng(0))[:n_steps]
    trainer = Trainer(
        corpus, corpus.runs(), recipe, make_accelerator(device, dtype), micro_tokens=MICRO_TOKENS, compile=compiled
    )
    timed, begun, used, total = 0, 0.0, 0, 0
    for step, group in enumerate(groups):
        if step == WARM_UP:
            begun = time.perf_counter()
        sizes = group[:, 1] - group[:, 0]
        loss = trainer.step(Planned(step, 0, recipe.stages[0], group))
        timed += int(sizes.sum()) if step >= WARM_UP else 0
        used, total = used + int((sizes + 2).sum()), total + len(sizes) * int(sizes.max() + 2)
    float(loss)  # waits for a GPU
    return {"speed": timed / (time.perf_counter() - begun), "waste": 1 - used / total}


def matmul_peak(device: str, dtype: str) -> float:
    """Operations per second of the fastest of some products of large matrices."""
    import torch

    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    left, right = (torch.randn(2048, 2048, dtype=kind) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        begun = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - begun)
    return 2 * 2048**3 / best


def main(
    recipe: Annotated[Path, typer.Option(help="Gives shape, mask rate of its last stage, learning rate.")] = Path(
        "configs/grover-small.yaml"
    ),
    steps: Annotated[int, typer.Option(help="Steps of 64 windows; the first is not timed.")] = 9,
    mask_rate: Annotated[float, typer.Option(help="Share of tokens masked; the paper's.")] = 0.022,
    repeats: Annotated[int, typer.Option(help="Runs of each.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or auto.")] = "cpu",
    dtype: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    compile: Annotated[bool, typer.Option("--compile", help="Also measure ours with torch.compile.")] = False,
    peak: Annotated[float | None, typer.Option(help="Operations per second of the hardware.")] = None,
) -> None:
    """Compare and print a table in Markdown."""
    import dataclasses

    from grover_probe.pretrain.model import flops_per_token
    from grover_probe.pretrain.recipe import Stage

    settings = dataclasses.replace(
        Recipe.from_yaml(recipe), stages=(Stage(1, 510, mask_rate),), restarts=(), start="random"
    )
    ways: dict[str, tuple[Any, ...]] = {
        "plain `Trainer`": (plain_trainer, settings, steps, device, dtype),
        "**grover_probe**": (ours, settings, steps, device, dtype, False),
    }
    if compile:
        ways["grover_probe, `--compile`"] = (ours, settings, steps, device, dtype, True)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for turn in range(repeats):
        for name, call in ways.items():
            found[name].append(in_own_process(*call))
            note(f"{turn + 1}/{repeats} {name}: {found[name][-1]['speed']:,.0f} tokens/s")
    top = peak or in_own_process(matmul_peak, device, dtype)
    sizes = np.diff(draw_windows(corpus_of_sample()))
    # A token attends to its whole window, so long windows weigh more.
    flops = flops_per_token(settings.architecture, int((sizes**2).sum() / sizes.sum()))
    base = statistics.median(each["speed"] for each in found["plain `Trainer`"])
    rows = []
    for name, runs in found.items():
        speed = statistics.median(each["speed"] for each in runs)
        ratios = [run["speed"] / plain["speed"] for run, plain in zip(runs, found["plain `Trainer`"], strict=True)]
        rows.append([
            name, f"{speed:,.0f}", f"{speed / base:.2f}", f"{min(ratios):.2f}-{max(ratios):.2f}",
            f"{100 * runs[0]['waste']:.1f} %", f"{100 * speed * flops / top:.0f} %",
        ])  # fmt: skip
    print(machine(("torch", "transformers", "accelerate")) + "\n")
    print_table(["", "tokens/s", "times faster", "range", "padding", "MFU"], rows)
    print(f"\nPeak taken for MFU: {top / 1e9:,.0f} GFLOP/s{'' if peak else ', measured'}.")


if __name__ == "__main__":
    typer.run(main)
