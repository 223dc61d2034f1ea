"""The folder that a pass leaves behind, and how to read it.

::

    extract.run.json        inputs with their hashes, parameters, layers, width, reducers; written last
    vocabulary.tsv          token_id, token (empty for special tokens)
    windows.parquet         one row per window in corpus order: window, chrom, start, end (bases on the forward strand
                            of the tokens taken from it), strand, first_token, n_tokens
    moments.npz             count int64 (n_ids,); mean, variance float64 (n_layers, n_ids, width), NaN where count is 0
    directions.npz          sums of `DirectionSums`: count, unit, to_window
    window_embeddings.npy   float32 or float16 (n_windows, n_window_layers, n_poolings, width)
    regions.parquet         one row per interval of --bed: region, chrom, start, end, name, bases (covered by tokens)
    region_means.npy        float32 (n_regions, n_window_layers, width), NaN where no base is covered
    <reducer>.npz           what each further reducer found

Only what the reducers of the pass made is there.
"""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from grover_probe.display import ShowsTable
from grover_probe.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
RECORD = "extract.run.json"
VOCABULARY = "vocabulary.tsv"
WINDOWS = "windows.parquet"
WINDOW_EMBEDDINGS = "window_embeddings.npy"
REGIONS = "regions.parquet"
REGION_MEANS = "region_means.npy"


