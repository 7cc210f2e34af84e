"""Classifiers of vectors: what learns classes on top of features that are already there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Head(Protocol):
    """Learns the class of every row of features."""

    def fit(self, features: Any, targets: NDArray[np.int64], *, anchors: int = 0) -> Self:
        """Fits on features of shape (rows, dimensions) and classes of shape (rows,).

        The last ``anchors`` rows are always learnt from: what is chosen inside the rows is chosen
        by the others.
        """
        ...

    def probabilities(self, features: Any, classes: int) -> Floats:
        """Returns probabilities over all classes, shape (rows, classes)."""
        ...


class OneVsRest:
    """Any number of labels a row: a head of its own for each says whether a row has it.

    Binary relevance; the labels are taken for independent of each other.

    Args:
        head: Makes a head.
    """

    def __init__(self, head: Callable[[], Head]) -> None:
        self._make = head

    def fit(self, features: Any, has: NDArray[np.bool_], *, anchors: int = 0) -> OneVsRest:
        """Fits on features of shape (rows, dimensions) and truth values of (rows, labels)."""
        self.heads_ = [
            self._make().fit(features, column.astype(np.int64), anchors=anchors) for column in has.T
        ]
        return self

    def probabilities(self, features: Any, classes: int) -> Floats:  # noqa: ARG002 - as a head
        """Returns how likely each row has each label, shape (rows, labels)."""
        return np.stack([head.probabilities(features, 2)[:, 1] for head in self.heads_], axis=1)


def fit_head(
    make: Callable[[], Head], features: Any, targets: NDArray[Any], *, anchors: int = 0
) -> Head | OneVsRest:
    """Returns a fitted head; one for each label where rows may have several.

    Args:
        make: Makes a head.
        features: Shape (rows, dimensions).
        targets: Classes, shape (rows,), or truth values, shape (rows, labels).
        anchors: How many of the last rows are never held out.
    """
    if targets.ndim == 1:
        return make().fit(features, targets, anchors=anchors)
    return OneVsRest(make).fit(features, targets, anchors=anchors)
