"""FASTA indexes (``.fai``, ``.gzi``): read here, and trusted only when they fit the file beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

_LONGEST_GAP = 1 << 16  # bytes; between two sequences there is one header line and no more


@dataclass(frozen=True)
class IndexEntry:
    """One line of a .fai: name, length in bases, offset of the first base, bases and bytes per line."""

    name: str
    length: int
    offset: int
    line_bases: int
    line_bytes: int

    @property
    def end(self) -> int:
        """Byte after the last base."""
        whole_lines, rest = divmod(self.length - 1, self.line_bases)
        return self.offset + whole_lines * self.line_bytes + rest + 1


def read_index(path: Path) -> list[IndexEntry] | None:
    """The index of a FASTA in file order; None when there is none, or none that fits the file as it is now.

    Between two sequences of the index the file must have one header line with the right name, and after the last one
    nothing. So an index that was copied from another file, or that leaves out a sequence (as htslib does with a name
    that occurs twice), is not used.
    """
    index = Path(f"{path}.fai")
    if not index.is_file() or index.stat().st_mtime < path.stat().st_mtime:
        return None
    try:
        entries = [_parse(line) for line in index.read_text(encoding="ascii").splitlines()]
        with path.open("rb") as handle:
            is_gzip = handle.read(2) == b"\x1f\x8b"
        with quiet_htslib(), _BgzipText(path) if is_gzip else _PlainText(path) as text:
            return entries if entries and _fits(entries, text) else None
    except (OSError, ValueError, OverflowError):
        return None


@contextmanager
def quiet_htslib() -> Iterator[None]:
    """Keep htslib from printing to stderr what is raised as an error here."""
    import pysam

    verbosity = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(verbosity)


def _parse(line: str) -> IndexEntry:
    name, *numbers = line.split("\t")
    length, offset, line_bases, line_bytes = map(int, numbers)
    if length < 1 or offset < 1 or not 0 < line_bases <= line_bytes:
        raise ValueError(line)
    return IndexEntry(name, length, offset, line_bases, line_bytes)


def _fits(entries: list[IndexEntry], text: "_PlainText | _BgzipText") -> bool:
    end = 0
    for entry in entries:
        gap = entry.offset - end
        header = text.read_at(end, gap).strip() if 0 < gap < _LONGEST_GAP else b""
        if b"\n" in header or header.split()[:1] != [b">" + entry.name.encode()]:
            return False
        end = entry.end
    last = text.read_at(end - 1, _LONGEST_GAP)
    return bool(last[:1].strip()) and not last[1:].strip()


class _PlainText:
    """A file, read at byte offsets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._handle = self._path.open("rb")
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.close()

    def read_at(self, offset: int, n_bytes: int) -> bytes:
        self._handle.seek(offset)
        return self._handle.read(n_bytes)


class _BgzipText:
    """A bgzip file, read at byte offsets of its text by its .gzi: compressed and plain start of each block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        pairs = np.frombuffer(Path(f"{path}.gzi").read_bytes()[8:], dtype="<u8").reshape(-1, 2)
        self._packed, self._plain = np.concatenate([np.zeros((1, 2), dtype=np.int64), pairs.astype(np.int64)]).T

    def __enter__(self) -> Self:
        import pysam

        self._handle = pysam.BGZFile(str(self._path), "rb")
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.close()

    def read_at(self, offset: int, n_bytes: int) -> bytes:
        block = int(np.searchsorted(self._plain, offset, side="right")) - 1
        self._handle.seek(int(self._packed[block]) << 16 | offset - int(self._plain[block]))
        return self._handle.read(n_bytes)