@dataclass(frozen=True)
class PassResult(ShowsTable):
    """What one pass over a genome found; opened with `open_pass`. Arrays are read when they are first asked for.

    Attributes
    ----------
    folder
        Where it is.
    record
        Content of ``extract.run.json``.
    """

    folder: Path
    record: dict[str, Any]

    def __repr__(self) -> str:
        tokens = self.record.get("n_tokens", 0)
        return (
            f"PassResult({self.record['model']} on {tokens:,} tokens, layers {list(self.layers)}, width {self.width}; "
            f"{', '.join(self.record['reducers'])})"
        )

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers of the token results; 0 is the embedding output."""
        return tuple(self.record["layers"])

    def overview(self) -> "pd.DataFrame":
        """One row per layer, with what the reducers of this pass say about it."""
        import pandas as pd

        columns: dict[str, object] = {"layer": list(self.layers)}
        if "dimensions" in self.record["reducers"]:
            found = self.arrays("dimensions")
            columns["anisotropy"] = found["anisotropy"]
            columns["largest dimension"] = found["share"].argmax(1)
            columns["its share"] = found["share"].max(1)
        if "cka" in self.record["reducers"]:
            columns["CKA with last"] = self.arrays("cka")["cka"][:, -1]
        if "lens" in self.record["reducers"]:
            columns["lens top-1"] = self.arrays("lens")["top1_all"]
        return pd.DataFrame(columns)

    @property
    def window_layers(self) -> tuple[int, ...]:
        """Layers of the window embeddings and region means."""
        return tuple(self.record["window_layers"])

    @property
    def poolings(self) -> tuple[str, ...]:
        """Poolings of the window embeddings: of ``cls``, ``mean``, ``max``."""
        return tuple(self.record["poolings"])

    @property
    def width(self) -> int:
        """Size of a hidden state."""
        return int(self.record["width"])

    @property
    def n_ids(self) -> int:
        """Rows of the model's embedding table."""
        return int(self.record["n_ids"])

    @cached_property
    def pieces(self) -> list[str]:
        """Sequence of each token by id, empty for special tokens: `n_ids` long."""
        with self._path(VOCABULARY, "moments").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
        pieces = [""] * self.n_ids
        for row in rows:
            pieces[int(row["token_id"])] = row["token"]
        return pieces

    @property
    def sequences(self) -> tuple[str, ...]:
        """The pieces in id order from the first that is no special token on, as a tokenizer's `pieces`."""
        return tuple(piece for piece in self.pieces if piece)

    @property
    def counts(self) -> np.ndarray:
        """Occurrences of each token: int64, shape (n_ids,)."""
        return self.arrays("moments")["count"]

    def token_means(self, layer: int | str) -> np.ndarray:
        """Mean hidden state of each token: float64, shape (n_ids, width), NaN for tokens that do not occur."""
        return self.arrays("moments")["mean"][_place(self.layers, layer, "tokens")]

    def token_variances(self, layer: int | str) -> np.ndarray:
        """Variance (over n) of each dimension: float64, shape (n_ids, width), NaN for tokens that do not occur."""
        return self.arrays("moments")["variance"][_place(self.layers, layer, "tokens")]

    @cached_property
    def windows(self) -> "pd.DataFrame":
        """One row per window in corpus order; columns in the text of this module."""
        import pandas as pd

        return pd.read_parquet(self._path(WINDOWS, "windows"))

    def window_embeddings(self, layer: int | str = "last", pooling: str = "mean") -> np.ndarray:
        """Embedding of each window: a memory-mapped view, shape (n_windows, width).

        Raises
        ------
        InputError
            When the pass kept no such layer or pooling.
        """
        stored = self._mapped(WINDOW_EMBEDDINGS, "windows")
        if pooling not in self.poolings:
            raise InputError(f"{self.folder}: no pooling {pooling!r}; this pass kept {', '.join(self.poolings)}")
        return stored[:, _place(self.window_layers, layer, "windows"), self.poolings.index(pooling)]

    @cached_property
    def regions(self) -> "pd.DataFrame":
        """One row per interval of ``--bed``."""
        import pandas as pd

        return pd.read_parquet(self._path(REGIONS, "regions"))

    def region_means(self, layer: int | str = "last") -> np.ndarray:
        """Mean hidden state over the bases of each interval: a memory-mapped view, shape (n_regions, width)."""
        return self._mapped(REGION_MEANS, "regions")[:, _place(self.window_layers, layer, "regions")]

    def arrays(self, reducer: str) -> dict[str, np.ndarray]:
        """Everything that a reducer found, from ``<reducer>.npz``.

        Raises
        ------
        InputError
            When it was not part of the pass.
        """
        known = self.__dict__.setdefault("_arrays", {})
        if reducer not in known:
            path = self._path(f"{reducer}.npz", reducer)
            try:
                with path.open("rb") as handle, np.load(handle) as stored:
                    known[reducer] = {name: stored[name] for name in stored.files}
            except (OSError, ValueError, EOFError, BadZipFile) as error:
                raise InputError(f"{path}: damaged ({error}); run the pass again") from error
        return known[reducer]

    def _mapped(self, name: str, reducer: str) -> np.ndarray:
        path = self._path(name, reducer)
        try:
            return np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path}: damaged ({error}); run the pass again") from error

    def _path(self, name: str, reducer: str) -> Path:
        path = self.folder / name
        if not path.is_file() or name not in self.record.get("outputs", [name]):
            have = ", ".join(self.record["reducers"])
            raise InputError(
                f"{self.folder}: no {name} in this pass (it has {have}); make it with `python -m grover_probe.extract "
                f"--reducers {reducer} ... --out NEW_FOLDER`"
            )
        return path


def open_pass(folder: Path | str) -> PassResult:
    """Open the folder of a finished pass.

    Raises
    ------
    InputError
        When the folder holds no finished pass, or one of another format.
    """
    folder = Path(folder)
    command = f"`python -m grover_probe.extract --model MODEL --genome GENOME --out {folder}`"
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: no finished pass here ({RECORD} is missing); make one with {command}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / RECORD}: cannot be read ({error}); make the pass again with {command}") from error
    if not isinstance(record, dict) or record.get("format_version") != FORMAT_VERSION:
        found = record.get("format_version") if isinstance(record, dict) else None
        raise InputError(f"{folder}: pass of format {found}, expected {FORMAT_VERSION}; make it again with {command}")
    return PassResult(folder, record)


def _place(layers: tuple[int, ...], layer: int | str, of: str) -> int:
    """Where a layer stands among those that were kept; by number or as ``embedding``, ``last``, ``-1``."""
    text = str(layer)
    if text in ("last", "-1"):
        return len(layers) - 1
    number = 0 if text == "embedding" else int(text) if text.isdecimal() else None
    if number not in layers:
        kept = ", ".join(map(str, layers)) or "none"
        raise InputError(f"layer {layer!r} was not kept for {of}; this pass has {kept}")
    return layers.index(number)
