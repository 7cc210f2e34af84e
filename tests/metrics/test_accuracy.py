"""Accuracies against scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from harness.metrics.accuracy import Accuracy, BalancedAccuracy
from harness.metrics.scored import Scored


def test_accuracy(scored, value_of):
    expected = accuracy_score(scored.gold, scored.predicted)
    assert value_of(Accuracy(), scored) == pytest.approx(expected)


def test_balanced_accuracy(scored, value_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some answers are of classes without rows
        expected = balanced_accuracy_score(scored.gold, scored.predicted)
    assert value_of(BalancedAccuracy(), scored) == pytest.approx(expected)


def test_the_majority_class_wins_accuracy_and_not_balanced_accuracy(value_of):
    gold = np.repeat([0, 1], [90, 10])
    majority = Scored(("often", "rare"), gold, np.zeros_like(gold))
    assert value_of(Accuracy(), majority) == 0.9
    assert value_of(BalancedAccuracy(), majority) == 0.5
