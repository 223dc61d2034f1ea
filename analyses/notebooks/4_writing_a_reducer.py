# %% [markdown]
# # Writing a reducer
#
# Hidden states of a genome are too large to keep: 12 layers of GROVER for hg19 would be 20 TB. A
# *reducer* meets them while they are in memory and keeps a sum. Because it is a sum, it does not
# matter how the genome is cut into batches, who reads which part, and whether the run was stopped.
# You write three short methods.
#
# The question here: how long are the hidden states of each token, by layer?

# %%
import torch

from grover_probe.extract.reducers import Reducer


class Norms(Reducer):
    """Sums of the lengths of hidden states, by layer and token."""

    name = "norms"

    @classmethod
    def for_pass(cls, setup):
        """Names and shapes of the sums, all zero."""
        return cls(setup.device, count=(setup.n_ids,), total=(len(setup.layers), setup.n_ids))

    def update(self, batch):
        """Add the tokens of a batch: ids of shape (n,), states of shape (n, width) by layer."""
        self.sums["count"] += torch.bincount(batch.ids, minlength=len(self.sums["count"]))
        for layer, states in enumerate(batch.hidden):
            self.sums["total"][layer].index_add_(0, batch.ids, states.double().norm(dim=1))

    def finalize(self):
        """What the sums say: arrays by name."""
        found = super().finalize()
        return {"count": found["count"], "norm": found["total"] / found["count"].clip(1)}


# %% [markdown]
# ## Try it
#
# `run_pass` feeds the hidden states of windows to reducers. In a `Setup` is all that a reducer may
# want to know before.

# %%
from grover_probe import models
from grover_probe.bpe import load_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.data.sample import sample_path
from grover_probe.extract.run import run_pass
from grover_probe.genome import Region, open_genome
from grover_probe.windows import fixed_windows

genome = open_genome(sample_path("chr20_slice.2bit"))
tokenizer = load_tokenizer(sample_path("checkpoint"))
corpus = tokenize(genome, tokenizer, progress=False)
model = models.load(sample_path("checkpoint"))
windows = fixed_windows(corpus.runs([Region(genome.names[0], 2_000_000, 2_050_000)]))


def empty() -> Norms:
    """A reducer without a token."""
    return Norms(model.device, count=(model.n_ids,), total=(model.n_layers, model.n_ids))


norms = empty()
run_pass(model, corpus, windows, [norms])
norms

# %%
import matplotlib.pyplot as plt

found = norms.finalize()
seen = found["count"] >= 10
figure, ax = plt.subplots(figsize=(4.5, 3), layout="constrained")
for layer in (0, 2, 4):
    ax.plot(found["count"][seen], found["norm"][layer][seen], ".", ms=4, label=f"layer {layer}")
ax.set(
    xscale="log",
    xlabel=f"occurrences (n = {seen.sum()} tokens)",
    ylabel="mean length of hidden states",
)
_ = ax.legend()

# %% [markdown]
# ## What must hold
#
# Two halves, read apart and merged, are the whole up to rounding. If this fails for your reducer,
# it is not a sum, and a resumed or shared pass would be wrong. Test it so.

# %%
import numpy as np

first, second = empty(), empty()
half = len(windows) // 2
run_pass(model, corpus, windows[:half], [first], progress=False)
run_pass(model, corpus, windows[half:], [second], progress=False)
first.merge(second)
difference = np.abs(first.finalize()["norm"] - found["norm"]).max()
assert np.array_equal(first.finalize()["count"], found["count"]) and difference < 1e-4
f"largest difference {difference:.1e}"

# %% [markdown]
# ## In a whole pass
#
# Put the class into a file `my_reducers.py` where Python finds it, and name it beside the others.
# `extract` saves its sums, continues after a stop, shares the work between processes and GPUs, and
# writes what `finalize` gives to `norms.npz`.
#
#     grover-probe extract --reducers moments,my_reducers:Norms --genome GENOME --model MODEL \
#         --out pass
#
# The ready-made ones are described in `docs/reducers.md`.
