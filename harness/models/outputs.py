"""The cache of outputs: what a model gave for an input is computed once and kept.

One folder holds the outputs of one model under one numerical set-up. It grows by whole files,
written aside and renamed into place, each named by the sha256 of its bytes: any number of
processes may read and write it, and a file that was cut or altered is noticed, put aside and
computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.core.files import atomic_write, sha256_bytes
from harness.core.types import Cost
from harness.models.base import Floats

KEY_BYTES = 16


def content_key(*parts: str) -> bytes:
    """Returns the key of an input: a digest in which no two lists of parts run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()[:KEY_BYTES]


class OutputStore:
    """Outputs by key, on disk and in memory; all of one folder have the same width.

    Args:
        folder: Where the files lie; made on first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._values: dict[bytes, Floats] = {}
        self._costs: dict[bytes, Cost] = {}
        self._read: set[str] = set()
        self._lock = threading.Lock()

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Returns the positions of the keys that nobody has computed, each distinct key once."""
        if any(key not in self._values for key in keys):
            self._read_new_files()
        first: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            if key not in self._values:
                first.setdefault(key, position)
        return sorted(first.values())

    def get(self, keys: Sequence[bytes]) -> tuple[Floats, dict[bytes, Cost]]:
        """Returns the values, shape (keys, width), and what each distinct key first cost.

        Raises:
            KeyError: A key is not there; ask :meth:`missing` first.
        """
        rows = [self._values[key] for key in keys] or [np.empty(0, dtype=np.float32)]
        return np.stack(rows)[: len(keys)], {key: self._costs[key] for key in keys}

    def put(self, keys: Sequence[bytes], values: Floats, costs: Sequence[Cost]) -> None:
        """Keeps new outputs: one file, whole or not at all."""
        from safetensors.numpy import save

        if values.ndim != 2 or not len(values) == len(costs) == len(keys):
            raise ValueError(
                f"outputs do not fit: got {values.shape} values and {len(costs)} costs for "
                f"{len(keys)} keys"
            )
        if not keys:
            return
        values = np.ascontiguousarray(values, dtype=np.float32)
        data = save(
            {
                "keys": np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES),
                "values": values,
                "seconds": np.array([cost.seconds for cost in costs], dtype=np.float64),
                "tokens": np.array([cost.tokens for cost in costs], dtype=np.int64),
            }
        )
        name = f"{sha256_bytes(data)}.safetensors"
        atomic_write(self.folder / name, data)
        with self._lock:
            self._read.add(name)
            self._remember(keys, values, costs)

    def _read_new_files(self) -> None:
        with self._lock:
            for path in sorted(self.folder.glob("*.safetensors")):
                if path.name not in self._read:
                    # It is gone when another process has just put it aside.
                    with contextlib.suppress(FileNotFoundError):
                        self._read_file(path)

    def _read_file(self, path: Path) -> None:
        from safetensors.numpy import load

        data = path.read_bytes()
        if sha256_bytes(data) != path.stem:
            path.replace(path.with_suffix(".damaged"))
            return
        tensors = load(data)
        keys = [row.tobytes() for row in tensors["keys"]]
        costs = [
            Cost(seconds, tokens)
            for seconds, tokens in zip(
                tensors["seconds"].tolist(), tensors["tokens"].tolist(), strict=True
            )
        ]
        self._remember(keys, tensors["values"], costs)
        self._read.add(path.name)

    def _remember(self, keys: Sequence[bytes], values: Floats, costs: Sequence[Cost]) -> None:
        for key, value, cost in zip(keys, values, costs, strict=True):
            if key not in self._values:  # what was read first stays
                self._values[key] = value
                self._costs[key] = cost
