"""Write 2bit files: four bases to the byte, with the N runs and the soft-masked runs kept as blocks.

Reading is py2bit's business; it does not write. The layout is UCSC's (version 0, 32-bit offsets, little
endian): https://genome.ucsc.edu/FAQ/FAQformat.html#format7
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from grover_probe.errors import InputError
from grover_probe.files import atomic_path

_SIGNATURE = 0x1A412743
_LIMIT = 2**32

# 2-bit codes by ASCII letter; 255 marks what is not a letter of a sequence at all.
_CODES = np.full(256, 255, dtype=np.uint8)
_CODES[[*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)]] = 4  # any other letter is written as N
for _code, _both_cases in enumerate((b"Tt", b"Cc", b"Aa", b"Gg")):
    _CODES[list(_both_cases)] = _code

Sequence: TypeAlias = str | bytes | npt.NDArray[np.uint8]


def write_2bit(path: Path | str, sequences: Mapping[str, Sequence]) -> None:
    """Write sequences to a 2bit file.

    Parameters
    ----------
    path
        The file to write; replaced as a whole or not at all.
    sequences
        Name -> bases as text, bytes or an array of ASCII codes (uint8, one dimension), in the order to write.
        Lower case becomes a soft-mask block. Letters other than A, C, G and T (N, IUPAC codes) become N,
        because the format knows nothing else.

    Raises
    ------
    InputError
        For a name that the format cannot hold, for characters that are no letters, for data beyond 4 GiB.
    """
    if not sequences:
        raise InputError(f"{path}: a 2bit file needs at least one sequence")
    names = [_checked_name(name, path) for name in sequences]
    records = [_record(name, sequence) for name, sequence in sequences.items()]
    offset = 16 + sum(1 + len(name) + 4 for name in names)
    index = bytearray()
    for name, record in zip(names, records, strict=True):
        if offset >= _LIMIT:
            raise InputError(f"{path}: more than 4 GiB in one 2bit file; write fewer sequences to a file")
        index += struct.pack("<B", len(name)) + name + struct.pack("<I", offset)
        offset += len(record)
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        handle.write(struct.pack("<4I", _SIGNATURE, 0, len(names), 0))
        handle.write(index)
        for record in records:
            handle.write(record)


def runs(flags: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Starts and sizes of the runs of true values in a one-dimensional array."""
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def _checked_name(name: str, path: Path | str) -> bytes:
    encoded = name.encode("utf-8")
    if not 0 < len(encoded) < 256 or b"\0" in encoded:
        raise InputError(f"{path}: sequence name {name!r} does not fit a 2bit file (1 to 255 bytes)")
    return encoded


def _record(name: str, sequence: Sequence) -> bytes:
    letters = _ascii(sequence)
    if len(letters) >= _LIMIT:
        raise InputError(f"sequence {name}: longer than 4 Gb, which a 2bit file cannot hold")
    codes = _CODES[letters]
    if (codes == 255).any():
        where = int(np.argmax(codes == 255))
        raise InputError(f"sequence {name}, base {where}: {chr(letters[where])!r} is not a letter of a sequence")
    header = struct.pack("<I", len(letters)) + _blocks(codes == 4) + _blocks(letters >= ord("a"))
    return header + struct.pack("<I", 0) + _pack(codes)


def _ascii(sequence: Sequence) -> npt.NDArray[np.uint8]:
    if isinstance(sequence, str):
        sequence = sequence.encode("utf-8")
    if isinstance(sequence, bytes):
        return np.frombuffer(sequence, dtype=np.uint8)
    return np.ascontiguousarray(sequence, dtype=np.uint8)


def _blocks(flags: npt.NDArray[np.bool_]) -> bytes:
    starts, sizes = runs(flags)
    return struct.pack("<I", len(starts)) + starts.astype("<u4").tobytes() + sizes.astype("<u4").tobytes()


def _pack(codes: npt.NDArray[np.uint8]) -> bytes:
    padded = np.zeros(-(-len(codes) // 4) * 4, dtype=np.uint8)
    padded[: len(codes)] = np.where(codes == 4, 0, codes)  # under an N block UCSC's own tools write T, code 0
    quads = padded.reshape(-1, 4)
    return (quads[:, 0] << 6 | quads[:, 1] << 4 | quads[:, 2] << 2 | quads[:, 3]).astype(np.uint8).tobytes()
