"""Control: what is reached without reading the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions


@settings
class Majority(Method):
    """Predicts the most frequent label of the budget, with the label frequencies as probabilities.

    Of equally frequent labels the first in the task's order is taken.
    """

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Counts the labels."""
        counts = np.bincount(self.context_.targets(train), minlength=len(self.context_.labels))
        self.frequencies_ = counts / counts.sum()

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the same prediction for every example."""
        everywhere = np.tile(self.frequencies_, (len(examples), 1))
        return to_predictions(everywhere, self.context_.labels)
