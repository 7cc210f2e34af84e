"""Proper scores of the probabilities; rows without probabilities are left out."""

from __future__ import annotations

import abc

import numpy as np

from harness.metrics.base import Metric, ratio, rows_with_probabilities
from harness.metrics.checks import IndexArray
from harness.metrics.scored import Scored
from harness.stats.intervals import FloatArray

SMALLEST = float(np.finfo(np.float64).eps)


class ProperScore(Metric[Scored]):
    """The mean over the rows of a score of their probabilities."""

    higher_is_better = False
    needs_probabilities = True

    @abc.abstractmethod
    def score(self, probabilities: FloatArray, gold: IndexArray) -> FloatArray:
        """Returns the score of each row of ``[rows, labels]``. Shape: [rows]."""

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns the score, and 1; both 0 for a row without probabilities. Shape: [rows, 2]."""
        known, probabilities = rows_with_probabilities(scored)
        statistics = np.zeros((len(known), 2))
        statistics[known, 0] = self.score(probabilities, scored.gold[known])
        statistics[known, 1] = 1
        return statistics

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean score. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])


class LogLoss(ProperScore):
    """The mean negative log-probability of the right label, in nats; 0 at best.

    As in scikit-learn, a probability below the machine epsilon (2.2e-16) counts as that, so that
    one certain mistake costs 36 nats and not infinity, and nothing is normalised again.
    """

    name = "log_loss"

    def score(self, probabilities: FloatArray, gold: IndexArray) -> FloatArray:
        """Returns the negative log-probability of the right label. Shape: [rows]."""
        right = probabilities[np.arange(len(gold)), gold]
        return np.log(1 / np.clip(right, SMALLEST, 1))


class Brier(ProperScore):
    """The squared distance of the probabilities from the right answer (Brier 1950).

    Summed over all classes, as Brier wrote it: from 0 at best to 2, with two classes too.
    """

    name = "brier"

    def score(self, probabilities: FloatArray, gold: IndexArray) -> FloatArray:
        """Returns the sum of squares over the classes. Shape: [rows]."""
        answer = np.eye(probabilities.shape[1])[gold]
        return np.asarray(((probabilities - answer) ** 2).sum(axis=1), dtype=np.float64)
