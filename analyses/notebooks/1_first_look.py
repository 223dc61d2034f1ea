# %% [markdown]
# # A first look
#
# A DNA language model gives a token another vector in each context. How much does the context
# decide? Ten lines load a model and a genome, tokenise it, embed a piece of it, and measure that
# as *self-similarity*: the mean cosine between the vectors of two occurrences of the same token,
# over all pairs of occurrences. At 1 the model ignores context.
#
# Everything here comes with the package: 4.2 Mb of human chromosome 20 and a small model. Nothing
# is fetched.

# %%
from grover_probe import models
from grover_probe.bpe import load_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.data.sample import sample_path
from grover_probe.genome import Region, open_genome
from grover_probe.selfsim import self_similarity

genome = open_genome(sample_path("chr20_slice.2bit"))  # or the path of your FASTA or 2bit
tokenizer = load_tokenizer(sample_path("checkpoint"))  # or a tokenizer.json of your own
corpus = tokenize(genome, tokenizer)
model = models.load(sample_path("checkpoint"))  # or a folder, or the id of a model on the hub
region = Region(genome.names[0], 2_000_000, 2_060_000)
similarity = self_similarity(model, corpus, tokenizer.pieces, corpus.runs([region]))
similarity

# %% [markdown]
# One row per layer. *Anisotropy* is the same mean for any two tokens, whatever they are: vectors
# of a language model all lean in one direction, so self-similarity must be read against it. Layer
# 0 is the embedding, before any context.

# %%
from grover_probe.plotting.selfsim import selfsim_figure

selfsim_figure(similarity.tokens, similarity.layers)

# %% [markdown]
# Which tokens keep their vector, and which depend on where they stand? The whole table has one row
# per token and layer.

# %%
last = (
    similarity.to_frame()
    .query("layer == 4 and count >= 20")
    .sort_values("self_similarity_adjusted")
)
columns = ["token", "count", "length", "gc", "self_similarity_adjusted"]
last[columns].head(5)

# %%
last[columns].tail(5)

# %% [markdown]
# ## The vectors themselves
#
# `gather` puts windows of tokens into a batch with the special tokens that the model wants, and
# `hidden_states` gives the vectors of all layers. Here is one window of 12 tokens.

# %%
import numpy as np
import torch

from grover_probe.batches import gather

first = int(corpus.runs([region])[0, 0])
window = np.array([[first, first + 12]])
print(" ".join(tokenizer.pieces[token - 5] for token in corpus.ids[first : first + 12]))
batch = gather(corpus.ids, window, model.specials)
with torch.inference_mode():
    states = model.hidden_states(torch.from_numpy(batch.input_ids))
[tuple(layer.shape) for layer in states]  # windows, positions with [CLS] and [SEP], width

# %% [markdown]
# ## Where next
#
# - [Your own model and genome](2_own_model_and_genome.ipynb), with the controls it needs.
# - [Your own BED file](3_own_bed.ipynb): which tokens lie in your regions unexpectedly often?
# - [Writing a reducer](4_writing_a_reducer.ipynb): your own question to all hidden states.
# - [Fine-tuning on your own data](5_fine_tuning.ipynb).
#
# On the command line the same is `grover-probe selfsim`; `docs/tutorial.md` goes on from there.
