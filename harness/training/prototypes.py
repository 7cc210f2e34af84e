"""The nearest class mean."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import softmax, spread_over_all, unit_rows


class PrototypeHead:
    """Each class is the mean of its rows' unit vectors; the nearest by cosine is likeliest.

    Args:
        scale: What cosines are multiplied by before the softmax.
    """

    def __init__(self, *, scale: float) -> None:
        self.scale = scale

    def fit(
        self,
        features: NDArray[np.float32],
        targets: NDArray[np.int64],
        *,
        anchors: int = 0,  # noqa: ARG002 - as a head: nothing is chosen here
    ) -> Self:
        """Averages the unit vectors of each class; features of shape (rows, dimensions)."""
        vectors = unit_rows(features)
        self.seen_ = np.unique(targets)
        self.rows_ = len(targets)
        means = np.stack([vectors[targets == place].mean(axis=0) for place in self.seen_])
        self.prototypes_ = unit_rows(means)
        return self

    def probabilities(self, features: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
        """Returns the softmax of the scaled cosines, shape (rows, classes)."""
        cosines = unit_rows(features) @ self.prototypes_.T
        return spread_over_all(softmax(self.scale * cosines), self.seen_, classes, self.rows_)
