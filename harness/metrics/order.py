"""How far off answers are where labels have an order; a step leads from a label to the next.

A row without an answer counts as given the label farthest from the right one (of two equally far
the lowest), so that not answering never pays.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, ratio
from harness.metrics.checks import IndexArray
from harness.metrics.scored import NO_ANSWER, Scored
from harness.stats.intervals import FloatArray


class MeanAbsoluteError(Metric[Scored]):
    """The mean distance of the label given from the right one, in steps; 0 at best."""

    name = "mean_absolute_error"
    higher_is_better = False

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns the distance, and 1. Shape: [rows, 2]."""
        distance = np.abs(scored.gold - _placed(scored)).astype(np.float64)
        return np.stack([distance, np.ones_like(distance)], axis=1)

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean distance. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])


class QuadraticKappa(Metric[Scored]):
    """Agreement beyond chance, disagreements weighed by their squared distance (Cohen 1968).

    One minus the mean squared distance over that of the same labels paired at random: 1 at best, 0
    by chance. Undefined where all rows have one label and all were given that one. Both means
    follow from five sums, so no confusion matrix is needed.
    """

    name = "quadratic_kappa"

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns 1, both places, their squares' sum, and their product. Shape: [rows, 5]."""
        gold, given = scored.gold.astype(np.float64), _placed(scored).astype(np.float64)
        columns = [np.ones_like(gold), gold, given, gold**2 + given**2, gold * given]
        return np.stack(columns, axis=1)

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the kappa. Shape: [...]."""
        rows, gold, given, squares, product = np.moveaxis(totals, -1, 0)
        observed = squares - 2 * product
        by_chance = squares - 2 * ratio(gold * given, rows)
        return np.asarray(1 - ratio(observed, by_chance), dtype=np.float64)


def _placed(scored: Scored) -> IndexArray:
    """Returns the label given as an index, the farthest where there is none. Shape: [rows]."""
    highest = len(scored.labels) - 1
    farthest = np.where(highest - scored.gold > scored.gold, highest, 0)
    return np.where(scored.predicted == NO_ANSWER, farthest, scored.predicted)
