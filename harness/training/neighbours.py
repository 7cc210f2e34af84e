"""Votes of the nearest rows."""

from __future__ import annotations

import itertools
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import softmax, unit_rows

Floats = NDArray[np.float64]
CHOICES = (1, 3, 5, 10, 20)
SCALES = (20.0, 5.0, 50.0)
FALL = 5.0
"""Chosen on training pools: it tells classes that were left out, and log loss is no worse."""
LEFT_OUT_ROWS = 20_000
"""Rows that are left out in turn to choose by, at most; evenly spaced where there are more."""
BLOCK_QUERIES = 512
BLOCK_ROWS = 8_192


class NeighbourHead:
    """The k nearest rows by cosine vote, nearer ones more: exp(scale x cosine).

    All votes together count as so many rows as are near: each exp(fall x (its cosine - the mean
    cosine of training rows and their neighbours)). So a row unlike all others is sure of nothing.

    What is not given is chosen by leave-one-out over the rows fitted: the pair of the highest
    accuracy (of rows with several labels, the smallest squared error); of equals, the fewest
    neighbours, and the scale that comes first.

    Args:
        k: How many vote; None chooses among ``CHOICES``.
        scale: How fast votes fall off with distance; None chooses among ``SCALES``.
        fall: How fast all votes together do.
    """

    def __init__(self, *, k: int | None, scale: float | None, fall: float = FALL) -> None:
        self.k = k
        self.scale = scale
        self.fall = fall

    def fit(
        self, features: NDArray[np.float32], targets: NDArray[Any], *, anchors: int = 0
    ) -> Self:
        """Keeps the rows, and chooses how they vote.

        Args:
            features: Shape (rows, dimensions).
            targets: Classes, shape (rows,), or truth values, shape (rows, labels).
            anchors: How many of the last rows vote and are not left out to choose by.
        """
        self.targets_ = targets
        self.vectors_ = unit_rows(features)
        self._choose(len(targets) - anchors)
        return self

    def probabilities(self, features: NDArray[np.float32], classes: int) -> Floats:
        """Returns each class's share of the votes, with one vote in all spread over the classes.

        Where rows may have several labels the spread vote is divided as the labels are frequent.
        Shape: (rows, classes).
        """
        cosines, places = nearest(unit_rows(features), self.vectors_, self.k_)
        shares = self._shares(cosines, places, self.scale_, classes)
        prior = 1 / classes if self.targets_.ndim == 1 else self._frequencies()
        near = np.exp(self.fall * (cosines.astype(np.float64) - self.typical_))
        votes = near.sum(axis=1, keepdims=True)
        return np.asarray((votes * shares + prior) / (votes + 1), dtype=np.float64)

    def _frequencies(self) -> Floats:
        return np.asarray(self.targets_.mean(axis=0), dtype=np.float64)

    def _shares(
        self, cosines: NDArray[np.float32], places: NDArray[np.int64], scale: float, classes: int
    ) -> Floats:
        """Returns the share of the votes that each class gets, shape (queries, classes)."""
        votes = softmax(scale * cosines)
        shares = np.zeros((len(votes), classes))
        if self.targets_.ndim == 1:
            np.add.at(shares, (np.arange(len(votes))[:, None], self.targets_[places]), votes)
            return shares
        for place in range(votes.shape[1]):
            shares += votes[:, place, None] * self.targets_[places[:, place]]
        return shares

    def _choose(self, own: int) -> None:
        """Takes what is best where each of the first rows is left out in turn."""
        everyone = len(self.targets_)
        some = [k for k in CHOICES if k < everyone] or [1]
        counts = some if self.k is None else [min(self.k, everyone)]
        scales = SCALES if self.scale is None else (self.scale,)
        self.k_, self.scale_, self.typical_ = counts[0], scales[0], 1.0
        if everyone == 1:
            return
        used = min(LEFT_OUT_ROWS, own)
        rows = np.linspace(0, own - 1, used).astype(np.int64)
        cosines, places = nearest(self.vectors_[rows], self.vectors_, min(counts[-1] + 1, everyone))
        cosines, places = _without(rows, cosines, places)
        targets = self.targets_[rows]
        pairs = list(itertools.product(counts, scales))
        merits = [self._merit(cosines[:, :k], places[:, :k], scale, targets) for k, scale in pairs]
        self.k_, self.scale_ = pairs[int(np.argmax(merits))]
        self.typical_ = float(cosines[:, : self.k_].mean(dtype=np.float64))

    def _merit(
        self,
        cosines: NDArray[np.float32],
        places: NDArray[np.int64],
        scale: float,
        targets: NDArray[Any],
    ) -> float:
        if targets.ndim == 1:
            shares = self._shares(cosines, places, scale, int(self.targets_.max()) + 1)
            return float((shares.argmax(axis=1) == targets).mean())
        shares = self._shares(cosines, places, scale, targets.shape[1])
        return -float(((shares - targets) ** 2).mean())


def nearest(
    queries: NDArray[np.float32], rows: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns cosines and positions of the k nearest rows, shape (queries, k), nearest first.

    Exact: every cosine is computed, a block of queries and rows at a time, so that memory does
    not grow with both. Of equally near rows the first come first.

    Args:
        queries: Unit vectors, shape (queries, dimensions).
        rows: Unit vectors, shape (rows, dimensions), at least k.
        k: How many.
    """
    cosines = np.empty((len(queries), k), dtype=np.float32)
    places = np.empty((len(queries), k), dtype=np.int64)
    for start in range(0, len(queries), BLOCK_QUERIES):
        block = slice(start, start + BLOCK_QUERIES)
        near = np.empty((len(queries[block]), 0), dtype=np.float32)
        where = np.empty(near.shape, dtype=np.int64)
        for first in range(0, len(rows), BLOCK_ROWS):
            similar = queries[block] @ rows[first : first + BLOCK_ROWS].T
            inside = _largest(similar, k)
            near = np.hstack([near, np.take_along_axis(similar, inside, axis=1)])
            where = np.hstack([where, inside + first])
            kept = _largest(near, k)
            near = np.take_along_axis(near, kept, axis=1)
            where = np.take_along_axis(where, kept, axis=1)
        cosines[block], places[block] = near, where
    return cosines, places


def _largest(values: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Returns the places of each row's k largest values, or of all, largest and first first."""
    if k >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")
    least = np.partition(values, -k, axis=1)[:, -k, None]
    spare = k - (values > least).sum(axis=1, keepdims=True)  # for those that equal the least
    level = values == least
    chosen = (values > least) | (level & (level.cumsum(axis=1, dtype=np.int32) <= spare))
    places = np.nonzero(chosen)[1].reshape(len(values), k)
    order = np.argsort(-np.take_along_axis(values, places, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(places, order, axis=1))


def _without(
    rows: NDArray[np.int64], cosines: NDArray[np.float32], places: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Takes each row's own position away, or its last neighbour where that is not among them."""
    own = places == rows[:, None]
    own[:, -1] |= ~own.any(axis=1)
    shape = (len(places), places.shape[1] - 1)

    def rest(matrix: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(matrix[~own].reshape(shape))

    return rest(cosines), rest(places)
