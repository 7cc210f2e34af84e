"""Tensors of a safetensors file as they lie on disk."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}
SIZE_BYTES = 8
MAPPED_BYTES = 2**20
"""Smaller files are read: a mapped one stays open, and a process may open only so many."""


def mapped_tensors(path: Path) -> Mapping[str, NDArray[Any]]:
    """Returns a file's tensors by name, read-only.

    Those of a large file are read when they are touched, and several processes share them.

    The format is 8 bytes that give the length of a JSON header, the header with each tensor's
    type, shape and place, and the tensors: https://huggingface.co/docs/safetensors.

    Args:
        path: The file; what it holds has been checked.
    """
    data: bytes | mmap.mmap
    with path.open("rb") as file:
        if path.stat().st_size < MAPPED_BYTES:
            data = file.read()
        else:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = SIZE_BYTES + int.from_bytes(data[:SIZE_BYTES], "little")
    header = json.loads(data[SIZE_BYTES:begin])
    return {
        name: np.frombuffer(
            data,
            dtype=TYPES[entry["dtype"]],
            count=int(np.prod(entry["shape"])),
            offset=begin + entry["data_offsets"][0],
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }
