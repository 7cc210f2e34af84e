"""Votes of the nearest rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import softmax, unit_rows

Floats = NDArray[np.float64]
CHOICES = (1, 3, 5, 10, 20)
BLOCK_ROWS = 1024


class NeighbourHead:
    """The k nearest rows by cosine vote, nearer ones more: exp(scale x cosine).

    Args:
        k: How many vote; None takes the number with the best leave-one-out accuracy (of rows
            with several labels, the smallest squared error) over the rows fitted; of equals,
            the smallest.
        scale: How fast votes fall off with distance.
    """

    def __init__(self, *, k: int | None, scale: float) -> None:
        self.k = k
        self.scale = scale

    def fit(self, features: NDArray[np.float32], targets: NDArray[Any]) -> Self:
        """Keeps the rows, and chooses k.

        Args:
            features: Shape (rows, dimensions).
            targets: Classes, shape (rows,), or truth values, shape (rows, labels).
        """
        self.targets_ = targets
        self.vectors_ = unit_rows(features)
        self.k_ = min(self.k or self._choose_k(), len(targets))
        return self

    def probabilities(self, features: NDArray[np.float32], classes: int) -> Floats:
        """Returns each class's share of the votes, with one vote in all spread over the classes.

        Where rows may have several labels the spread vote is divided as the labels are frequent.
        Shape: (rows, classes).
        """
        cosines, nearest = self._neighbours(unit_rows(features), self.k_)
        shares = self._shares(cosines, nearest, classes)
        prior = 1 / classes if self.targets_.ndim == 1 else self._frequencies()
        return np.asarray((self.k_ * shares + prior) / (self.k_ + 1), dtype=np.float64)

    def _frequencies(self) -> Floats:
        return np.asarray(self.targets_.mean(axis=0), dtype=np.float64)

    def _neighbours(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Returns cosines and positions of the k nearest, shape (queries, k), nearest first.

        Exact, a block of queries at a time; of equally near ones the first in the budget.
        """
        cosines = np.empty((len(queries), k), dtype=np.float32)
        nearest = np.empty((len(queries), k), dtype=np.int64)
        for start in range(0, len(queries), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            similar = queries[block] @ self.vectors_.T
            order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
            nearest[block] = order
            cosines[block] = np.take_along_axis(similar, order, axis=1)
        return cosines, nearest

    def _shares(
        self, cosines: NDArray[np.float32], nearest: NDArray[np.int64], classes: int
    ) -> Floats:
        """Returns the share of the votes that each class gets, shape (queries, classes)."""
        votes = softmax(self.scale * cosines)
        shares = np.zeros((len(votes), classes))
        if self.targets_.ndim == 1:
            np.add.at(shares, (np.arange(len(votes))[:, None], self.targets_[nearest]), votes)
            return shares
        for place in range(votes.shape[1]):
            shares += votes[:, place, None] * self.targets_[nearest[:, place]]
        return shares

    def _choose_k(self) -> int:
        usable = [k for k in CHOICES if k < len(self.targets_)]
        if not usable:
            return 1
        cosines, nearest = self._neighbours(self.vectors_, usable[-1] + 1)
        cosines, nearest = _without_self(cosines, nearest)
        merits = [self._merit(cosines[:, :k], nearest[:, :k]) for k in usable]
        return usable[int(np.argmax(merits))]

    def _merit(self, cosines: NDArray[np.float32], nearest: NDArray[np.int64]) -> float:
        if self.targets_.ndim == 1:
            shares = self._shares(cosines, nearest, int(self.targets_.max()) + 1)
            return float((shares.argmax(axis=1) == self.targets_).mean())
        shares = self._shares(cosines, nearest, self.targets_.shape[1])
        return -float(((shares - self.targets_) ** 2).mean())


def _without_self(
    cosines: NDArray[np.float32], nearest: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Takes every row's own position away, or its last neighbour where that is not among them."""
    own = nearest == np.arange(len(nearest))[:, None]
    own[:, -1] |= ~own.any(axis=1)
    shape = (len(nearest), nearest.shape[1] - 1)

    def rest(matrix: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(matrix[~own].reshape(shape))

    return rest(cosines), rest(nearest)
