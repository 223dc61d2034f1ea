"""Which columns of an annotation file hold what, and what is wrong with a line.

BED3 to BED12, narrowPeak, broadPeak, GTF, GFF, the UCSC table rmsk, UCSC tables with a ``bin`` column, and tables whose
header names their columns. Coordinates come out 0-based and half-open; those of GTF and GFF are 1-based and closed.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grover_probe.errors import InputError

_LOOK_FOR_ZERO = 10_000  # bytes; text has none that is 0
HEADERS = ("track", "browser", "#")
_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,18}\s*")
_BED_NAMES = ("chrom", "start", "end", "name", "score", "strand")
_BED12 = ("thickStart", "thickEnd", "itemRgb", "blockCount", "blockSizes", "blockStarts")
_PEAK = ("signalValue", "pValue", "qValue", "peak")
_GFF = ("chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes")
_RMSK = (
    "bin", "swScore", "milliDiv", "milliDel", "milliIns", "genoName", "genoStart", "genoEnd", "genoLeft", "strand",
    "repName", "repClass", "repFamily", "repStart", "repEnd", "repLeft", "id",
)  # fmt: skip
_CHROM = ("chrom", "genoname", "chr", "chromosome", "seqname", "seqnames")
_START = ("start", "chromstart", "genostart", "txstart")
_END = ("end", "chromend", "genoend", "txend")


@dataclass(frozen=True)
class Format:
    """Where the columns of a file are, counted from 0.

    Attributes
    ----------
    kind
        What a message calls it.
    columns
        Names of the columns, as far as they are known.
    chrom, start, end, strand
        Columns; `strand` is -1 where there is none.
    one_based
        Whether the first base of a chromosome is 1 and `end` the last base inside.
    header_line
        Number of a line that holds names, 0 for none.
    """

    kind: str = "BED"
    columns: tuple[str, ...] = (*_BED_NAMES, *_BED12)
    chrom: int = 0
    start: int = 1
    end: int = 2
    strand: int = 5
    one_based: bool = False
    header_line: int = 0

    @property
    def attributes(self) -> bool:
        """Whether the last column holds attributes, as in GTF and GFF."""
        return self.columns[-1:] == ("attributes",)

    def column(self, wanted: int | str, path: Path) -> int:
        """A column from 0, given by its number from 1 or by its name.

        Raises
        ------
        InputError
            When there is no such name, or the column holds the position.
        """
        if isinstance(wanted, str) and not wanted.isdecimal():
            if wanted not in self.columns:
                known = ", ".join(self.columns)
                raise InputError(
                    f"{path}: no column {wanted!r}; this {self.kind} has {known}; a column's number from 1 will do"
                )
            found = self.columns.index(wanted)
        else:
            found = int(wanted) - 1
        if found < 0 or found in (self.chrom, self.start, self.end):
            raise InputError(f"{path}: column {wanted} holds the position; choose a column of classes")
        return found


BED = Format()
_GFF_FORMAT = Format("GTF or GFF", _GFF, 0, 3, 4, 6, True)
_RMSK_FORMAT = Format("table rmsk", _RMSK, 5, 6, 7, 9)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be read."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file; expected a BED file or another annotation") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; expected a BED file or another annotation") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: binary data, not a BED file or another annotation") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip stream is truncated or damaged; fetch the file again") from error


def read_content(path: Path) -> bytes:
    """The bytes of a plain or gzip file, without a byte order mark; a last line always ends.

    Raises
    ------
    InputError
        When it cannot be read or is not text.
    """
    with readable(path):
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    if b"\x00" in content[:_LOOK_FOR_ZERO]:
        raise InputError(f"{path}: binary data, not a BED file or another annotation")
    content = content.removeprefix(b"\xef\xbb\xbf")
    return content if content.endswith(b"\n") else content + b"\n"


def data_lines(path: Path) -> Iterator[tuple[int, tuple[str, int, int, str]]]:
    """Yield (line number, (chromosome, start, end, name)) of a BED file."""
    with readable(path):
        with path.open("rb") as probe:
            opener = gzip.open if probe.read(2) == b"\x1f\x8b" else open
        with opener(path, "rt", encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip() and not line.startswith(HEADERS):
                    yield number, parse_line(line, path, number)


def parse_line(line: str, path: Path, number: int, file_format: Format = BED) -> tuple[str, int, int, str]:
    """Chromosome, start and end (0-based, half-open) and name of one line.

    Raises
    ------
    InputError
        When it is not a line of this format; the message names file and line.
    """
    fields = line.rstrip("\r\n").split("\t")
    needed = max(file_format.chrom, file_format.start, file_format.end) + 1
    kind = "a BED line" if file_format.kind == "BED" else f"a line of a {file_format.kind}"
    if len(fields) < needed:
        spaced = len(line.split()) >= needed
        hint = "columns must be separated by tabs, not spaces" if spaced else f"expected {needed} columns"
        expected = " (chrom, start, end)" if file_format.kind == "BED" else ""
        raise InputError(f"{path}:{number}: not {kind}: {hint}{expected}")
    chrom, start_text, end_text = (fields[i] for i in (file_format.chrom, file_format.start, file_format.end))
    if not chrom or chrom != chrom.strip():
        raise InputError(f"{path}:{number}: {chrom!r} is not a chromosome name; expected one without blanks")
    if not (_WHOLE_NUMBER.fullmatch(start_text) and _WHOLE_NUMBER.fullmatch(end_text)):
        raise InputError(f"{path}:{number}: start {start_text!r} and end {end_text!r} must be whole numbers (bases)")
    start, end = int(start_text), int(end_text)
    if file_format.one_based and start < 1:
        raise InputError(f"{path}:{number}: {chrom}:{start}-{end}: the first base of a {file_format.kind} is 1")
    if start < 0 or end < 0:
        raise InputError(f"{path}:{number}: {chrom}:{start}-{end} is negative; BED coordinates are 0-based")
    start -= file_format.one_based
    if end < start:
        raise InputError(f"{path}:{number}: {chrom}:{start_text}-{end} ends before it starts; expected start <= end")
    return chrom, start, end, fields[3] if len(fields) > 3 and file_format.kind == "BED" else ""


def detect(path: Path, content: bytes) -> Format:
    """The format of a file, from its name's ending, a header that names columns, or the first line of data."""
    ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending in ("gtf", "gff", "gff3"):
        return _GFF_FORMAT
    for number, line in _first_lines(content):
        fields = line.split("\t")
        named = _from_header(fields, number)
        if named is not None:
            return named
        if not line.startswith("#"):
            return _from_first(fields, ending)
    return BED


