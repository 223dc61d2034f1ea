"""Time, memory, disk and GPUs of each rule, from the size of a profile.

Every function says what its numbers rest on. *Measured* numbers are in benchmarks/README.md, docs/development.md or
analyses/tables; *extrapolated* ones take a measured number in proportion to the work; *assumed* ones nobody has
measured here, such as the speed of a GPU. Time gets a margin of `MARGIN`: a job that meets its limit loses what came
after its last saved state, and one that ends early costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

BASES_PER_TOKEN = 4.07  # measured: chr20, and the paper's for hg19
SMALL = 3.5e6  # parameters of the embedded checkpoint, on which speeds were measured
MARGIN = 2.5
START = 2.0  # minutes for Python, imports and compiled code, on a busy file system
BASE_GB = 2.0  # torch and the tables of a small run: measured 0.6 GB for a pass, and a probe's table beside it


@dataclass(frozen=True)
class Size:
    """What decides how large a profile is.

    Attributes
    ----------
    bases
        Of the genome.
    pass_bases
        Of what the model reads: the regions of the passes.
    parameters
        Of the model.
    gpus
        For rules that run a model; 0 for none.
    width, layers
        Of the model: size of a hidden state and number of layers with the embedding.
    window_layers
        Layers whose windows the passes keep.
    train_tokens
        Tokens of pretraining.
    """

    bases: float
    pass_bases: float
    parameters: float
    gpus: int = 0
    width: int = 256
    layers: int = 5
    window_layers: int = 5
    train_tokens: float = 0.0

    @property
    def tokens(self) -> float:
        """Tokens that the model reads."""
        return self.pass_bases / BASES_PER_TOKEN

    @property
    def gpu(self) -> int:
        """For a rule whose command uses one at most."""
        return min(1, self.gpus)

    @property
    def times_small(self) -> float:
        """Work per token, as a multiple of the embedded checkpoint's."""
        return max(1.0, self.parameters / SMALL)


@dataclass(frozen=True)
class Need:
    """What a job asks for.

    Attributes
    ----------
    minutes
        Wall-clock time, before the margin.
    gb
        Memory at its peak.
    disk_gb
        Of what it leaves, and of its states.
    gpu, threads
        Numbers of each.
    """

    minutes: float
    gb: float
    disk_gb: float = 0.1
    gpu: int = 0
    threads: int = 1

    def resources(self) -> dict[str, int]:
        """In the words of Snakemake and its executors."""
        return {
            "runtime": ceil(START + MARGIN * self.minutes),
            "mem_mb": ceil(1000 * self.gb),
            "disk_mb": ceil(1000 * self.disk_gb),
            "gpu": self.gpu,
        }


def forward_minutes(size: Size, tokens: float, gpus: int) -> float:
    """A model reading tokens once.

    Measured: 5,900 tokens/s on one core for the embedded checkpoint with eight reducers (analyses/tables/pass).
    Extrapolated to other models by parameters. Assumed: 50,000 tokens/s per GPU for BERT-base (87 M), bf16.
    """
    per_second = gpus * 50_000 * 87e6 / max(size.parameters, 87e6) if gpus else 5_900 / size.times_small
    return tokens / per_second / 60


def training_minutes(size: Size, tokens: float, gpus: int) -> float:
    """A model trained on tokens.

    Measured: 2,300 tokens/s on one core for the embedded checkpoint (docs/development.md). Extrapolated to other models
    by parameters. Assumed: 20,000 tokens/s per GPU for BERT-base, bf16.
    """
    per_second = gpus * 20_000 * 87e6 / max(size.parameters, 87e6) if gpus else 2_300 / size.times_small
    return tokens / per_second / 60


def corpus_gb(bases: float) -> float:
    """The tokens of a genome in memory beside its bases: one byte a base, ten a token. Extrapolated from chr20."""
    return BASE_GB + bases * (1 + 10 / BASES_PER_TOKEN) / 1e9


def fetch(size: Size) -> Need:
    """Downloads; assumed: 5 MB/s, 0.3 bytes a base of sequence and as much annotation."""
    return Need(0.6 * size.bases / 5e6 / 60, 1, 1.2 * size.bases / 1e9)


