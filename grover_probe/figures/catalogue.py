"""The figures by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from grover_probe.errors import InputError
from grover_probe.figures.drawn import Drawn
from grover_probe.figures.results import Results


@dataclass(frozen=True)
class Entry:
    """One figure.

    Attributes
    ----------
    name
        Of its files.
    title
        What it shows, in a line.
    module
        Module of this package with ``draw(results) -> Drawn``; imported when it is drawn.
    needs
        Folders of results (`grover_probe.figures.results.LAYOUT`) that it cannot do without.
    """

    name: str
    title: str
    module: str
    needs: tuple[str, ...]

    def draw(self, results: Results) -> Drawn:
        """Draw it.

        Raises
        ------
        InputError
            When a result is not there.
        """
        for need in self.needs:
            results.path(need)
        draw: Callable[[Results], Drawn] = import_module(f"grover_probe.figures.{self.module}").draw
        return draw(results)


FIGURES = {
    entry.name: entry
    for entry in (
        Entry("figure1", "byte-pair encoding, the model, token lengths", "tokens_and_model", ("vocabulary",)),
        Entry("figure2", "choosing a vocabulary, and masked tokens", "choice", ("nextkmer", "evaluate")),
        Entry("figure3", "the vocabulary", "vocabulary", ("vocabulary", "evaluate")),
        Entry("figure4", "token embeddings", "token_embeddings", ("maps-tokens", "overlap")),
        Entry("figure5", "self-similarity and the map of windows", "context", ("selfsim", "maps-windows")),
        Entry("figure6", "fine-tuning", "finetuning", ("compare",)),
        Entry("diagnostics", "what the tokenizer does to sequence", "diagnostics", ("diagnose",)),
        Entry("probes", "what can be read from each layer, beside controls", "probes", ("probes",)),
        Entry("layers", "rogue dimensions and similarity of layers", "layers", ("pass",)),
        Entry("region", "masked accuracy along a region with its annotation", "region", ("region",)),
    )
}


def choose(names: Sequence[str]) -> list[Entry]:
    """Figures by name, or all.

    Raises
    ------
    InputError
        For a name that is none of them.
    """
    for name in names:
        if name not in FIGURES:
            raise InputError(f"{name!r} is no figure; expected some of {', '.join(FIGURES)}")
    return [FIGURES[name] for name in names] if names else list(FIGURES.values())
