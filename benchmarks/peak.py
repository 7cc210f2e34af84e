"""The machine's float32 matrix peak: what shares of it are measured by."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from harness.models.device import choose_device
from harness.models.packed import pack_linears

SIDE = 2048  # of the square matrices whose product measures the machine
PRODUCTS = 20


def matrix_peaks() -> dict[str, float]:
    """Returns the operations a second of the fastest of some float32 matrix products.

    ``torch`` is torch's own product, ``packed`` that of the harness's linear layers; where the
    harness leaves these to torch, both are the same.
    """
    matrix = torch.rand(SIDE, SIDE, device=choose_device())
    layer = torch.nn.Sequential(torch.nn.Linear(SIDE, SIDE, bias=False, device=choose_device()))
    pack_linears(layer)
    with torch.inference_mode():
        return {
            "torch": 2 * SIDE**3 / fastest(lambda: matrix @ matrix),
            "packed": 2 * SIDE**3 / fastest(lambda: layer(matrix)),
        }


def fastest(multiply: Callable[[], torch.Tensor]) -> float:
    """Returns the least of the seconds that some runs take."""
    seconds = []
    for _ in range(PRODUCTS):
        started = time.perf_counter()
        multiply()[0, 0].item()  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    return min(seconds)
