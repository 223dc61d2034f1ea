"""Strict streaming of FASTA files, plain or compressed; errors name the line.

A block of text is parsed with NumPy, not line by line, so that a human genome streams at the speed of gzip.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from grover_probe.errors import InputError

_BLOCK = 1 << 24  # bytes of text decoded at a time
_NEWLINE, _RETURN, _GREATER = ord("\n"), ord("\r"), ord(">")


def _letter_table() -> np.ndarray:
    allowed = np.zeros(256, dtype=bool)
    letters = b"ACGTUNRYKMSWBDHVX-*."
    allowed[list(letters + letters.lower())] = True
    return allowed


IS_SEQUENCE = _letter_table()


def scan_fasta(path: Path) -> dict[str, int]:
    """Names and lengths (bases) of the sequences, in file order; checks the whole file.

    Raises
    ------
    InputError
        For an empty file, text before the first header, a header without name, a duplicate name, bytes that are
        not sequence letters, a sequence without bases, or a truncated gzip.
    """
    lengths: dict[str, int] = {}
    for name, piece in _pieces(path):
        lengths[name] = 0 if piece is None else lengths[name] + piece.size
    if not lengths:
        raise InputError(f"{path}: the file is empty; expected FASTA ('>name' and a sequence)")
    for name, length in lengths.items():
        if length == 0:
            raise InputError(f"{path}: sequence {name!r} has no bases")
    return lengths


def read_fasta(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, letters) one sequence at a time; letters are ASCII, uint8, case as in the file."""
    current, pieces = "", []
    for name, piece in _pieces(path):
        if piece is not None:
            pieces.append(piece)
            continue
        if pieces:
            yield current, np.concatenate(pieces)
        current, pieces = name, []
    if pieces:
        yield current, np.concatenate(pieces)


def _pieces(path: Path) -> Iterator[tuple[str, np.ndarray | None]]:
    """Yield (name, None) for a header and (name, letters) for the sequence that follows, in pieces; check them."""
    name: str | None = None
    line_of: dict[str, int] = {}
    line = 1
    for block in _whole_lines(path):
        bounds = _header_starts(block)
        for start, end in zip(bounds, [*bounds[1:], len(block)], strict=True):
            part = block[start:end]
            body = part
            if part[:1] == b">":
                header, _, body = part.partition(b"\n")
                name = _header_name(header, path, line)
                if name in line_of:
                    raise InputError(
                        f"{path}:{line}: {name!r} is already the name of the sequence in line {line_of[name]}"
                    )
                line_of[name] = line
                yield name, None
            elif name is None and part.strip():
                blank = part[: len(part) - len(part.lstrip())]
                _refuse_start(part, path, line + blank.count(b"\n"))
            letters = _sequence_letters(body, path, line + (body is not part))
            if letters.size and name is not None:
                yield name, letters
            line += part.count(b"\n")


def _header_starts(block: bytes) -> list[int]:
    """Where each part of a block begins: at its start and at every '>' that begins a line."""
    starts = [0]
    position = block.find(b"\n>")
    while position >= 0:
        starts.append(position + 1)
        position = block.find(b"\n>", position + 1)
    return starts


def _header_name(header: bytes, path: Path, line: int) -> str:
    words = header[1:].split()
    if not words:
        raise InputError(f"{path}:{line}: a '>' header without a name")
    try:
        return words[0].decode("ascii")
    except UnicodeDecodeError:
        raise InputError(f"{path}:{line}: the header is not ASCII text; is this a FASTA file?") from None


def _refuse_start(part: bytes, path: Path, line: int) -> None:
    text = part[:200]
    if b"\0" in text or any(byte > 127 for byte in text):
        raise InputError(f"{path}: binary data, not FASTA or 2bit; expected '>name' on the first line")
    raise InputError(f"{path}:{line}: sequence before any header; a FASTA file starts with '>name'")


def _sequence_letters(text: bytes, path: Path, first_line: int) -> np.ndarray:
    raw = np.frombuffer(text, dtype=np.uint8)
    letters = raw[(raw != _NEWLINE) & (raw != _RETURN)]
    if IS_SEQUENCE[letters].all():
        return letters
    blank = (raw == ord(" ")) | (raw == ord("\t"))
    at = int(np.flatnonzero(~(IS_SEQUENCE[raw] | (raw == _NEWLINE) | (raw == _RETURN)))[0])
    line = first_line + text[:at].count(b"\n")
    shown = "a blank" if blank[at] else repr(bytes(raw[at : at + 1]))[1:]
    raise InputError(f"{path}:{line}: {shown} is not a sequence letter (A, C, G, T, N or an IUPAC code)")


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Blocks of the decoded file that end at a line end."""
    with path.open("rb") as probe:
        is_gzip = probe.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if is_gzip else path.open("rb") as handle:
        rest = b""
        while block := _read(handle, path):
            cut = block.rfind(b"\n") + 1
            if cut:
                yield rest + block[:cut]
                rest = block[cut:]
            else:
                rest += block
        if rest:
            yield rest


def _read(handle: gzip.GzipFile | BinaryIO, path: Path) -> bytes:
    try:
        return handle.read(_BLOCK)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip stream is truncated or damaged; fetch the file again") from error
