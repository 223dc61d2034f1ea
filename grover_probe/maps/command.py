"""The command line of maps: from the folder of a pass to tables, figures, an AnnData file and a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note, note_files
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import OutOption, ProgressOption

if TYPE_CHECKING:
    from grover_probe.extract.results import PassResult
    from grover_probe.maps.windows import WindowMap

app = new_app(
    "Where do tokens and windows lie in a model's embedding? Maps, each with numbers beside the picture.\n\n"
    "Example: `python -m grover_probe.maps tokens --extracted PASS --html --out maps`",
    no_args_is_help=True,
)

Extracted = Annotated[Path, typer.Option(help="Folder of a pass (`python -m grover_probe.extract`).")]
Neighbors = Annotated[int, typer.Option("--neighbors", min=2, help="UMAP's n_neighbors, and those that are judged.")]
MinDist = Annotated[float, typer.Option(min=0, max=1, help="UMAP's min_dist.")]
Seed = Annotated[int, typer.Option(min=0, help="Of UMAP, folds, nulls and untrained models.")]
H5ad = Annotated[bool, typer.Option("--h5ad", help="Also write an AnnData file.")]
Html = Annotated[bool, typer.Option("--html", help="Also write the atlas, one page that works offline.")]


@app.command(
    epilog="Example: `python -m grover_probe.maps tokens --extracted PASS --model MODEL --genome genome.2bit "
    "--word2vec --html --out maps`"
)
def tokens(
    extracted: Extracted,
    out: OutOption = Path("maps-out"),
    layers: Annotated[str, typer.Option("--layers", "--layer", help="last, all, or such as embedding,2-4.")] = "last",
    model: Annotated[
        str | None,
        typer.Option(help="The model of the pass: adds its input embeddings and, with --genome, a random one like it."),
    ] = None,
    initial: Annotated[
        Path | None,
        typer.Option(
            help="Folder of its untrained start.", show_default="the model's initial/, or as its recipe.json says"
        ),
    ] = None,
    word2vec: Annotated[bool, typer.Option("--word2vec", help="Train Word2Vec (CBOW, 768) on --genome.")] = False,
    word2vec_epochs: Annotated[int, typer.Option(min=1, help="Times that Word2Vec reads the sequence.")] = 5,
    compare: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of another pass; repeat for more.")] = None,
    genome: Annotated[Path | None, typer.Option(help="Sequence of the pass, for what has to read it.")] = None,
    regions: Annotated[Path | None, typer.Option(help="BED: regions of the pass, if it had any.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json or its folder.", show_default="the model's")
    ] = None,
    control_tokens: Annotated[
        int, typer.Option(min=1_000, help="Tokens that untrained models read, spread over the sequence.")
    ] = 500_000,
    min_count: Annotated[int, typer.Option(min=1, help="Leave out tokens that are rarer in the pass.")] = 10,
    neighbors: Neighbors = 15,
    min_dist: MinDist = 0.1,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ... for untrained models.")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Full windows per batch of untrained models.")] = 8,
    h5ad: H5ad = False,
    html: Html = False,
    progress: ProgressOption = True,
) -> None:
    """Map the average embedding of each token, beside what knows no context and what learned nothing."""
    from grover_probe.extract.results import open_pass
    from grover_probe.maps.output import Extras, paper_text, write_tokens
    from grover_probe.maps.sources import Controls, gather_spaces, pick_layers
    from grover_probe.maps.tokens import token_map

    found = open_pass(extracted)
    chosen = pick_layers(layers, found)
    controls = Controls(model, initial, genome, tokenizer, regions, tuple(compare or ()), word2vec, word2vec_epochs,
                        control_tokens, seed, device, batch_size, progress)  # fmt: skip
    with output_folder(out):
        spaces, inputs = gather_spaces(found, chosen, controls)
        result = token_map(
            spaces, found.pieces, found.counts,
            min_count=min_count, n_neighbors=neighbors, min_dist=min_dist, seed=seed, progress=progress,
        )  # fmt: skip
        parameters = {
            "layers": chosen, "min_count": min_count, "neighbors": neighbors, "min_dist": min_dist, "seed": seed,
            "control_tokens": control_tokens, "word2vec_epochs": word2vec_epochs if word2vec else None,
        }  # fmt: skip
        subtitle = f"{found.record.get('model')}: {result.tokens['token_id'].nunique():,} tokens"
        extras = Extras(h5ad, html, subtitle)
        written = write_tokens(out, result, next(iter(spaces.values())), extras, inputs, parameters)
    print(paper_text(result.paper))
    note("Spearman's rho; only its size can be compared, for the sign of a component means nothing")
    note_files(out, [path.name for path in written])


@app.command(
    epilog="Example: `python -m grover_probe.maps windows --extracted PASS --genome genome.2bit "
    "--annotation repeats=repeats.bed.gz:7:majority --annotation exons=exons.bed --html --out maps`"
)
def windows(
    extracted: Extracted,
    genome: Annotated[Path, typer.Option(help="Sequence of the pass, FASTA or 2bit.")],
    annotation: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE[:COLUMN][:RULE], repeat for more. A column makes classes of its values; rules: any "
            "(default), majority, centre, or mean for a signal (bedGraph, wiggle, bigWig)."
        ),
    ] = None,
    out: OutOption = Path("maps-out"),
    layer: Annotated[str, typer.Option("--layer", "--layers", help="last, or a number.")] = "last",
    pooling: Annotated[str, typer.Option(help="mean, cls or max: what the pass kept.")] = "mean",
    kmer: Annotated[int, typer.Option(min=1, max=6, help="Bases per k-mer of the composition baseline.")] = 4,
    block_size: Annotated[int, typer.Option(min=1, help="Bases per block; whole blocks are held out.")] = 100_000,
    folds: Annotated[int, typer.Option(min=2, help="Parts that the blocks are dealt to.")] = 5,
    min_tokens: Annotated[
        int | None, typer.Option(min=1, help="Leave out shorter windows.", show_default="half of the longest")
    ] = None,
    neighbors: Neighbors = 15,
    min_dist: MinDist = 0.1,
    seed: Seed = 0,
    h5ad: H5ad = False,
    html: Html = False,
    progress: ProgressOption = True,
) -> None:
    """Map the embedding of each window, and measure how well annotation can be told from it on held-out blocks."""
    import numpy as np

    from grover_probe.baselines.composition import genome_composition
    from grover_probe.extract.results import open_pass
    from grover_probe.genome import open_genome
    from grover_probe.maps.labels import label_windows, parse
    from grover_probe.maps.output import Extras, write_windows
    from grover_probe.maps.sources import describe_genome, describe_pass
    from grover_probe.maps.windows import window_map
    from grover_probe.provenance import describe_file

    found = open_pass(extracted)
    options = [parse(text) for text in annotation or ()]
    vectors = found.window_embeddings(layer, pooling)
    sequences, described = open_genome(genome), describe_genome(genome, found)
    rows = usable_rows(found, min_tokens)
    table = found.windows.iloc[rows].drop(columns="strand", errors="ignore").reset_index(drop=True)  # one is left
    labels = [label_windows(option, table, sequences) for option in options]
    for text in (text for each in labels for text in each.notes):
        note(text)
    with output_folder(out):
        gc, spectrum = genome_composition(
            sequences, table["chrom"].tolist(), table["start"].to_numpy(), table["end"].to_numpy(), kmer
        )
        chosen = vectors if len(rows) == len(vectors) else vectors[rows]
        result = window_map(
            chosen, np.column_stack([gc, spectrum]), table.assign(gc=gc), labels, block_size=block_size,
            n_folds=folds, k=neighbors, n_neighbors=neighbors, min_dist=min_dist, seed=seed, progress=progress,
        )  # fmt: skip
        parameters: dict[str, Any] = {
            "layer": layer, "pooling": pooling, "kmer": kmer, "block_size": block_size, "folds": folds,
            "min_tokens": min_tokens, "neighbors": neighbors, "min_dist": min_dist, "seed": seed,
            "annotation": {each.name: {"column": each.column, "rule": each.rule} for each in options},
        }  # fmt: skip
        inputs = {
            "pass": describe_pass(found),
            "genome": described,
            "annotation": {each.name: describe_file(each.path) for each in options},
        }
        subtitle = f"{found.record.get('model')}: {len(rows):,} windows, layer {layer}, {pooling}"
        extras = Extras(h5ad, html, subtitle)
        written = write_windows(out, result, chosen, [each.name for each in options], extras, inputs, parameters)
    if options:
        print(separability_text(result))
    note_files(out, [path.name for path in written])


def usable_rows(found: "PassResult", min_tokens: int | None) -> Any:
    """Row numbers of the windows of a pass that are long enough; of a pass over both strands the forward ones.

    Raises
    ------
    InputError
        When none is left.
    """
    import numpy as np

    table = found.windows
    shortest = int(table["n_tokens"].max()) // 2 if min_tokens is None else min_tokens
    keep = (table["n_tokens"] >= shortest).to_numpy()
    strands = table["strand"].astype(str) if "strand" in table else None
    if strands is not None and strands.nunique() > 1:
        keep &= (strands == "+").to_numpy()
        note("the pass read both strands; the map shows windows of the forward strand")
    rows = np.flatnonzero(keep)
    if not len(rows):
        raise InputError(f"{found.folder}: no window of {shortest} tokens; choose a smaller --min-tokens")
    if len(rows) < len(table):
        note(f"{len(table) - len(rows):,} of {len(table):,} windows left out")
    return rows


def separability_text(result: "WindowMap") -> str:
    """Balanced accuracy of each annotation as text."""
    return result.overview().set_index("annotation").to_string(float_format=lambda value: f"{value:.3f}")
