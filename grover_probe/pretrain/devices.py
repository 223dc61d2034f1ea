"""On what a training run computes: processes, device and precision."""

from typing import TYPE_CHECKING

import torch

from grover_probe.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from accelerate import Accelerator


def make_accelerator(device: str = "auto", dtype: str = "fp32") -> "Accelerator":
    """The `accelerate.Accelerator` of this process, as ``torchrun`` or ``accelerate launch`` started it, or alone.

    Parameters
    ----------
    device
        ``auto`` takes a GPU when there is one; ``cpu``.
    dtype
        ``auto`` takes bf16 where the hardware multiplies it fast; ``fp32``; ``bf16``.

    Raises
    ------
    InputError
        For another device or dtype.
    MissingDependencyError
        When accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError:
        raise MissingDependencyError('pretraining needs accelerate: pip install "grover-probe[train]"') from None
    if device not in ("auto", "cpu"):
        raise InputError(f"--device {device!r}: expected auto or cpu; choose among GPUs with CUDA_VISIBLE_DEVICES")
    if dtype not in ("auto", "fp32", "bf16"):
        raise InputError(f"--dtype {dtype!r}: expected auto, fp32 or bf16")
    cpu = device == "cpu" or not torch.cuda.is_available()
    fast = torch.cpu._is_amx_tile_supported() if cpu else torch.cuda.is_bf16_supported()
    half = dtype == "bf16" or (dtype == "auto" and fast)
    return Accelerator(cpu=cpu, mixed_precision="bf16" if half else "no")