def genome(size: Size) -> Need:
    """Reading and writing a 2bit file; extrapolated: 10 Mbp/s, a chromosome as letters and the packed genome."""
    return Need(size.bases / 10e6 / 60, 1 + 0.6 * size.bases / 1e9, 0.3 * size.bases / 1e9)


def annotation(size: Size) -> Need:
    """Tables of all chromosomes through pandas; extrapolated from chr20: 20 s, 1 GB."""
    return Need(1 + size.bases / 1e9, 2 + 2 * size.bases / 1e9, 0.4 * size.bases / 1e9)


def bpe(size: Size) -> Need:
    """Measured: 75 s on two threads and 3.6 bytes a base for 3.1 Gbp; reading the file extrapolated, 10 Mbp/s."""
    return Need(size.bases / 3.1e9 * 75 / 60 + size.bases / 10e6 / 60, 1 + 4.6 * size.bases / 1e9, threads=2)


def pretrain(size: Size) -> Need:
    """See `training_minutes`; weights, two moments and gradients 16 bytes a parameter, three states on disk."""
    states = 12 * size.parameters / 1e9
    minutes = training_minutes(size, size.train_tokens, size.gpus)
    return Need(minutes, corpus_gb(size.bases) + 2 * states, 1 + 4 * states, size.gpus, threads=max(1, 4 * size.gpus))


def untrained(size: Size) -> Need:
    """Weights once in memory and once on disk; the start from a corpus needs its statistics alone."""
    return Need(1, BASE_GB + 12 * size.parameters / 1e9, 4 * size.parameters / 1e9)


def vocabulary(size: Size) -> Need:
    """Measured: encoding 3.1 Gbp 8 s. Extrapolated: counting and annotation 30 s for chr20."""
    return Need(0.5 * size.bases / 59.5e6, corpus_gb(size.bases))


def diagnose(size: Size) -> Need:
    """Windows are drawn, so time hardly grows; the sequence is in memory. Measured: a minute for chr20."""
    return Need(3 + size.bases / 1e9, corpus_gb(size.bases))


def extract(size: Size) -> Need:
    """See `forward_minutes`; one window embedding of four bytes per layer, pooling and dimension on disk."""
    windows = size.tokens / 510 * size.window_layers * 3 * size.width * 4 / 1e9
    states = 16 * size.layers * size.width * 620 * 8 * 6 / 1e9  # parts, each with sums per token and layer
    minutes = forward_minutes(size, size.tokens, size.gpus)
    return Need(minutes, corpus_gb(size.bases), 1 + 2 * windows + states, size.gpus, threads=max(1, 4 * size.gpus))


def selfsim(size: Size) -> Need:
    """Reads the pass; tokenises for the share in repeats. Extrapolated from chr20: half a minute."""
    return Need(0.5 * size.bases / 59.5e6, corpus_gb(size.bases))


def maps_tokens(size: Size) -> Need:
    """Word2Vec decides: extrapolated, 0.15 M tokens/s on one thread, five epochs. Untrained models read 1 M."""
    word2vec = 5 * size.tokens / 0.15e6 / 60
    return Need(5 + word2vec + forward_minutes(size, 1e6, size.gpu), corpus_gb(size.bases), 1, size.gpu)


def maps_windows(size: Size) -> Need:
    """UMAP and neighbours of all windows, twice; extrapolated from 28,694 windows of chr20 in 5 minutes as n^1.2."""
    windows = size.tokens / 510
    return Need(2 + 5 * (windows / 28_694) ** 1.2, corpus_gb(size.bases) + 20 * windows * size.width * 4 / 1e9, 2)


def overlap(size: Size) -> Need:
    """Measured: counting 14.6 M tokens 0.7 s. Turns of the annotation extrapolated from chr20: 1,000 in 10 minutes."""
    return Need(1 + 10 * size.bases / 59.5e6, corpus_gb(size.bases) + 2)


