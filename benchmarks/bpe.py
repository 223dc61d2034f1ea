"""Byte-pair encoding of DNA: this package and its peers on the same input, one after the other, results compared.

    python -m benchmarks.bpe                         # training and encoding of hg19 chr20
    python -m benchmarks.bpe --work genome           # 3.1 Gbp made from chr20
    python -m benchmarks.bpe --genome other.fa.gz

Every measurement is a process of its own. Times are wall-clock and processor seconds of the call alone, without
reading the input and without compilation; memory is what the call adds at its peak to what is there before it.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.measuring import in_own_process, machine, measure, print_table
from grover_probe.bpe import BPETokenizer, load_tokenizer, save_tokenizer
from grover_probe.bpe.train import train
from grover_probe.command import note
from grover_probe.genome import acgt_segments, decode_bases, open_genome

N_MERGES = 600
PACKAGES = ("numpy", "numba", "tokenizers", "rustbpe", "bpeasy", "sentencepiece", "tiktoken")
# The chunking that suits each trainer, found on 5 Mbp of chr20 among 100, 500, 2,000 and 20,000 bases.
CHUNKS = {"rustbpe": 2_000, "tokenizers": 500, "bpeasy": 500, "sentencepiece": 500}
PIECE = 2_000  # bases per text when encoding in pieces
GENOME_BASES = 3_100_000_000
GENOME_PIECES = 24


def cut(codes: np.ndarray, size: int | None) -> list[np.ndarray]:
    """Segments without N, cut into chunks; whole when `size` is None."""
    segments = acgt_segments(codes)
    return [
        codes[begin : min(begin + (size or end - start), end)]
        for start, end in segments.tolist()
        for begin in range(start, end, size or end - start)
    ]


# --- training --------------------------------------------------------------------------------------------------------


def train_ours(codes_file: str, size: int | None) -> tuple[list[str], dict[str, float]]:
    train([np.load(codes_file)[:4_000_000]], 300, progress=False)  # compiles
    chunks = cut(np.load(codes_file), size)
    merges, spent = measure(lambda: train(chunks, N_MERGES, progress=False))
    return list(merges.pieces[4:]), spent


def train_rustbpe(codes_file: str, size: int) -> tuple[list[str], dict[str, float]]:
    import rustbpe

    chunks = [decode_bases(chunk) for chunk in cut(np.load(codes_file), size)]
    trainer = rustbpe.Tokenizer()
    _, spent = measure(lambda: trainer.train_from_iterator(iter(chunks), 256 + N_MERGES, pattern="[ACGT]+"))
    ranked = sorted(trainer.get_mergeable_ranks(), key=lambda item: item[1])
    return [bytes(piece).decode("latin1") for piece, _ in ranked[256:]], spent


def train_tokenizers(codes_file: str, size: int) -> tuple[list[str], dict[str, float]]:
    from tokenizers import Tokenizer, models, trainers

    chunks = [decode_bases(chunk) for chunk in cut(np.load(codes_file), size)]
    model = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=4 + N_MERGES, initial_alphabet=list("ACGT"), show_progress=False)
    _, spent = measure(lambda: model.train_from_iterator(chunks, trainer))
    return ["".join(pair) for pair in json.loads(model.to_str())["model"]["merges"]], spent


def train_bpeasy(codes_file: str, size: int) -> tuple[list[str], dict[str, float]]:
    import bpeasy

    chunks = [decode_bases(chunk) for chunk in cut(np.load(codes_file), size)]
    vocab, spent = measure(lambda: bpeasy.train_bpe(iter(chunks), "[ACGT]+", 64, 256 + N_MERGES))
    return [piece.decode("latin1") for piece, _ in sorted(vocab.items(), key=lambda item: item[1])[256:]], spent


def train_sentencepiece(codes_file: str, size: int) -> tuple[list[str], dict[str, float]]:
    import io

    import sentencepiece

    chunks = [decode_bases(chunk) for chunk in cut(np.load(codes_file), size)]
    model = io.BytesIO()
    _, spent = measure(
        lambda: sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(chunks), model_writer=model, model_type="bpe", vocab_size=N_MERGES + 4 + 3,
            character_coverage=1.0, max_sentencepiece_length=64, add_dummy_prefix=False, hard_vocab_limit=False,
            normalization_rule_name="identity", max_sentence_length=4 * size, num_threads=2, minloglevel=2,
        )
    )  # fmt: skip
    made = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [made.id_to_piece(i) for i in range(made.get_piece_size()) if not made.is_control(i)]
    return [piece for piece in pieces if len(piece) > 1 and set(piece) <= set("ACGT")], spent


TRAINERS = {
    "rustbpe": train_rustbpe,
    "tokenizers": train_tokenizers,
    "bpeasy": train_bpeasy,
    "sentencepiece": train_sentencepiece,
}


def bench_training(codes_file: str, peers: list[str]) -> None:
    n_bases = int(np.count_nonzero(np.load(codes_file, mmap_mode="r") < 4))
    whole, spent = in_own_process(train_ours, codes_file, None)
    heading = ["trainer", "input", "wall s", "CPU s", "bytes/base", "ours: wall s", "CPU s", "times faster", "merges"]
    rows = [["**grover_probe**", "whole", *_spent(spent, n_bases), "", "", "", f"{len(whole)}"]]
    for peer in peers:
        size = CHUNKS[peer]
        ours, own = in_own_process(train_ours, codes_file, size)
        note(f"training: {peer} ...")
        theirs, spent = in_own_process(TRAINERS[peer], codes_file, size)
        faster = f"**{spent['wall'] / own['wall']:.1f}** (CPU {spent['cpu'] / own['cpu']:.1f})"
        rows.append(
            [peer, f"chunks of {size:,}", *_spent(spent, n_bases), f"{own['wall']:.2f}", f"{own['cpu']:.2f}", faster,
             _difference(ours, theirs)]
        )  # fmt: skip
    print(f"\n### Training, {N_MERGES} merges, {n_bases:,} bases\n")
    print_table(heading, rows)


def _spent(spent: dict[str, float], n_bases: int) -> list[str]:
    return [f"{spent['wall']:.2f}", f"{spent['cpu']:.2f}", f"{spent['memory'] / n_bases:.1f}"]


def _difference(ours: list[str], theirs: list[str]) -> str:
    if ours == theirs:
        return "identical"
    first = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    shared = len(set(ours) & set(theirs))
    return f"differ from merge {first + 1} on; {shared} of {len(ours)} pieces shared"


# --- encoding --------------------------------------------------------------------------------------------------------


def texts_of(codes_file: str, n_bases: int | None, pieces: bool) -> list[str]:
    codes = np.load(codes_file)
    chunks = cut(codes, PIECE if pieces else None)
    if pieces:
        return [decode_bases(chunk) for chunk in chunks]
    longest = max(chunks, key=len)
    return [decode_bases(longest if n_bases is None else longest[:n_bases])]


def encode_ours(codes_file: str, folder: str, n_bases: int | None, pieces: bool) -> tuple[str, dict[str, float]]:
    tokenizer = load_tokenizer(folder)
    texts = texts_of(codes_file, n_bases, pieces)
    tokenizer.encode_batch(texts[:2])
    found, spent = measure(lambda: tokenizer.encode_batch(texts))
    return _digest([encoding.ids for encoding in found]), spent | {"bases": sum(map(len, texts))}


def encode_tokenizers(codes_file: str, folder: str, n_bases: int | None, pieces: bool) -> tuple[str, dict[str, float]]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    texts = texts_of(codes_file, n_bases, pieces)
    found, spent = measure(lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    return _digest([encoding.ids for encoding in found]), spent | {"bases": sum(map(len, texts))}


def encode_tiktoken(codes_file: str, folder: str, n_bases: int | None, pieces: bool) -> tuple[str, dict[str, float]]:
    import tiktoken

    others = [byte for byte in range(256) if chr(byte) not in "ACGT"]
    names = [b"A", b"C", b"G", b"T", *(bytes([byte]) for byte in others)]
    names += [piece.encode() for piece in load_tokenizer(folder).pieces[4:]]
    ranks = {name: rank for rank, name in enumerate(names)}
    encoder = tiktoken.Encoding("dna", pat_str="[ACGT]+", mergeable_ranks=ranks, special_tokens={})
    texts = texts_of(codes_file, n_bases, pieces)
    threads = os.cpu_count() or 1
    found, spent = measure(lambda: encoder.encode_ordinary_batch(texts, num_threads=threads))
    ids = [np.array(tokens) for tokens in found]
    return _digest([np.where(i < 4, i + 5, i - 256 + 9) for i in ids]), spent | {"bases": sum(map(len, texts))}


def _digest(ids: list[Any]) -> str:
    import hashlib

    digest = hashlib.sha256()
    for each in ids:
        digest.update(np.asarray(each, dtype=np.uint16).tobytes() + b"|")
    return digest.hexdigest()


ENCODERS = {"tokenizers": encode_tokenizers, "tiktoken": encode_tiktoken}


def bench_encoding(codes_file: str, folder: str, one_piece_bases: int) -> None:
    rows = []
    for pieces, n_bases, label in (
        (True, None, f"pieces of {PIECE:,}"),
        (False, one_piece_bases, "one piece"),
        (False, None, "one piece"),
    ):
        expected, own = in_own_process(encode_ours, codes_file, folder, n_bases, pieces)
        speed = own["bases"] / own["wall"] / 1e6
        rows.append([f"{label}, {own['bases']:,} bases", "**grover_probe**", f"{own['wall']:.2f}", f"{own['cpu']:.2f}",
                     f"{speed:.0f}", "", ""])  # fmt: skip
        if not pieces and n_bases is None:
            continue  # the peers take minutes and gigabytes for this
        for peer, encode in ENCODERS.items():
            note(f"encoding, {label}: {peer} ...")
            found, spent = in_own_process(encode, codes_file, folder, n_bases, pieces)
            faster = f"**{spent['wall'] / own['wall']:.1f}** (CPU {spent['cpu'] / own['cpu']:.1f})"
            rows.append(["", peer, f"{spent['wall']:.2f}", f"{spent['cpu']:.2f}",
                         f"{spent['bases'] / spent['wall'] / 1e6:.1f}", faster,
                         "identical" if found == expected else "DIFFER"])  # fmt: skip
    print(f"\n### Encoding with {N_MERGES} merges, {os.cpu_count()} processors\n")
    print_table(["input", "encoder", "wall s", "CPU s", "Mbp/s", "times faster", "ids"], rows)


# --- a whole genome --------------------------------------------------------------------------------------------------


def made_genome(codes: np.ndarray, n_bases: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Pieces of blocks of 1 Mbp from anywhere in `codes`, 1 % of their bases drawn anew, N runs between them."""
    rng = np.random.default_rng(seed)
    source = codes[codes < 4]
    block, length = min(1_000_000, len(source) // 2), n_bases // GENOME_PIECES
    for _ in range(GENOME_PIECES):
        piece = np.empty(length, dtype=np.uint8)
        for begin in range(0, length, block):
            size = min(block, length - begin)
            start = rng.integers(0, len(source) - size)
            piece[begin : begin + size] = source[start : start + size]
            changed = rng.integers(begin, begin + size, size=size // 100)
            piece[changed] = rng.integers(0, 4, size=len(changed), dtype=np.uint8)
        piece[:10_000] = piece[-10_000:] = piece[length // 2 : length // 2 + 100_000] = 4
        yield piece


def genome_work(codes_file: str, n_bases: int) -> dict[str, Any]:
    codes = np.load(codes_file)
    train([codes[:4_000_000]], 300, progress=False)
    lengths = [n_bases // GENOME_PIECES] * GENOME_PIECES
    pieces = made_genome(codes, n_bases)
    merges, spent = measure(lambda: train(pieces, N_MERGES, lengths=lengths, progress=True))
    tokenizer = BPETokenizer(merges)
    tokenizer.encode(codes[:1000])
    encoding, n_tokens = {"wall": 0.0, "cpu": 0.0}, 0
    for piece in made_genome(codes, n_bases):
        found, part = measure(lambda piece=piece: tokenizer.encode(piece))
        n_tokens += len(found)
        encoding = {key: encoding[key] + part[key] for key in encoding}
    return {"training": spent, "encoding": encoding, "tokens": n_tokens, "merges": len(merges)}


def bench_genome(codes_file: str, n_bases: int) -> None:
    note(f"genome: {n_bases:,} bases ...")
    found = in_own_process(genome_work, codes_file, n_bases)
    training, encoding = found["training"], found["encoding"]
    print(f"\n### {n_bases:,} bases in {GENOME_PIECES} pieces\n")
    rows = [
        [f"training, {found['merges']} merges (making the input included)", f"{training['wall']:.0f}",
         f"{training['cpu']:.0f}", f"{training['memory'] / 1e9:.1f} GB, {training['memory'] / n_bases:.1f} bytes/base"],
        [f"encoding, {found['tokens']:,} tokens", f"{encoding['wall']:.1f}", f"{encoding['cpu']:.1f}", ""],
    ]  # fmt: skip
    print_table(["work", "wall s", "CPU s", "memory"], rows)


# --- command line ----------------------------------------------------------------------------------------------------


def main(
    genome: Annotated[
        Path | None, typer.Option(help="FASTA or 2bit; by default hg19 chr20 from the data cache.")
    ] = None,
    work: Annotated[str, typer.Option(help="Any of train, encode, genome, with commas between them.")] = "train,encode",
    peers: Annotated[str, typer.Option(help="Trainers to compare with.")] = ",".join(TRAINERS),
    one_piece_bases: Annotated[int, typer.Option(help="Bases that the peers encode in one piece.")] = 5_000_000,
    genome_bases: Annotated[int, typer.Option(help="Bases of the made genome.")] = GENOME_BASES,
) -> None:
    """Run the benchmarks and print Markdown tables."""
    if genome is None:
        from grover_probe.data.fetch import cached_path

        genome = cached_path("hg19.chr20")
    opened = open_genome(genome)
    codes = np.concatenate([np.append(opened.codes(name), np.uint8(4)) for name in opened.names])
    print(f"{genome.name}: {machine(PACKAGES)}")
    with tempfile.TemporaryDirectory() as folder:
        codes_file = str(Path(folder) / "codes.npy")
        np.save(codes_file, codes)
        if "train" in work:
            bench_training(codes_file, peers.split(","))
        if "encode" in work:
            save_tokenizer(BPETokenizer(train([codes], N_MERGES, progress=False)), folder)
            bench_encoding(codes_file, folder, one_piece_bases)
        if "genome" in work:
            bench_genome(codes_file, genome_bases)


if __name__ == "__main__":
    typer.run(main)
