"""A stand-in for the published tokenizer: its layout and its oddities, with the merges of the embedded checkpoint."""

import json
from pathlib import Path

import pytest

from grover_probe.bpe import BPETokenizer, load_tokenizer
from grover_probe.data.sample import sample_path

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@pytest.fixture(scope="session")
def chr20_tokenizer() -> BPETokenizer:
    """600 merges learnt on hg19 chr20."""
    return load_tokenizer(sample_path("checkpoint"))


def write_stand_in(tokenizer: BPETokenizer, folder: Path, *, merges_as_lists: bool = False) -> Path:
    """Write the files of the published tokenizer for other merges.

    610 entries, the last of them the empty string with id 609; four merges of a base with this string before all
    others; a special-token map without [SEP] and [UNK]; at most 512 tokens, padding on the right.
    """
    names = [*SPECIAL, *tokenizer.pieces]
    pairs = [(base, "") for base in "ACGT"]
    pairs += [(names[left], names[right]) for left, right in tokenizer.merges.pairs.tolist()]
    merges = [list(pair) for pair in pairs] if merges_as_lists else [" ".join(pair) for pair in pairs]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    cls, sep = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]"))
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": number, "content": name, **flags} for number, name in enumerate(SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, {"Sequence": {"id": "A", "type_id": 0}}, sep],
            "pair": [cls, {"Sequence": {"id": "A", "type_id": 0}}, sep, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                name: {"id": name, "ids": [SPECIAL.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {**{name: number for number, name in enumerate(names)}, "": len(names)},
            "merges": merges,
        },
    }
    roles = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]"}
    settings = {
        "clean_up_tokenization_spaces": True,
        **roles,
        "model_max_length": 512,
        "padding_side": "right",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "special_tokens_map.json").write_text(json.dumps(roles, indent=2) + "\n")
    (folder / "vocab.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 609}))
    return folder


@pytest.fixture(scope="session", params=[False, True], ids=["merges-as-text", "merges-as-lists"])
def published(request, chr20_tokenizer, tmp_path_factory) -> Path:
    """The folder of the stand-in."""
    return write_stand_in(
        chr20_tokenizer, tmp_path_factory.mktemp("published") / "GROVER", merges_as_lists=request.param
    )


@pytest.fixture(scope="session")
def modules_cache(tmp_path_factory):
    """A folder of the test's own for the code that transformers copies before it runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        yield
