"""How well sets of labels are told: row by row, and label by label."""

from __future__ import annotations

import abc

import numpy as np

from harness.metrics.base import Metric, ratio
from harness.metrics.scored import ScoredSets
from harness.stats.intervals import FloatArray


class RowMean(Metric[ScoredSets]):
    """The mean over the rows of a figure of each; a row without an answer has the worst."""

    worst = 0.0

    @abc.abstractmethod
    def figure(self, scored: ScoredSets) -> FloatArray:
        """Returns the figure of each row, as if all had an answer. Shape: [rows]."""

    def statistics(self, scored: ScoredSets) -> FloatArray:
        """Returns the figure, and 1. Shape: [rows, 2]."""
        figures = np.where(scored.answered, self.figure(scored), self.worst)
        return np.stack([figures, np.ones(scored.rows)], axis=1)

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])


class SubsetAccuracy(RowMean):
    """The share of the rows whose labels are all right, none missing and none too many."""

    name = "subset_accuracy"

    def figure(self, scored: ScoredSets) -> FloatArray:
        """Returns whether the set is the right one. Shape: [rows]."""
        right = (scored.gold == scored.predicted).all(axis=1)
        return np.asarray(right, dtype=np.float64)


class HammingLoss(RowMean):
    """The share of the answers "has this label" that are wrong, over all rows and labels."""

    name = "hamming_loss"
    higher_is_better = False
    worst = 1.0

    def figure(self, scored: ScoredSets) -> FloatArray:
        """Returns the share of the labels that are missing or too many. Shape: [rows]."""
        wrong = scored.gold != scored.predicted
        return np.asarray(wrong.mean(axis=1), dtype=np.float64)


class SampleF1(RowMean):
    """The mean over the rows of the F1 of a row's labels (Godbole and Sarawagi 2004).

    A row that has no label and is rightly given none counts 1.
    """

    name = "sample_f1"

    def figure(self, scored: ScoredSets) -> FloatArray:
        """Returns the F1 of each row. Shape: [rows]."""
        right = (scored.gold & scored.predicted).sum(axis=1, dtype=np.float64)
        either = scored.gold.sum(axis=1, dtype=np.float64) + scored.predicted.sum(axis=1)
        return np.where(either == 0, 1.0, ratio(2 * right, either))
