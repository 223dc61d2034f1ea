"""Save a trained model as a folder that transformers loads: half precision, tokenizer and model card included."""

import shutil
from pathlib import Path
from typing import Any

from grover_probe.files import atomic_path


def save_checkpoint(model: Any, tokenizer_folder: Path, out: Path | str, card: str) -> Path:
    """Write ``config.json``, ``model.safetensors`` (fp16), the tokenizer's files and ``README.md``.

    Parameters
    ----------
    model
        `transformers.BertForMaskedLM`; it is not changed.
    tokenizer_folder
        Where ``tokenizer.json`` is.
    out
        The folder; an earlier one is replaced once the new one is complete.
    card
        Text of the model card.
    """
    import copy

    import torch

    from grover_probe.models.loading import quiet_transformers

    out = Path(out)
    with atomic_path(out) as temporary:
        half = copy.deepcopy(model).to(dtype=torch.float16, device="cpu")
        with quiet_transformers():
            half.save_pretrained(temporary)
        (temporary / "model.safetensors").chmod(0o644)  # safetensors makes it readable by its owner only
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if (tokenizer_folder / name).is_file():
                shutil.copyfile(tokenizer_folder / name, temporary / name)
        (temporary / "README.md").write_text(card, encoding="utf-8")
    return out
