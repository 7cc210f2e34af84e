"""Accuracy, over rows and over classes."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import (
    ClassMetric,
    Metric,
    mean_of_defined,
    ratio,
    split_counts,
)
from harness.metrics.scored import Scored
from harness.stats.intervals import FloatArray


class Accuracy(Metric[Scored]):
    """The share of the rows answered rightly; a row without an answer is wrong."""

    name = "accuracy"

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns whether the row is right, and 1. Shape: [rows, 2]."""
        right = (scored.predicted == scored.gold).astype(np.float64)
        return np.stack([right, np.ones_like(right)], axis=1)

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns right rows over rows. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])


class BalancedAccuracy(ClassMetric):
    """The mean recall of the classes that have rows (Brodersen et al. 2010)."""

    name = "balanced_accuracy"

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean recall. Shape: [...]."""
        correct, gold, _ = split_counts(totals)
        return mean_of_defined(ratio(correct, gold))
