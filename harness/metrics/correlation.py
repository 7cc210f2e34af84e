"""The correlation of right and given labels."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import ClassMetric, ratio, split_counts
from harness.stats.intervals import FloatArray


class MatthewsCorrelation(ClassMetric):
    """Matthews correlation for any number of classes (Gorodkin 2004): 1 at best, 0 by chance.

    Rows without an answer count as given a class of their own. Undefined, not 0, where all rows
    have one label or all were given one: there is nothing to correlate.
    """

    name = "mcc"

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the correlation. Shape: [...]."""
        correct, gold, predicted = split_counts(totals)
        rows = gold.sum(axis=-1)
        unanswered = rows - predicted.sum(axis=-1)
        covariance = correct.sum(axis=-1) * rows - (gold * predicted).sum(axis=-1)
        spread_gold = rows**2 - (gold**2).sum(axis=-1)
        spread_predicted = rows**2 - (predicted**2).sum(axis=-1) - unanswered**2
        return ratio(covariance, np.sqrt(spread_gold * spread_predicted))
