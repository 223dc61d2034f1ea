"""What a pass is asked to do."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grover_probe.errors import InputError
from grover_probe.extract.inputs import find_reducer
from grover_probe.extract.layers import parse_layers
from grover_probe.extract.results import FORMAT_VERSION
from grover_probe.inputs import describe_inputs, is_corpus

if TYPE_CHECKING:
    from grover_probe.models.loading import LanguageModel

DEFAULT_REDUCERS = ("moments", "directions", "dimensions", "windows")
POOLINGS = ("cls", "mean", "max")


@dataclass(frozen=True)
class Job:
    """One pass: input files and every setting that decides the result.

    Attributes
    ----------
    model
        Folder or hub id.
    genome
        FASTA, 2bit, or a corpus folder.
    tokenizer
        Folder, hub id, ``tokenizer.json`` or a name such as ``6-mer``; the model's own when None.
    regions
        BED: only tokens wholly inside are read.
    bed
        BED: intervals whose mean states are wanted.
    reducers
        Names, or ``module:Class``.
    layers, window_layers
        As text (`parse_layers`); all, and the last one, when None.
    poolings
        Of ``cls``, ``mean``, ``max``.
    overlap
        Tokens that neighbouring windows share.
    strand
        ``forward``, ``reverse`` or ``both``.
    sample_every
        Reducers `cka` and `lens` use about one token in so many.
    sample_per_token
        Reducer `explainable` uses at most so many occurrences of each token.
    dtype
        Precision of the forward pass.
    parts
        Parts of the pass, and the most processes that can share it; by size when None.
    revision
        Of a hub id.
    """

    model: str
    genome: Path
    tokenizer: str | Path | None = None
    regions: Path | None = None
    bed: Path | None = None
    reducers: tuple[str, ...] = DEFAULT_REDUCERS
    layers: str | None = None
    window_layers: str | None = None
    poolings: tuple[str, ...] = ("mean",)
    overlap: int = 0
    strand: str = "forward"
    sample_every: int = 16
    sample_per_token: int = 64
    dtype: str = "fp32"
    parts: int | None = None
    revision: str | None = None

    def check(self) -> None:
        """Refuse what cannot be done, before anything large is read.

        Raises
        ------
        InputError
            For unknown reducers, poolings or strands, and for settings that contradict each other.
        """
        from grover_probe.extract.strands import STRANDS

        if self.strand not in STRANDS:
            raise InputError(f"--strand {self.strand!r}: expected one of {', '.join(STRANDS)}")
        wrong = [pooling for pooling in self.poolings if pooling not in POOLINGS]
        if wrong or not self.poolings or len(set(self.poolings)) < len(self.poolings):
            raise InputError(f"--poolings {','.join(self.poolings)}: expected some of {', '.join(POOLINGS)}, each once")
        names = [find_reducer(name)[0].name for name in self.reducers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not names:
            raise InputError(f"--reducers: {twice[0]} is named twice" if twice else "--reducers: name at least one")
        if ("regions" in names) != (self.bed is not None):
            raise InputError("the reducer `regions` and --bed INTERVALS go together; give both or neither")
        if self.strand != "forward" and is_corpus(self.genome):
            raise InputError(f"--strand {self.strand}: a corpus holds one strand; give the genome as FASTA or 2bit")

    def resolve(self, model: "LanguageModel") -> dict[str, Any]:
        """Inputs by content and all settings with their defaults filled in, ready for a record.

        Returns
        -------
        dict
            ``inputs``, ``parameters`` and ``key``, the hash of both.
        """
        layers = parse_layers(self.layers, model.n_layers)
        kept = parse_layers(
            self.window_layers if self.window_layers is not None else str(layers[-1]), model.n_layers, "--window-layers"
        )
        if not set(kept) <= set(layers):
            raise InputError(f"--window-layers {self.window_layers}: not all of them are among --layers {self.layers}")
        if "cls" in self.poolings and model.specials.cls is None:
            raise InputError(f"--poolings cls: {model.name} takes no [CLS]; expected mean or max")
        inputs = describe_inputs(
            self.model, self.tokenizer, self.revision, genome=self.genome, regions=self.regions, bed=self.bed
        )
        own = {name: find_reducer(name)[1] for name in self.reducers}
        parameters = {
            "layers": layers,
            "window_layers": kept,
            **{
                name: getattr(self, name)
                for name in (
                    "reducers", "poolings", "overlap", "strand", "sample_every", "sample_per_token", "dtype", "parts",
                )
            },
            "own_reducers": {name: sha256 for name, sha256 in own.items() if sha256},
            "format_version": FORMAT_VERSION,
        }  # fmt: skip
        plain = json.loads(json.dumps({"inputs": inputs, "parameters": parameters}, default=str))
        return {**plain, "key": hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()}


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What differs between the inputs and parameters of two passes, in words."""
    one, other = ({**record["inputs"], **record["parameters"]} for record in (stored, wanted))
    names = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return "; ".join(f"{name} {_short(one.get(name))}, now {_short(other.get(name))}" for name in names)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        sha256 = value.get("sha256", value.get("revision", ""))
        sha256 = next(iter(reversed(sha256.values())), "") if isinstance(sha256, dict) else str(sha256)
        return f"{value.get('name', value)} ({sha256[:8]})"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
