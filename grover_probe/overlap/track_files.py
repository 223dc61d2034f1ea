"""The files of ``overlap tracks``: what is asked for, checked before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.overlap.inputs import Inputs, restricted
from grover_probe.overlap.tracks import check_tokens, write_boundaries, write_positions, write_track
from grover_probe.provenance import describe_file


@dataclass(frozen=True)
class TrackPlan:
    """Tracks to write.

    Attributes
    ----------
    tokens
        Tokens whose positions are wanted.
    boundaries
        Whether the first bases of tokens are.
    values
        Table and column of each track of values.
    layer
        Rows of tables that have layers.
    ending
        File ending of tracks.
    """

    tokens: tuple[str, ...]
    boundaries: bool
    values: tuple[tuple[Path, str], ...]
    layer: int | None
    ending: str

    @classmethod
    def parse(
        cls, tokens: Sequence[str], boundaries: bool, values: Sequence[str], layer: int | None, ending: str
    ) -> "TrackPlan":
        """Read the options; `values` as ``TABLE:COLUMN``."""
        pairs = []
        for text in values:
            path, colon, column = text.rpartition(":")
            if not colon or not column:
                raise InputError(f"--values {text}: expected TABLE:COLUMN, such as selfsim.parquet:self_similarity")
            pairs.append((Path(path), column))
        columns = [column for _, column in pairs]
        if len(set(columns)) < len(columns):
            raise InputError(f"--values: two tracks of {columns[0]} would have one file; write them one by one")
        return cls(tuple(dict.fromkeys(tokens)), boundaries, tuple(pairs), layer, ending)

    def files(self) -> list[str]:
        """Names of the files."""
        return [
            *(f"{token}.bed.gz" for token in self.tokens),
            *([f"boundaries.{self.ending}"] if self.boundaries else []),
            *(f"{column}.{self.ending}" for _, column in self.values),
        ]

    def inputs(self) -> dict[str, Any]:
        """What the record says about the tables."""
        return {"values": [describe_file(path) for path, _ in self.values]}

    def check(self, given: Inputs) -> None:
        """Refuse unknown tokens and unusable tables before a long track is written."""
        check_tokens(self.tokens, given.tokenizer.pieces)
        for path, column in self.values:
            self._column(path, column, given.tokenizer.n_ids)

    def write(self, given: Inputs, folder: Path) -> None:
        """Write all files."""
        corpus, lengths = restricted(given.corpus, given.runs), given.genome.lengths
        for token in self.tokens:
            n = write_positions(corpus, given.tokenizer.pieces, [token], folder / f"{token}.bed.gz")
            note(f"{token}: {n:,} occurrences")
        if self.boundaries:
            write_boundaries(corpus, lengths, folder / f"boundaries.{self.ending}")
        for path, column in self.values:
            found = self._column(path, column, given.tokenizer.n_ids)
            write_track(corpus, found, lengths, folder / f"{column}.{self.ending}")

    def _column(self, path: Path, column: str, n_ids: int) -> np.ndarray:
        """A value per token id, NaN for tokens that the table does not have."""
        table = read_table(path)
        for name in ("token_id", column):
            if name not in table.columns:
                raise InputError(f"{path}: no column {name!r}; it has {', '.join(map(str, table.columns))}")
        if self.layer is not None:
            if "layer" not in table.columns:
                raise InputError(f"{path}: has no column 'layer'; leave out --layer")
            layers = sorted(table["layer"].unique().tolist())
            table = table[table["layer"] == self.layer]
            if table.empty:
                raise InputError(f"{path}: no layer {self.layer}; it has {', '.join(map(str, layers))}")
        if table["token_id"].duplicated().any():
            hint = "choose one with --layer" if "layer" in table.columns else "expected one row per token"
            raise InputError(f"{path}: several rows per token; {hint}")
        ids = table["token_id"].to_numpy()
        if len(ids) and not 0 <= ids.min() <= ids.max() < n_ids:
            raise InputError(f"{path}: token id {ids.max()}, but the tokenizer has {n_ids}; is it another tokenizer's?")
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: column {column!r} does not hold numbers")
        values = np.full(n_ids, np.nan)
        values[ids] = table[column].to_numpy(dtype=np.float64)
        return values


def read_table(path: Path) -> pd.DataFrame:
    """A Parquet or TSV table.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep="\t")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from error
