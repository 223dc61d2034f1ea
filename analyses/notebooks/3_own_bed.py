# %% [markdown]
# # Your own BED file
#
# Which tokens lie in your regions more often than expected? "Expected" is the point: a long token
# touches more intervals than a short one, and a token of Gs and Cs lies in every CpG island
# because of what it is made of. So each number comes with two controls: the same annotation turned
# around the chromosome, and the other tokens of the same length and GC.
#
# Here a BED file is made from CpG islands and CTCF peaks of the sample, as if it were yours. BED,
# GTF, GFF, narrowPeak, UCSC's rmsk and tables with a header are read too, plain or gzip.

# %%
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from grover_probe.data.sample import sample_path

parts = {
    kind: pd.read_csv(sample_path(file), sep="\t", header=None, usecols=[0, 1, 2])
    for kind, file in (("island", "cpg_islands.bed.gz"), ("ctcf", "ctcf.bed.gz"))
}
work = Path(mkdtemp(prefix="grover-probe-"))
mine = work / "mine.bed"
pd.concat([table.assign(kind=kind) for kind, table in parts.items()]).to_csv(
    mine, sep="\t", header=False, index=False
)
print(mine.read_text()[:300])

# %%
from grover_probe.annotation import read_annotation
from grover_probe.bpe import load_tokenizer
from grover_probe.corpus import tokenize
from grover_probe.genome import open_genome

genome = open_genome(sample_path("chr20_slice.2bit"))
tokenizer = load_tokenizer(sample_path("checkpoint"))
corpus = tokenize(genome, tokenizer, progress=False)
annotation = read_annotation(mine, genome, class_column=4)  # column 4 holds the class
annotation, annotation.classes

# %% [markdown]
# A wrong file is refused with the line that is wrong, before anything is counted.

# %%
from grover_probe.errors import InputError

(work / "wrong.bed").write_text(
    f"{genome.names[0]}\t100\t200\n{genome.names[0]}\t5000000\t5000100\n"
)
try:
    read_annotation(work / "wrong.bed", genome)
except InputError as error:
    print(error)

# %% [markdown]
# ## Tokens
#
# 100 random turns give the spread of what is expected; their mean is exact without any.

# %%
from grover_probe.overlap.tokens import token_overlap

found = token_overlap(corpus, tokenizer.pieces, [annotation], n_turns=100)
found

# %%
table = found.to_frame()
columns = [
    "class",
    "token",
    "gc",
    "count",
    "count_inside",
    "enrichment",
    "q",
    "enrichment_matched",
    "q_matched",
]
table[table["q"] < 0.05].nlargest(8, "enrichment")[columns]

# %%
from grover_probe.plotting.overlap import overlap_figure

overlap_figure(found.tokens, found.classes)

# %% [markdown]
# Many tokens are enriched (left); far fewer are so beyond tokens of the same composition (middle).
# On 4 Mb most are not: look at the intervals `ci_low` to `ci_high`, and at a whole genome.
#
# ## Windows
#
# The map and the probes ask the other way round: what can be told of a window of the genome?
# `window_coverage` is exact to the base; a label needs a rule.

# %%
from grover_probe.overlap.windows import window_coverage, window_labels

windows = pd.DataFrame({"chrom": genome.names[0], "start": range(0, 4_200_000, 2_000)})
windows["end"] = windows["start"] + 2_000
coverage = window_coverage(windows, annotation.classes)
window_labels(coverage, "any").value_counts()

# %%
import shutil

shutil.rmtree(work)

# %% [markdown]
# On the command line:
#
#     grover-probe overlap --genome GENOME --tokenizer MODEL --annotation mine.bed:4 --out overlap
#     grover-probe overlap windows --genome GENOME --tokenizer MODEL --annotation mine.bed:4 \
#         --out windows
#     grover-probe probes --extracted pass --genome GENOME --tokenizer MODEL \
#         --annotation mine=mine.bed:4 --out probes
