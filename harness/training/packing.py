"""What was learnt as plain data: arrays, and JSON that says where each of them belongs.

Nothing but the classes of :data:`CLASSES` is made when it is read back, and none of their code is
run for it: their attributes are set.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import DataError
from harness.models.device import choose_device
from harness.training.backbone import Backbone

Arrays = Mapping[str, NDArray[Any]]
CLASSES = {
    "LogisticHead": "harness.training.logistic",
    "RowSpace": "harness.training.row_space",
    "MarginHead": "harness.training.margins",
    "NeighbourHead": "harness.training.neighbours",
    "PrototypeHead": "harness.training.prototypes",
    "OneVsRest": "harness.training.heads",
    "CosineClassifier": "harness.training.cosine",
    "LogisticRegression": "sklearn.linear_model",
    "RidgeClassifier": "sklearn.linear_model",
    "LinearSVC": "sklearn.svm",
    "LabelBinarizer": "sklearn.preprocessing",
    "FeatureUnion": "sklearn.pipeline",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "TfidfTransformer": "sklearn.feature_extraction.text",
}
TYPES = ("float32", "float64", "int32", "int64")
SPARSE_PARTS = ("data", "indices", "indptr")


class Packer:
    """Takes objects apart.

    Attributes:
        arrays: The arrays that were found, by the path that leads to each.
        backbones: The encoders that were found, by name, each once.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.backbones: dict[str, Backbone] = {}

    def pack(self, value: Any, path: str) -> Any:
        """Returns a value as JSON; its arrays and encoders are kept beside it.

        Raises:
            TypeError: There is something in it of a class that is not known here.
        """
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, list | tuple):
            parts = [self.pack(part, f"{path}.{place}") for place, part in enumerate(value)]
            return {"tuple" if isinstance(value, tuple) else "list": parts}
        if isinstance(value, dict):
            return {"dict": self._pack_all(value, path)}
        if isinstance(value, type) and value.__name__ in TYPES:
            return {"type": value.__name__}
        if isinstance(value, Backbone):
            return {"encoder": self._name(value)}
        return self._pack_array(value, path) or self._pack_object(value, path)

    def _pack_all(self, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        return {name: self.pack(value, f"{path}.{name}") for name, value in values.items()}

    def _pack_array(self, value: Any, path: str) -> Any:
        kind = type(value).__module__.partition(".")[0]
        if isinstance(value, np.ndarray):
            self.arrays[path] = np.ascontiguousarray(value)
            return {"array": path}
        if kind == "torch":
            self.arrays[path] = value.detach().cpu().numpy()
            return {"tensor": path}
        if kind == "scipy":
            rows = value.tocsr()
            self.arrays |= {f"{path}.{part}": getattr(rows, part) for part in SPARSE_PARTS}
            return {"sparse": path, "shape": list(rows.shape)}
        return None

    def _pack_object(self, value: Any, path: str) -> Any:
        name = type(value).__name__
        if name not in CLASSES or type(value) is not _load(name):
            raise TypeError(f"{path}: a {name} cannot be kept")
        held = {key: part for key, part in vars(value).items() if not _is_code(part)}
        return {"object": name, "holds": self._pack_all(held, path)}

    def _name(self, backbone: Backbone) -> str:
        for name, known in self.backbones.items():
            if known is backbone:
                return name
        name = "encoder" if not self.backbones else f"encoder-{len(self.backbones) + 1}"
        self.backbones[name] = backbone
        return name


def unpack(packed: Any, arrays: Arrays, backbones: Mapping[str, Backbone]) -> Any:
    """Puts together again what :meth:`Packer.pack` took apart.

    Raises:
        DataError: It is nothing that was packed here.
    """
    if not isinstance(packed, dict):
        return packed
    match packed:
        case {"list": list(parts)}:
            return [unpack(part, arrays, backbones) for part in parts]
        case {"tuple": list(parts)}:
            return tuple(unpack(part, arrays, backbones) for part in parts)
        case {"dict": dict(values)}:
            return _unpack_all(values, arrays, backbones)
        case {"encoder": str(name)} if name in backbones:
            return backbones[name]
        case {"object": str(name), "holds": dict(held)} if name in CLASSES:
            cls = _load(name)
            made = cls.__new__(cls)
            vars(made).update(_unpack_all(held, arrays, backbones))
            return made
    return _unpack_array(packed, arrays)


def _unpack_array(packed: dict[str, Any], arrays: Arrays) -> Any:
    match packed:
        case {"type": str(name)} if name in TYPES:
            return np.dtype(name).type
        case {"array": str(path)} if path in arrays:
            return arrays[path]
        case {"tensor": str(path)} if path in arrays:
            import torch

            return torch.from_numpy(arrays[path]).to(choose_device())
        case {"sparse": str(path), "shape": list(shape)} if f"{path}.data" in arrays:
            from scipy.sparse import csr_matrix

            data, indices, ends = (arrays[f"{path}.{part}"] for part in SPARSE_PARTS)
            return csr_matrix((data, indices, ends), shape=shape)
    raise DataError("this is nothing that a kept model can hold", found=packed)


def _unpack_all(
    values: Mapping[str, Any], arrays: Arrays, backbones: Mapping[str, Backbone]
) -> dict[str, Any]:
    return {name: unpack(value, arrays, backbones) for name, value in values.items()}


def _load(name: str) -> Any:
    return getattr(importlib.import_module(CLASSES[name]), name)


def _is_code(value: Any) -> bool:
    """Returns whether a value is a function, which is not data and is left out."""
    return isinstance(value, types.FunctionType | types.MethodType)
