"""Check a 2bit file before py2bit maps it into memory: reading past the end of a mapped file kills the process."""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from grover_probe.errors import InputError

MAGIC = b"\x43\x27\x41\x1a"  # little endian, as nearly all 2bit files are
SWAPPED_MAGIC = MAGIC[::-1]


def check_2bit(path: Path) -> None:
    """Check that every sequence of a 2bit file lies within it.

    Raises
    ------
    InputError
        When the file is truncated or damaged, or of a variant that cannot be read here.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        signature, version, count, _ = struct.unpack("<4I", _take(handle, 16, path))
        if signature != struct.unpack("<I", MAGIC)[0]:
            raise InputError(f"{path}: a 2bit file in big-endian byte order; convert it to FASTA with twoBitToFa")
        if version != 0:
            raise InputError(f"{path}: 2bit version {version}, expected 0; convert it to FASTA with twoBitToFa")
        if count == 0:
            raise InputError(f"{path}: the 2bit file has no sequences")
        names: set[bytes] = set()
        offsets: list[int] = []
        for _ in range(count):
            name = _take(handle, _take(handle, 1, path)[0], path)
            if not name or name in names:
                problem = f"two sequences are named {name.decode('ascii', 'replace')!r}" if name else "a name is empty"
                raise InputError(f"{path}: {problem}; names in a 2bit file must be unique")
            names.add(name)
            offsets += struct.unpack("<I", _take(handle, 4, path))
        for offset in offsets:
            handle.seek(offset)
            (n_bases,) = struct.unpack("<I", _take(handle, 4, path))
            for _ in ("runs of N", "soft-masked runs"):
                _check_blocks(handle, n_bases, size, path)
            if handle.tell() + 4 + -(-n_bases // 4) > size:
                raise _damaged(path)


def _check_blocks(handle: BinaryIO, n_bases: int, size: int, path: Path) -> None:
    """Read past one list of blocks, which must lie within the sequence."""
    (n_blocks,) = struct.unpack("<I", _take(handle, 4, path))
    if handle.tell() + 8 * n_blocks > size:
        raise _damaged(path)
    starts, sizes = np.frombuffer(_take(handle, 8 * n_blocks, path), dtype="<u4").astype(np.int64).reshape(2, -1)
    if (starts + sizes > n_bases).any():
        raise _damaged(path)


def _take(handle: BinaryIO, n_bytes: int, path: Path) -> bytes:
    found = handle.read(n_bytes)
    if len(found) < n_bytes:
        raise _damaged(path)
    return found


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: the 2bit file is truncated or damaged; fetch it again")
