"""Self-similarity from the sums of a pass that is there already, without another forward pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.inputs import describe_files, read_regions, tokenize_regions

if TYPE_CHECKING:
    import numpy as np

    from grover_probe.extract.results import PassResult
    from grover_probe.selfsim.similarity import SelfSimilarity


@dataclass(frozen=True)
class ExtractedJob:
    """Self-similarity of the tokens of a pass.

    Attributes
    ----------
    extracted
        Folder of the pass.
    annotation
        BED of repeats. It needs what the pass was made from, checked by content: `genome`, `regions` and `tokenizer`
        (as in `grover_probe.models.load_tokenizer`).
    layers
        Of those in the pass; all when None.
    """

    extracted: Path
    annotation: Path | None
    genome: Path
    tokenizer: str
    regions: Path | None
    layers: tuple[int, ...] | None

    def parameters(self) -> dict[str, Any]:
        """Settings that are not files."""
        return {"layers": self.layers}

    def inputs(self) -> dict[str, Any]:
        """Content of the pass and of the annotation, by hash."""
        from grover_probe.extract.results import RECORD, open_pass
        from grover_probe.provenance import describe_file

        open_pass(self.extracted)
        # The folder in place of a model says, as a model does, whether an earlier result is still right.
        return {"model": describe_file(self.extracted / RECORD), **describe_files(annotation=self.annotation)}

    def compute(self) -> "SelfSimilarity":
        """Read the sums and, for an annotation, tokenise again what the pass has read."""
        from grover_probe.extract.results import open_pass

        result = open_pass(self.extracted)
        share = None if self.annotation is None else self._repeat_share(result, self.annotation)
        note(f"sums of {result.record['n_tokens']:,} tokens in {self.extracted}, of {result.record['model']}")
        return from_pass(result, layers=self.layers, repeat_share=share)

    def _repeat_share(self, result: "PassResult", annotation: Path) -> "np.ndarray":
        from grover_probe.annotation import read_intervals, share_per_token
        from grover_probe.genome import open_genome
        from grover_probe.models import load_tokenizer

        self._check_same(result)
        tokenizer = load_tokenizer(self.tokenizer)
        if tokenizer.hash != result.record["tokenizer_hash"]:
            raise InputError(f"--tokenizer {self.tokenizer}: not the tokenizer of the pass in {self.extracted}")
        genome = open_genome(self.genome)
        corpus, runs = tokenize_regions(genome, tokenizer, read_regions(self.regions, genome), progress=False)
        return share_per_token(corpus, runs, read_intervals(annotation, genome))

    def _check_same(self, result: "PassResult") -> None:
        """Refuse a genome or regions that are not those of the pass: the share would be of other tokens."""
        if result.record["parameters"]["strand"] != "forward":
            raise InputError(f"{self.extracted}: --annotation needs a pass of the forward strand")
        given = describe_files(genome=self.genome, regions=self.regions)
        for name, path in (("genome", self.genome), ("regions", self.regions)):
            made_from = result.record["inputs"].get(name, {})
            if made_from.get("sha256") != given.get(name, {}).get("sha256"):
                raise InputError(
                    f"--{name} ({path or 'not given'}): the pass in {self.extracted} was made with "
                    f"{made_from.get('name', 'none')}; --annotation needs the same"
                )


def from_pass(
    result: "PassResult", *, layers: tuple[int, ...] | None = None, repeat_share: "np.ndarray | None" = None
) -> "SelfSimilarity":
    """Self-similarity of each token in each layer from a pass with the reducer `directions`.

    Parameters
    ----------
    result
        From `grover_probe.extract.results.open_pass`.
    layers
        Of those in the pass; all when None.
    repeat_share
        As in `grover_probe.selfsim.self_similarity`.

    Raises
    ------
    InputError
        When the pass has no such sums or layers, or no token occurs twice.
    """
    from grover_probe.selfsim.similarity import SelfSimilarity, token_rows
    from grover_probe.selfsim.summary import summarise

    sums = result.arrays("directions")
    wanted = list(result.layers if layers is None else layers)
    missing = sorted(set(wanted) - set(result.layers))
    if missing:
        kept = ", ".join(map(str, result.layers))
        raise InputError(f"layer {missing[0]} is not in {result.folder}, which has {kept}")
    if sums["count"].max() < 2:
        raise InputError(f"{result.folder}: no token occurs twice")
    places = [result.layers.index(layer) for layer in wanted]
    picked = {"count": sums["count"], **{name: sums[name][places] for name in ("unit", "to_window")}}
    tokens = token_rows(picked, wanted, result.sequences, sums["count"], repeat_share)
    return SelfSimilarity(tokens, summarise(tokens))
