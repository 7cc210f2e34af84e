"""Feature extraction: the nearest class mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.stats.arrays import softmax, spread_over_all, unit_rows


@settings
class Prototypes(Method):
    """Each class is the mean of its examples' embeddings; the nearest by cosine wins.

    Snell, Swersky and Zemel 2017, "Prototypical Networks for Few-shot Learning", with cosine
    similarity in place of Euclidean distance and no training.
    """

    scale: Annotated[
        float, Field(gt=0, le=1e4, description="what cosines are multiplied by before the softmax")
    ] = 20.0

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Averages the unit embeddings of each class."""
        targets = self.context_.targets(train)
        vectors = unit_rows(self.embed(train))
        self.seen_ = np.unique(targets)
        self.examples_ = len(train)
        means = np.stack([vectors[targets == place].mean(axis=0) for place in self.seen_])
        self.prototypes_ = unit_rows(means)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the scaled cosines."""
        cosines = unit_rows(self.embed(examples)) @ self.prototypes_.T
        labels = self.context_.labels
        return to_predictions(
            spread_over_all(softmax(self.scale * cosines), self.seen_, len(labels), self.examples_),
            labels,
        )
