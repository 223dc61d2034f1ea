# %% [markdown]
# # Fine-tuning on your own data
#
# Sequences with labels go in, a classifier with an honest number comes out: Matthews correlation
# on examples that were held out by place, with an interval, beside systems that know no language
# model.
#
# The data set here is a CSV as yours might be: 120 bases in the middle of LINE-1 and of LINE-2
# elements of the sample. With coordinates the split is by blocks of the genome, so that no two
# neighbours lie on both sides.

# %%
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from grover_probe.data.sample import COLUMNS, sample_path
from grover_probe.genome import decode_bases, open_genome

genome = open_genome(sample_path("chr20_slice.2bit"))
repeats = pd.read_csv(sample_path("repeats.bed.gz"), sep="\t", names=COLUMNS["repeats.bed.gz"])
repeats = repeats[
    repeats["repFamily"].isin(["L1", "L2"]) & (repeats["end"] - repeats["start"] > 120)
]
chosen = repeats.groupby("repFamily").sample(160, random_state=0)
middle = (chosen["start"] + chosen["end"]) // 2
data = pd.DataFrame(
    {
        "chrom": chosen["chrom"],
        "start": middle - 60,
        "end": middle + 60,
        "label": chosen["repFamily"],
    }
)
data["sequence"] = [
    decode_bases(genome.codes(row.chrom, row.start, row.end)) for row in data.itertuples()
]
work = Path(mkdtemp(prefix="grover-probe-"))
data.to_csv(work / "mine.csv", index=False)
data.head(3)

# %%
from grover_probe.tasks.reading import read_task
from grover_probe.tasks.splits import SplitRule

task = read_task(
    work / "mine.csv", rule=SplitRule(block=200_000, test_share=0.3, validation_share=0.15)
)
task

# %% [markdown]
# ## Fine-tuning
#
# All weights, at most three passes over the training split. The epoch with the best validation MCC
# is kept. The test split is asked once, at the end. For a real result take more epochs and several
# seeds: `seeds=(0, 1, 2)`.

# %%
from grover_probe.finetune import fine_tune
from grover_probe.finetune.settings import Settings

result = fine_tune(
    task,
    sample_path("checkpoint"),
    work / "run",
    Settings(epochs=3, learning_rate=3e-4),
    seeds=(0,),
)
result

# %%
result.history

# %% [markdown]
# ## Beside what knows no language model
#
# The same splits, the same questions: GC content alone, logistic regression on k-mers, a random
# forest.

# %%
from grover_probe.compare import compare
from grover_probe.compare.learners import Budget
from grover_probe.compare.systems import choose_systems

simple = compare(
    task,
    choose_systems("tfidf-4mer,logistic-kmer,gc"),
    work / "compare",
    Budget(Settings(), trees=(100,)),
    seeds=(0,),
)
simple

# %%
import matplotlib.pyplot as plt

rows = simple.table[["system", "mcc", "mcc_low", "mcc_high"]].copy()
rows.loc[len(rows)] = ["fine-tuned", result.metrics["mcc"], *result.metrics["intervals"]["mcc"]]
figure, ax = plt.subplots(figsize=(5, 2.2), layout="constrained")
errors = [rows["mcc"] - rows["mcc_low"], rows["mcc_high"] - rows["mcc"]]
ax.errorbar(rows["mcc"], rows["system"], xerr=errors, fmt="o", capsize=3)
label = f"Matthews correlation, 95 % interval ({result.metrics['n_test']} test examples)"
_ = ax.set(xlabel=label, xlim=(-0.2, 1.05))

# %% [markdown]
# GC content alone tells most of the two families apart: LINE-1 is rich in A. A classifier's number
# says something about language models only beside such a row, and with so few test examples the
# intervals overlap.
#
# ## New sequences
#
# The folder of the run is a model of `transformers` with its tokenizer. `grover-probe predict`
# reads FASTA or BED and can scan a region; from Python:

# %%
from grover_probe.finetune.classifier import load_classifier

classifier = load_classifier(work / "run")
new = task.part("test").head(4)
pd.DataFrame(
    classifier.probabilities(classifier.windows(new), progress=False), columns=classifier.classes
).round(3)

# %%
import shutil

shutil.rmtree(work)

# %% [markdown]
# On the command line:
#
#     grover-probe finetune --task mine.csv --model MODEL --seeds 0,1,2 --out run
#     grover-probe compare --task mine.csv --systems embedded,random,cnn,tfidf-4mer,gc --out compare
#     grover-probe predict --model run --input new.fa --out predictions
