"""Feature extraction: votes of the nearest training examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.stats.arrays import softmax, unit_rows

CHOICES = (1, 3, 5, 10, 20)
BLOCK_ROWS = 1024


@settings
class NearestNeighbours(Method):
    """The k nearest training examples by cosine vote, nearer ones more.

    Cover and Hart 1967. A neighbour's vote is exp(scale x cosine), so that the votes are the
    softmax of the neighbours' scaled cosines. Without ``k`` given, the one with the best
    leave-one-out accuracy inside the budget is taken; of equals, the smallest.
    """

    k: Annotated[
        int | None,
        Field(gt=0, description="neighbours that vote; chosen inside the budget when absent"),
    ] = None
    scale: Annotated[
        float, Field(gt=0, le=1e4, description="how fast votes fall off with distance")
    ] = 20.0

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Embeds the budget and chooses k."""
        self.targets_ = self.context_.targets(train)
        self.vectors_ = unit_rows(self.embed(train))
        self.k_ = min(self.k or self._choose_k(), len(train))

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns each label's share of the votes, with one vote in all spread over the labels."""
        cosines, nearest = self._neighbours(unit_rows(self.embed(examples)), self.k_)
        shares = self._shares(cosines, nearest)
        labels = len(self.context_.labels)
        smoothed = (self.k_ * shares + 1 / labels) / (self.k_ + 1)
        return to_predictions(smoothed, self.context_.labels)

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
        self, cosines: NDArray[np.float32], nearest: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Returns the share of the votes that each label gets, shape (queries, labels)."""
        votes = softmax(self.scale * cosines)
        shares = np.zeros((len(votes), len(self.context_.labels)))
        rows = np.arange(len(votes))[:, None]
        np.add.at(shares, (rows, self.targets_[nearest]), votes)
        return shares

    def _choose_k(self) -> int:
        usable = [k for k in CHOICES if k < len(self.targets_)]
        if not usable:
            return 1
        cosines, nearest = self._neighbours(self.vectors_, usable[-1] + 1)
        cosines, nearest = _without_self(cosines, nearest)
        accuracies = [
            (self._shares(cosines[:, :k], nearest[:, :k]).argmax(axis=1) == self.targets_).mean()
            for k in usable
        ]
        return usable[int(np.argmax(accuracies))]


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