def probes(size: Size) -> Need:
    """Linear probes grow with windows; extrapolated: a second a fit of 24,000 windows (docs/probes.md), 7,000 fits."""
    windows = size.tokens / 510
    return Need(2 + 120 * windows / 28_694, BASE_GB + 8 * windows * size.width * 4 / 1e9 * 3, 1, threads=2)


def positions(size: Size) -> Need:
    """Draws places; the sequence is read once."""
    return Need(1 + size.bases / 10e6 / 60, corpus_gb(size.bases))


def extract_positions(size: Size) -> Need:
    """The model reads 2 Mb, the default of analyses/draw_positions.py; see `forward_minutes`."""
    minutes = size.bases / 1e9 + forward_minutes(size, 2e6 / BASES_PER_TOKEN, size.gpu)
    return Need(minutes, corpus_gb(size.bases), 1, size.gpu)


def region(size: Size) -> Need:
    """Every token of some 100 kb masked once, 45 readings."""
    return Need(1 + forward_minutes(size, 45 * 25_000, size.gpu), corpus_gb(size.bases), 0.1, size.gpu)


def cell(size: Size) -> Need:
    """A model trained by the recipe of the sweep, and its heads; assumed: 10 minutes for the latter."""
    minutes = 10 + training_minutes(size, size.train_tokens, size.gpu)
    return Need(minutes, corpus_gb(size.bases) + 2, 1 + 50 * size.parameters / 1e9, size.gpu)


def sweep(size: Size) -> Need:
    """Reads what the cells have left."""
    return Need(5, corpus_gb(size.bases) + 2)


def evaluate(size: Size) -> Need:
    """20,000 masked tokens at 2.2 % are 0.9 M tokens read; n-grams are counted on the whole genome."""
    return Need(1 + size.bases / 1e9 + forward_minutes(size, 0.9e6, size.gpu), corpus_gb(size.bases), 0.1, size.gpu)


def task(size: Size) -> Need:
    """Motif scan and near duplicates; extrapolated from chr20 and a part of chrX: a minute."""
    return Need(1 + 0.6 * size.bases / 59.5e6, 2 + 2 * size.bases / 1e9, 0.5)


def compare(size: Size) -> Need:
    """Fine-tuning decides.

    Extrapolated: examples per base as on chr20 (20 a Mb, 150 tokens), eight networks, three seeds, ten epochs; a third
    as long for everything else.
    """
    tokens = 20 * size.bases / 1e6 * 150 * 8 * 3 * 10
    return Need(20 + 1.3 * training_minutes(size, tokens, size.gpu), 8, 5, size.gpu, threads=2)


def figure(size: Size) -> Need:
    """Tables into drawings; as many points as windows."""
    return Need(1 + size.tokens / 510 / 1e5, BASE_GB + size.tokens / 510 / 1e5, 0.1)


#: By the name of the rule.
RULES: dict[str, Callable[[Size], Need]] = {
    "fetch": fetch, "genome": genome, "annotation": annotation, "tokenizer": bpe, "pretrain": pretrain,
    "untrained": untrained, "vocabulary": vocabulary, "diagnose": diagnose, "extract": extract,
    "extract_control": extract, "selfsim": selfsim, "maps_tokens": maps_tokens, "maps_windows": maps_windows,
    "overlap": overlap, "positions": positions, "extract_positions": extract_positions, "probes": probes,
    "region": region, "nextkmer_cell": cell, "nextkmer_sweep": sweep,
    "evaluate": evaluate, "evaluate_sweep": evaluate, "task": task, "compare": compare, "figure": figure,
}  # fmt: skip


def needs(config: dict[str, Any]) -> dict[str, Need]:
    """The needs of every rule of a profile, from its ``size``; its ``limits`` override single numbers by rule."""
    size = Size(**config["size"])
    limits = config.get("limits") or {}
    unknown = sorted(set(limits) - set(RULES))
    if unknown:
        raise ValueError(f"limits: there is no rule {unknown[0]!r}")
    found = {name: function(size) for name, function in RULES.items()}
    return {name: Need(**{**vars(need), **limits.get(name, {})}) for name, need in found.items()}
