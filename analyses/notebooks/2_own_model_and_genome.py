# %% [markdown]
# # Your own model and genome
#
# A number for a model says little alone. This notebook takes a model and a genome and puts beside
# them what has learned nothing: a model of the same shape with random weights. Change the two
# names below; the rest stays.
#
# `MODEL` is a folder with `config.json` and weights, or the id of a model on the hub: GROVER
# (`PoetschLab/GROVER`), DNABERT-2, Nucleotide Transformer, HyenaDNA, or any masked or causal model
# of `transformers`. `GENOME` is FASTA (plain, gzip or bgzip) or 2bit.

# %%
from pathlib import Path
from tempfile import mkdtemp

from grover_probe.data.sample import sample_path

MODEL = str(sample_path("checkpoint"))
GENOME = sample_path("chr20_slice.2bit")
work = Path(mkdtemp(prefix="grover-probe-"))

# %% [markdown]
# ## What the genome is
#
# Chromosomes have the names of the file; `20` and `chr20` are the same. Only A, C, G and T become
# tokens, and a run of N ends a stretch. Coordinates are 0-based and half-open.

# %%
from grover_probe.genome import Region, open_genome

genome = open_genome(GENOME)
print(genome)
name = genome.names[0]
codes = genome.codes(name, 0, 1_000_000)  # uint8: A, C, G, T are 0 to 3, everything else 4
print(f"{(codes > 3).sum():,} of {len(codes):,} bases are not A, C, G or T")

# %% [markdown]
# ## A tokenizer of your own
#
# Every model brings its tokenizer. Training one is exact and quick: here 100 merges from 400 kb.
# (`grover-probe bpe train` does the same for a whole genome.) How do the two cut the same
# sequence?

# %%
from grover_probe import models
from grover_probe.bpe import BPETokenizer, save_tokenizer
from grover_probe.bpe.train import train
from grover_probe.kmer import KmerTokenizer

own = BPETokenizer(train([genome.codes(name, 1_000_000, 1_400_000)], 100, progress=False))
save_tokenizer(own, work / "tokenizer")  # a tokenizer.json that tokenizers and transformers read
tokenizer = models.load_tokenizer(MODEL)
piece = genome.codes(name, 2_000_000, 2_000_060)
for scheme in (tokenizer, own, KmerTokenizer(6)):
    print(scheme, "\n   ", " ".join(scheme.pieces[token - 5] for token in scheme.encode(piece).ids))

# %% [markdown]
# What one should know about a vocabulary: how many tokens occur, how long they are.

# %%
from grover_probe.corpus import tokenize
from grover_probe.vocabulary import vocabulary_table

corpus = tokenize(genome, tokenizer, progress=False)
vocabulary_table(tokenizer, corpus, progress=False)

# %% [markdown]
# ## The model beside one that has learned nothing
#
# `random_start` makes a model of the same shape with random weights. (For a checkpoint that this
# package trained, `untrained_start` makes the very weights that its training began with. On the
# command line: `grover-probe untrained`.)

# %%
from grover_probe.pretrain.untrained import random_start, save_untrained

control = save_untrained(random_start(MODEL, seed=1), MODEL, work / "random")
trained, untrained = models.load(MODEL), models.load(control)
trained, untrained

# %% [markdown]
# Does it predict masked tokens? 200 of them, beside n-grams, which need no network. *Bits per
# base* lets models with other tokens be compared. `evaluate` wants sequence that the model has not
# seen: the slice is held out of its training.

# %%
import pandas as pd

from grover_probe.evaluate.evaluation import evaluate

region = Region(name, 2_000_000, 2_040_000)
runs = corpus.runs([region])
rest = [(corpus, corpus.runs(exclude=[region]))]  # what the n-grams are counted on
settings = {"training": rest, "n_masked": 200, "window": 256, "specials": trained.specials}
answers = {
    label: evaluate(model.masked_logits, corpus, runs, tokenizer.pieces, **settings)
    for label, model in (("trained", trained), ("random", untrained))
}
pd.concat(
    {label: found.overview() for label, found in answers.items()}, names=["weights"]
).droplevel(1)

# %% [markdown]
# Is self-similarity different? Only what differs from the control is the work of training.

# %%
from grover_probe.selfsim import self_similarity

layers = {
    label: self_similarity(model, corpus, tokenizer.pieces, runs).layers
    for label, model in (("trained", trained), ("random weights", untrained))
}

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(4.5, 3), layout="constrained")
for label, table in layers.items():
    ax.plot(table["layer"], table["self_similarity"] - table["anisotropy"], "o-", label=label)
ax.set(
    xlabel="layer (0: embedding)",
    ylabel="self-similarity less anisotropy",
    ylim=(0, 1),
    xticks=table["layer"],
)
_ = ax.legend()

# %%
import shutil

shutil.rmtree(work)

# %% [markdown]
# For a whole genome use the commands, which can be stopped, continued, and shared by many
# processes:
#
#     grover-probe untrained --model MODEL --start random --out random
#     grover-probe extract --model MODEL --genome GENOME --out pass
#     grover-probe extract --model random --genome GENOME --out pass-random
#     grover-probe selfsim --extracted pass --annotation repeats.bed --genome GENOME --out selfsim
#     grover-probe probes --extracted pass --random pass-random --genome GENOME \
#         --tokenizer MODEL --out probes
