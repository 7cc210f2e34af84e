"""How well rows out of scope are told from those in scope, over all test rows.

A row without an answer was not rejected: among those out of scope it is missed.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, ratio
from harness.metrics.scored import ScoredScope
from harness.stats.intervals import FloatArray


class ScopeMetric(Metric[ScoredScope]):
    """A metric of which rows were rejected."""

    scope = True

    def statistics(self, scored: ScoredScope) -> FloatArray:
        """Returns: rightly rejected, out of scope, rejected (0 or 1). Shape: [rows, 3]."""
        outside, rejected = scored.outside, scored.rejected
        return np.stack([outside & rejected, outside, rejected], axis=1).astype(np.float64)


class OutOfScopeRecall(ScopeMetric):
    """Of the rows out of scope, the share rejected; undefined where there are none."""

    name = "out_of_scope_recall"

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the recall. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])


class OutOfScopePrecision(ScopeMetric):
    """Of the rows rejected, the share that is out of scope; undefined where none was."""

    name = "out_of_scope_precision"

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the precision. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 2])


class OutOfScopeF1(ScopeMetric):
    """The harmonic mean of both; undefined only where no row is out of scope or rejected."""

    name = "out_of_scope_f1"

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the F1. Shape: [...]."""
        return ratio(2 * totals[..., 0], totals[..., 1] + totals[..., 2])
