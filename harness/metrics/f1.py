"""Precision, recall and F1 of each class, and the mean F1 (van Rijsbergen 1979)."""

from __future__ import annotations

from harness.metrics.base import ClassMetric, mean_of_defined, ratio, split_counts
from harness.stats.intervals import FloatArray


class Precision(ClassMetric):
    """Of the rows given a label, the share that has it; undefined for a label never given."""

    name = "precision"
    per_class = True

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the precision of each class. Shape: [..., labels]."""
        correct, _, predicted = split_counts(totals)
        return ratio(correct, predicted)


class Recall(ClassMetric):
    """Of the rows that have a label, the share given it; undefined for a label without rows."""

    name = "recall"
    per_class = True

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the recall of each class. Shape: [..., labels]."""
        correct, gold, _ = split_counts(totals)
        return ratio(correct, gold)


class F1(ClassMetric):
    """The harmonic mean of precision and recall: twice the right rows over rows had plus given.

    It is 0 for a class that has rows or was given and has no right one; it is undefined only for
    a class that neither has rows nor was ever given.
    """

    name = "f1"
    per_class = True

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the F1 of each class. Shape: [..., labels]."""
        correct, gold, predicted = split_counts(totals)
        return ratio(2 * correct, gold + predicted)


class MacroF1(F1):
    """The mean F1 of the classes for which it is defined: those that have rows or were given."""

    name = "macro_f1"
    per_class = False

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean F1. Shape: [...]."""
        return mean_of_defined(super().aggregate(totals))


class MicroF1(F1):
    """The F1 of all rows and labels pooled; undefined where no row has or was given any label.

    A row that has no label and no answer leaves no trace in it.
    """

    name = "micro_f1"
    per_class = False

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the pooled F1. Shape: [...]."""
        correct, gold, predicted = (part.sum(axis=-1) for part in split_counts(totals))
        return ratio(2 * correct, gold + predicted)