def _first_lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Lines up to the first of data, track and browser lines and blank ones left out."""
    begin = number = 0
    while begin < len(content):
        stop = content.index(b"\n", begin)
        number += 1
        line = content[begin:stop].decode("utf-8", "replace").rstrip("\r")
        if line.strip() and not line.startswith(("track", "browser")):
            yield number, line
            if not line.startswith("#"):
                return
        begin = stop + 1


def _from_header(fields: Sequence[str], number: int) -> Format | None:
    names = tuple(field.strip().removeprefix("#").strip() for field in fields)
    lower = [name.lower() for name in names]
    chrom, start, end, strand = (
        next((lower.index(name) for name in group if name in lower), -1)
        for group in (_CHROM, _START, _END, ("strand",))
    )
    if min(chrom, start, end) < 0:
        return None
    return Format("table", names, chrom, start, end, strand, header_line=number)


def _from_first(fields: Sequence[str], ending: str) -> Format:
    whole = [_WHOLE_NUMBER.fullmatch(field) is not None for field in fields]
    if len(fields) == len(_RMSK) and whole[0] and whole[6] and whole[7]:
        return _RMSK_FORMAT
    if len(fields) in (8, 9) and whole[3:5] == [True, True] and not any(whole[1:3]):
        return _GFF_FORMAT
    if len(fields) >= 4 and whole[0] and not whole[1] and all(whole[2:4]):
        names = ("bin", *_BED_NAMES, *_BED12)[: len(fields)]
        return Format("UCSC table with a bin column", names, 1, 2, 3, 6 if len(fields) > 6 else -1)
    names = _BED_NAMES + (_PEAK if ending in ("narrowpeak", "broadpeak") else _BED12)
    if ending == "broadpeak":
        names = names[:-1]
    return Format("BED", names[: max(len(fields), 3)], strand=5 if len(fields) > 5 else -1)
