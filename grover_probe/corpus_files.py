"""The tokenised genome on disk: written chromosome by chromosome, opened memory-mapped.

A corpus is a folder::

    corpus.json   format version, genome and tokenizer (hashes), chromosomes
    ids.npy       uint16, token ids of all chromosomes one after another
    starts.npy    uint32, first base of each token on its chromosome (0-based)
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from grover_probe.corpus import Corpus, Tokenizer, chosen_chroms, describe_corpus, encode_chroms
from grover_probe.errors import InputError
from grover_probe.files import atomic_path, make_folder
from grover_probe.genome import Genome

FORMAT_VERSION = 1
RECORD = "corpus.json"
_FILES = ("ids.npy", "starts.npy", RECORD)


def save_corpus(corpus: Corpus, folder: Path | str) -> Path:
    """Write a corpus folder; an earlier one there is replaced only once the new one is complete.

    Raises
    ------
    InputError
        When the folder holds anything but a corpus, or cannot be written.
    """
    folder = Path(folder)
    with _new_folder(folder) as temporary:
        np.save(temporary / "ids.npy", corpus.ids)
        np.save(temporary / "starts.npy", corpus.starts)
        _write_record(temporary, corpus.meta, corpus.chroms, corpus.bounds, corpus.token_lengths)
    return folder


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of an earlier corpus when the block ends well."""
    others = sorted({path.name for path in folder.iterdir()} - set(_FILES)) if folder.is_dir() else []
    if others:
        raise InputError(f"{folder}: holds other files ({others[0]}, ...); choose a new folder for the corpus")
    if folder.is_file():
        raise InputError(f"{folder}: a file stands where the corpus folder is to be; choose another name")
    make_folder(folder.parent)
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        yield temporary


def _write_record(
    folder: Path, meta: dict[str, Any], chroms: Sequence[str], bounds: np.ndarray, token_lengths: np.ndarray
) -> None:
    record = {
        "format_version": FORMAT_VERSION,
        **meta,
        "n_tokens": int(bounds[-1]),
        "chroms": list(chroms),
        "bounds": bounds.tolist(),
        "token_lengths": token_lengths.tolist(),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def write_corpus(
    genome: Genome,
    tokenizer: Tokenizer,
    out: Path | str,
    *,
    chroms: Iterable[str] | None = None,
    progress: bool = True,
) -> Corpus:
    """Tokenise chromosomes of a genome, store them in folder `out` and open it (see `tokenize`).

    One chromosome at a time is in memory.
    """
    names, bounds = chosen_chroms(genome, chroms), [0]
    with _new_folder(Path(out)) as temporary:
        with (temporary / "ids.npy").open("wb") as ids_file, (temporary / "starts.npy").open("wb") as starts_file:
            _write_header(ids_file, np.uint16, 0)
            _write_header(starts_file, np.uint32, 0)
            for ids, starts in encode_chroms(genome, tokenizer, names, progress=progress):
                ids_file.write(ids.tobytes())
                starts_file.write(starts.tobytes())
                bounds.append(bounds[-1] + len(ids))
            _write_header(ids_file, np.uint16, bounds[-1])
            _write_header(starts_file, np.uint32, bounds[-1])
        _write_record(
            temporary, describe_corpus(genome, tokenizer), names, np.array(bounds), np.asarray(tokenizer.lengths)
        )
    return open_corpus(out)


def _write_header(handle: BinaryIO, dtype: type[np.generic], length: int) -> None:
    """Begin an ``.npy`` file of a vector; NumPy leaves room in it for the length to grow."""
    handle.seek(0)
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(handle, header)


def open_corpus(folder: Path | str, tokenizer: Tokenizer | None = None) -> Corpus:
    """Open a corpus folder; ids and offsets stay on disk, memory-mapped.

    Raises
    ------
    InputError
        When the folder is not a corpus, has another format version, is incomplete, or was made with a tokenizer
        other than the one given.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        version = record["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a corpus folder (made by `grover_probe.bpe encode`)") from error
    if version != FORMAT_VERSION:
        raise InputError(f"{folder}: corpus format {version}, expected {FORMAT_VERSION}; encode the genome again")
    try:
        ids, starts = (np.load(folder / name, mmap_mode="r") for name in ("ids.npy", "starts.npy"))
        corpus = Corpus(
            ids=ids,
            starts=starts,
            chroms=tuple(record["chroms"]),
            bounds=np.asarray(record["bounds"], dtype=np.int64),
            token_lengths=np.asarray(record["token_lengths"], dtype=np.int64),
            meta={"genome": record["genome"], "tokenizer": record["tokenizer"]},
        )
        made_with, n_tokens = corpus.tokenizer_hash, record["n_tokens"]
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: damaged or incomplete ({error}); encode the genome again") from error
    if (ids.dtype, starts.dtype, ids.ndim, starts.ndim) != (np.uint16, np.uint32, 1, 1):
        raise InputError(f"{folder}: ids and offsets must be uint16 and uint32; encode the genome again")
    ends = corpus.bounds[-1] if len(corpus.bounds) == len(corpus.chroms) + 1 else -1
    if not len(ids) == len(starts) == n_tokens == ends:
        raise InputError(
            f"{folder}: damaged or incomplete ({len(ids):,} ids, {len(starts):,} offsets, {n_tokens:,} expected); "
            "encode the genome again"
        )
    if tokenizer is not None and made_with != tokenizer.hash:
        raise InputError(
            f"{folder}: made with tokenizer {made_with[:12]}, not with {tokenizer.hash[:12]}; "
            "encode the genome with this model's tokenizer"
        )
    return corpus
