"""How far confidence is from accuracy; rows without probabilities are left out."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, ratio, rows_with_probabilities
from harness.metrics.scored import Scored
from harness.stats.intervals import FloatArray


class ExpectedCalibrationError(Metric[Scored]):
    """The mean gap between confidence and accuracy over bins of confidence (Guo et al. 2017).

    Confidence is the probability of the most probable label (the first of several equal ones), and
    that label is what counts as right or wrong, whatever label the method chose. Bins are equally
    wide and hold their upper edge; each weighs as much as it has rows.

    Rows that happen to be right or wrong make a gap in a bin even where confidence is just what it
    should be, so the error is never 0 on few rows, and resampling adds such gaps: on few rows its
    interval lies high, and can lie above the value.

    Args:
        bins: How many bins there are.
    """

    name = "ece"
    higher_is_better = False
    needs_probabilities = True

    def __init__(self, bins: int = 15) -> None:
        self.bins = bins

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns a row's count, confidence and rightness, each in the column of its bin.

        Shape: [rows, 3 * bins]; a row without probabilities is all 0.
        """
        known, probabilities = rows_with_probabilities(scored)
        confidence = probabilities.max(axis=1)
        right = probabilities.argmax(axis=1) == scored.gold[known]
        inner_edges = np.linspace(0, 1, self.bins + 1)[1:-1]
        in_bin = np.eye(self.bins)[np.searchsorted(inner_edges, confidence, side="left")]
        statistics = np.zeros((len(known), 3 * self.bins))
        statistics[known] = np.hstack(
            [in_bin, in_bin * confidence[:, None], in_bin * right[:, None]]
        )
        return statistics

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean gap. Shape: [...]."""
        rows, confidence, right = np.split(totals, 3, axis=-1)
        return ratio(np.abs(right - confidence).sum(axis=-1), rows.sum(axis=-1))
