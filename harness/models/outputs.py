"""The cache of outputs: what a model gave for an input is computed once and kept.

One folder holds the outputs of one model under one numerical set-up. It grows by whole files,
written aside and renamed into place, each named by the sha256 of its bytes: any number of
processes may read and write it, and a file that was cut or altered is noticed, put aside and
computed again. Numbers of large files are read when they are asked for, and not held in memory.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import itertools
import threading
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.core.files import atomic_write, sha256_bytes, sha256_file
from harness.core.types import Cost
from harness.models.base import Floats
from harness.models.mapped import mapped_tensors

KEY_BYTES = 16
V = TypeVar("V")
Tensors = Mapping[str, NDArray[Any]]


def content_key(*parts: str) -> bytes:
    """Returns the key of an input: a digest in which no two lists of parts run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()[:KEY_BYTES]


class DamagedFileWarning(UserWarning):
    """A file of the cache is not what was written; what it held is computed again."""


class Store(abc.ABC, Generic[V]):
    """Outputs by key, on disk; all of one folder are of one kind.

    Args:
        folder: Where the files lie; made on first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._values: dict[bytes, V] = {}
        self._costs: dict[bytes, Cost] = {}
        self._read: set[str] = set()
        self._lock = threading.Lock()

    @abc.abstractmethod
    def _pack(self, values: Collection[V]) -> Tensors:
        """Returns values as tensors."""

    @abc.abstractmethod
    def _unpack(self, tensors: Tensors) -> Collection[V]:
        """Returns the values of :meth:`_pack`'s tensors."""

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Returns the positions of the keys that nobody has computed, each distinct key once."""
        if any(key not in self._values for key in keys):
            self._read_new_files()
        first: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            if key not in self._values:
                first.setdefault(key, position)
        return sorted(first.values())

    def read(self, keys: Sequence[bytes]) -> tuple[list[V], dict[bytes, Cost]]:
        """Returns the value of each key, and what each distinct key first cost.

        Raises:
            KeyError: A key is not there; ask :meth:`missing` first.
        """
        return [self._values[key] for key in keys], {key: self._costs[key] for key in keys}

    def put(self, keys: Sequence[bytes], values: Collection[V], costs: Sequence[Cost]) -> None:
        """Keeps new outputs: one file, whole or not at all."""
        from safetensors.numpy import save

        if not len(values) == len(costs) == len(keys):
            raise ValueError(
                f"outputs do not fit: got {len(values)} values and {len(costs)} costs for "
                f"{len(keys)} keys"
            )
        if not keys:
            return
        tensors = {
            **self._pack(values),
            "keys": np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES),
            "seconds": np.array([cost.seconds for cost in costs], dtype=np.float64),
            "tokens": np.array([cost.tokens for cost in costs], dtype=np.int64),
        }
        data = save(tensors)
        name = f"{sha256_bytes(data)}.safetensors"
        atomic_write(self.folder / name, data)
        with self._lock:
            self._read.add(name)
            self._remember(keys, self._unpack(mapped_tensors(self.folder / name)), costs)

    def _read_new_files(self) -> None:
        with self._lock:
            for path in sorted(self.folder.glob("*.safetensors")):
                if path.name not in self._read:
                    # It is gone when another process has just put it aside.
                    with contextlib.suppress(FileNotFoundError):
                        self._read_file(path)

    def _read_file(self, path: Path) -> None:
        if sha256_file(path) != path.stem:
            aside = path.replace(path.with_suffix(".damaged"))
            warnings.warn(
                f"a file of the cache was cut or altered: it is now {aside}, and what it held is "
                "computed again",
                DamagedFileWarning,
                stacklevel=2,
            )
            return
        tensors = mapped_tensors(path)
        keys = [row.tobytes() for row in tensors["keys"]]
        costs = [
            Cost(seconds, tokens)
            for seconds, tokens in zip(
                tensors["seconds"].tolist(), tensors["tokens"].tolist(), strict=True
            )
        ]
        self._remember(keys, self._unpack(tensors), costs)
        self._read.add(path.name)

    def _remember(
        self, keys: Sequence[bytes], values: Collection[V], costs: Sequence[Cost]
    ) -> None:
        for key, value, cost in zip(keys, values, costs, strict=True):
            if key not in self._values:  # what was read first stays
                self._values[key] = value
                self._costs[key] = cost


class OutputStore(Store[Floats]):
    """Rows of numbers by key, float32; all of one folder have the same width."""

    def get(self, keys: Sequence[bytes]) -> tuple[Floats, dict[bytes, Cost]]:
        """Returns the values, shape (keys, width), and what each distinct key first cost.

        Raises:
            KeyError: A key is not there; ask :meth:`missing` first.
        """
        values, costs = self.read(keys)
        return np.stack(values or [np.empty(0, dtype=np.float32)])[: len(keys)], costs

    def _pack(self, values: Collection[Floats]) -> Tensors:
        rows = np.ascontiguousarray(values, dtype=np.float32)
        if rows.ndim != 2:
            raise ValueError(f"outputs do not fit: got values of shape {rows.shape}, expected rows")
        return {"values": rows}

    def _unpack(self, tensors: Tensors) -> Floats:
        return tensors["values"]


class TextStore(Store[str]):
    """Texts by key."""

    def _pack(self, values: Collection[str]) -> Tensors:
        texts = [text.encode("utf-8", "surrogatepass") for text in values]
        return {
            "texts": np.frombuffer(b"".join(texts), dtype=np.uint8),
            "ends": np.cumsum([len(text) for text in texts], dtype=np.int64),
        }

    def _unpack(self, tensors: Tensors) -> list[str]:
        joined = tensors["texts"].tobytes()
        ends = tensors["ends"].tolist()
        return [
            joined[start:end].decode("utf-8", "surrogatepass")
            for start, end in itertools.pairwise([0, *ends])
        ]
