"""The command line of prediction: a fine-tuned model and sequences in, a table and perhaps a track out."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grover_probe.command import new_app, note, note_files
from grover_probe.errors import InputError
from grover_probe.files import output_folder
from grover_probe.options import DeviceOption, OutOption, ProgressOption, TrustOption

if TYPE_CHECKING:
    import pandas as pd

    from grover_probe.finetune.classifier import Classifier

app = new_app("Predict the classes of new sequences with a fine-tuned model.")

TABLE, TRACK, RECORD = "predictions.tsv", "scan.bedgraph", "predict.run.json"


@app.command(
    epilog="Example: `grover-probe predict --model runs/promscan --input regions.bed --genome hg19.2bit --scan 100 "
    "--out scan`"
)
def predict(
    model: Annotated[str, typer.Option(help="Folder of a fine-tuning.")],
    input: Annotated[Path, typer.Option(help="FASTA of sequences, or BED of regions with --genome.")],
    genome: Annotated[
        list[str] | None, typer.Option(help="FASTA or 2bit, or an id of `grover-probe data list`, for a BED.")
    ] = None,
    truncated: Annotated[
        list[str] | None, typer.Option(help="Chromosome of which the file holds only the beginning.")
    ] = None,
    scan: Annotated[
        int | None, typer.Option(min=1, help="Predict on windows every so many bases and write a bedGraph.")
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="Bases of a window.", show_default="as the model was trained on")
    ] = None,
    strand: Annotated[str, typer.Option(help="Strand to scan: + or -.")] = "+",
    track_class: Annotated[
        str | None, typer.Option("--class", help="Class whose probability is the track.", show_default="the last")
    ] = None,
    long: Annotated[
        str | None,
        typer.Option(help="Longer than the model's positions: refuse, cut or window.", show_default="as trained"),
    ] = None,
    out: OutOption = Path("predict-out"),
    device: DeviceOption = "auto",
    trust_remote_code: TrustOption = False,
    progress: ProgressOption = True,
) -> None:
    """Write `predictions.tsv`, one row per sequence, region or window, and with `--scan` a `scan.bedgraph`.

    The bedGraph gives to the `--scan` bases in the middle of each window the probability of one class.
    """
    if strand not in ("+", "-"):
        raise InputError(f"--strand {strand!r}: expected + or -")
    with output_folder(out):
        import pandas as pd

        from grover_probe.finetune.classifier import load_classifier
        from grover_probe.predict.inputs import along, read_stretches, whole
        from grover_probe.tasks.sources import file_or_resource, open_genomes

        classifier = load_classifier(model, device=device, trust_remote_code=trust_remote_code)
        settings = classifier.settings
        chosen = _number_of(track_class, classifier.classes)
        flank = int(settings.get("flank", 0))
        paths = [file_or_resource(name) for name in genome or ()]
        stretches, notes = read_stretches(input, open_genomes(paths) if paths else None, flank, truncated or ())
        for line in notes:
            note(line)
        if scan is None:
            tables = whole(stretches)
        else:
            width = window or int(settings.get("length", 0))
            if not width:
                raise InputError(f"{model}: does not say how long its sequences were; give --window")
            _check_lengths(input, [len(one) for one in stretches], width)
            tables = along(stretches, width, scan, flank, forward=strand == "+")
        found = list(_predict(classifier, tables, long or settings.get("long", "refuse"), progress))
        if not found:
            raise InputError(f"{input}: every window holds an N; nothing to predict on")
        result = pd.concat(found, ignore_index=True)
        parameters = {
            "scan": scan,
            "window": window,
            "strand": strand,
            "class": classifier.classes[chosen],
            "long": long,
        }
        lengths: dict[str, int] = {}
        for one in stretches:
            lengths[one.chrom] = max(lengths.get(one.chrom, 0), one.start + len(one))
        _write(result, classifier, out, [input, *paths], parameters, None if scan is None else (scan, chosen, lengths))
    for number, name in enumerate(classifier.classes):
        print(f"{name}\t{int((result['prediction'] == number).sum())}")
    note_files(out, (TABLE, *([TRACK] if scan else []), RECORD))


def _predict(
    classifier: "Classifier", tables: "Iterator[pd.DataFrame]", long: str, progress: bool
) -> "Iterator[pd.DataFrame]":
    for table in tables:
        probabilities = classifier.probabilities(classifier.windows(table, long=long), progress=progress)
        found = table[["id", "chrom", "start", "end", "strand"]].copy()
        found["prediction"] = probabilities.argmax(axis=1)
        for number, name in enumerate(classifier.classes):
            found[f"p_{name}"] = probabilities[:, number]
        yield found


def bedgraph(table: "pd.DataFrame", scores: Any, step: int, lengths: dict[str, int]) -> "pd.DataFrame":
    """The middle `step` bases of each window with its score: a bedGraph whose intervals do not overlap.

    Parameters
    ----------
    table
        Windows of one length, `step` bases apart, with ``chrom``, ``start``, ``end``.
    scores
        One per window.
    step
        Bases.
    lengths
        Where each sequence ends.
    """
    import numpy as np
    import pandas as pd

    begin = (table["start"] + table["end"]) // 2 - step // 2
    ends = np.minimum(begin + step, table["chrom"].map(lengths))
    track = pd.DataFrame({"chrom": table["chrom"], "start": begin.clip(lower=0), "end": ends, "score": scores})
    track = track.sort_values(["chrom", "start"], kind="stable")
    before = track.groupby("chrom")["end"].transform(lambda ends: ends.cummax().shift(fill_value=0))
    track["start"] = np.maximum(track["start"], before)  # where regions overlap, the first one counts
    return track[track["end"] > track["start"]]


def _number_of(name: str | None, classes: tuple[str, ...]) -> int:
    if name is None:
        return len(classes) - 1
    if name not in classes:
        raise InputError(f"--class {name!r}: the model knows {', '.join(classes)}")
    return classes.index(name)


def _check_lengths(path: Path, lengths: list[int], window: int) -> None:
    short = sum(length < window for length in lengths)
    if short == len(lengths):
        raise InputError(f"{path}: nothing is as long as a window of {window:,} bases; choose a smaller --window")
    if short:
        note(f"left out: {short:,} of {len(lengths):,} sequences shorter than a window of {window:,} bases")


def _write(
    result: "pd.DataFrame", classifier: "Classifier", out: Path, inputs: list[Path], parameters: dict[str, Any],
    scan: tuple[int, int, dict[str, int]] | None,
) -> None:  # fmt: skip
    from grover_probe.files import sha256_of, staged_files
    from grover_probe.provenance import describe_file, write_run

    names = (TABLE, *([TRACK] if scan else []))
    with staged_files(out, (*names, RECORD)) as staging:
        result.to_csv(staging / TABLE, sep="\t", index=False, lineterminator="\n", float_format="%.6g")
        if scan:
            step, number, lengths = scan
            track = bedgraph(result, result[f"p_{classifier.classes[number]}"], step, lengths)
            with (staging / TRACK).open("w", encoding="utf-8", newline="") as handle:
                title = f"p({classifier.classes[number]})"
                handle.write(f'track type=bedGraph name="{title}" description="{classifier.source["name"]}"\n')
                track.to_csv(handle, sep="\t", index=False, header=False, lineterminator="\n", float_format="%.5f")
        write_run(
            staging / RECORD,
            inputs={"model": classifier.source, "files": [describe_file(path) for path in inputs]},
            parameters=parameters,
            outputs={name: sha256_of(staging / name) for name in names},
        )
