"""Feature extraction: votes of the nearest training examples."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.methods.classifier import EmbeddingClassifier
from harness.training.neighbours import FALL, NeighbourHead


@settings
class NearestNeighbours(EmbeddingClassifier):
    """The k nearest training examples by cosine vote, nearer ones more.

    Cover and Hart 1967. A neighbour's vote is exp(scale x cosine), so that the votes are the
    softmax of the neighbours' scaled cosines. What is not given of ``k`` and ``scale`` is what has
    the best leave-one-out accuracy inside the budget; of equals, the smallest k.
    """

    k: Annotated[
        int | None,
        Field(gt=0, description="neighbours that vote; chosen inside the budget when absent"),
    ] = None
    scale: Annotated[
        float | None,
        Field(gt=0, le=1e4, description="how fast votes fall off with distance; chosen inside the "
              "budget when absent"),
    ] = None  # fmt: skip

    def head(self) -> NeighbourHead:
        """Returns the voters, still none.

        Choices are compared with each other, so the votes on each weigh alike, near or far.
        """
        fall = 0.0 if self.context_.rules.answer == "choice" else FALL
        return NeighbourHead(k=self.k, scale=self.scale, fall=fall)

    def fit_vectors(
        self, vectors: NDArray[np.float32], targets: NDArray[Any], *, anchors: int
    ) -> NeighbourHead:
        """Returns the voters: their votes count for any number of labels at once."""
        return self.head().fit(vectors, targets, anchors=anchors)
