"""Save a trained model as a folder that transformers loads: half precision, with tokenizer, start and model card."""

import copy
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from grover_probe.files import atomic_path
from grover_probe.kmer import AnyTokenizer, KmerTokenizer
from grover_probe.models.kmers import save_kmer_tokenizer
from grover_probe.pretrain.untrained import TOKENIZER_FILES, write_start

if TYPE_CHECKING:
    from grover_probe.pretrain.train import Trainer


def save_checkpoint(
    model: Any, trainer: "Trainer", tokenizer: AnyTokenizer, source: Path, out: Path | str, card: str
) -> Path:
    """Write ``config.json``, ``model.safetensors`` (fp16), tokenizer, ``recipe.json``, the start and ``README.md``.

    Parameters
    ----------
    model
        `transformers.BertForMaskedLM`; it is not changed.
    trainer
        Knows recipe and start.
    tokenizer, source
        The tokenizer, and where its files are (a k-mer tokenizer has none, they are written).
    out
        The folder; an earlier one is replaced once the new one is complete.
    card
        Text of the model card.
    """
    from grover_probe.models.loading import quiet_transformers

    out = Path(out)
    with atomic_path(out) as temporary:
        half = copy.deepcopy(model).to(dtype=torch.float16, device="cpu")
        with quiet_transformers():
            half.save_pretrained(temporary)
        (temporary / "model.safetensors").chmod(0o644)  # safetensors makes it readable by its owner only
        if isinstance(tokenizer, KmerTokenizer):
            save_kmer_tokenizer(tokenizer, temporary)
        else:
            folder = source if source.is_dir() else source.parent
            for name in TOKENIZER_FILES:
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, temporary / name)
        write_start(temporary, trainer.recipe, len(trainer.is_piece), trainer.start)
        (temporary / "README.md").write_text(card, encoding="utf-8")
    return out
