"""Linear layers in the memory layout that oneDNN multiplies fastest, in the same float32.

torch multiplies float32 matrices with MKL, which on other processors than its maker's takes
older vector instructions: half the speed on the ones this was measured on. oneDNN, which comes
with torch, takes all there are, and does well on few rows too.
"""

from __future__ import annotations

import functools
import platform
from typing import Any


@functools.cache
def linear_library(device: str, dtype: str) -> str:
    """Returns what multiplies in linear layers: ``onednn``, or ``torch`` for its own choice."""
    tried = platform.machine().lower() in ("x86_64", "amd64")
    return "onednn" if tried and device == "cpu" and dtype == "float32" else "torch"


def pack_linears(model: Any) -> None:
    """Makes the linear layers of a model compute from packed weights; for inference alone.

    A model that :func:`linear_library` leaves to torch stays as it is.

    The weights as they were are let go, except those that an embedding shares. Where a model
    reads a layer's weight itself, as Mamba does, it is unpacked for it each time.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    weights = next(model.parameters())
    dtype = str(weights.dtype).removeprefix("torch.")
    if linear_library(weights.device.type, dtype) != "onednn":
        return
    embedded = {id(module.weight) for module in model.modules() if _is_embedding(module)}
    for module in model.modules():
        kind: type = type(module)
        # A Conv1D is a linear layer with its weights the other way round.
        if kind in (torch.nn.Linear, Conv1D):
            weight = module.weight
            across = weight.t() if kind is Conv1D else weight
            # What torch's own compiler calls for a linear layer on the CPU.
            packed = torch.ops.mkldnn._reorder_linear_weight(  # noqa: SLF001
                across.detach().contiguous()
            )
            module.forward = functools.partial(_multiply, packed=packed, bias=module.bias)
            if id(weight) not in embedded:
                del module.weight
                module.packed = packed
                module.__class__ = _unpacking(kind)


def _is_embedding(module: Any) -> bool:
    import torch

    return isinstance(module, torch.nn.Embedding)


def _multiply(inputs: Any, *, packed: Any, bias: Any) -> Any:
    import torch

    multiply = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001
    return multiply(inputs, packed, bias, "none", [], "")


@functools.cache
def _unpacking(kind: Any) -> Any:
    """Returns the kind of layer whose weight is made from ``packed`` when it is read."""
    from transformers.pytorch_utils import Conv1D

    def weight(module: Any) -> Any:
        dense = module.packed.to_dense()
        return dense.t() if kind is Conv1D else dense

    return type(kind.__name__, (kind,), {"weight": property(weight)})
