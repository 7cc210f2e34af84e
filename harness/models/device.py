"""Where models run and in which numbers: what the bytes of their outputs depend on."""

from __future__ import annotations

import functools
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from harness.models.packed import linear_library

DTYPE = "float32"


@functools.cache
def choose_device() -> str:
    """Returns ``cuda``, ``mps`` or ``cpu``, the first that this machine has.

    A build of torch for the CPU alone says so in its version, and is then not imported.
    """
    if version("torch").endswith("+cpu"):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def default_dtype(device: str) -> str:  # noqa: ARG001
    """Returns the number format that models are loaded in: float32 on every device.

    Half precision is faster on a GPU, but its log-likelihoods depend on how rows are batched.
    """
    return DTYPE


@functools.cache
def half_precision(device: str) -> bool:
    """Returns whether training multiplies matrices in bfloat16: on GPUs that are built for it."""
    if device != "cuda":
        return False
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


@functools.cache
def card_name() -> str:
    """Returns the name of the GPU that torch takes where none is named."""
    import torch

    return torch.cuda.get_device_name()


def compute_threads() -> int:
    """Returns how many threads a model computes with: OMP_NUM_THREADS, else the physical cores.

    What torch would choose by itself depends on the libraries it was built with, so
    :func:`use_threads` tells it.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").strip()
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else _physical_cores()


def use_threads() -> int:
    """Makes torch compute with :func:`compute_threads` threads, and returns how many those are."""
    import torch

    threads = compute_threads()
    torch.set_num_threads(threads)
    return threads


def numerics() -> dict[str, str | int]:
    """Returns what, beside a model and its input, decides the bytes of an output.

    Threads and vector instructions are named only on the CPU: elsewhere they change nothing. A GPU
    is named, because others round otherwise.
    """
    device = choose_device()
    described: dict[str, str | int] = {
        "device": device,
        "dtype": default_dtype(device),
        "torch": version("torch"),
        "transformers": version("transformers"),
        "tokenizers": version("tokenizers"),
    }
    if device == "cpu":
        described |= {
            "threads": compute_threads(),
            "instructions": vector_instructions(),
            "linear": linear_library(device, default_dtype(device)),
        }
    if device == "cuda":
        described["card"] = card_name()
    if half_precision(device):
        described["training"] = "bfloat16"
    return described


@functools.cache
def vector_instructions() -> str:
    """Returns which vector instructions torch's CPU kernels use, as far as that can be told.

    Sums are made in as many lanes as a vector has, so their last bits differ between processors.
    ``ATEN_CPU_CAPABILITY`` is torch's own variable for choosing them.
    """
    chosen = os.environ.get("ATEN_CPU_CAPABILITY", "").strip()
    if chosen:
        return chosen
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return platform.machine()
    return next((name for name in ("avx512f", "avx2") if name in flags), platform.machine())


def _physical_cores() -> int:
    """Counts the cores this process may run on; two hardware threads of one core count once."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    return len({_siblings(cpu) for cpu in allowed})


def _siblings(cpu: int) -> str:
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return topology.read_text(encoding="ascii")
    except OSError:
        return str(cpu)
