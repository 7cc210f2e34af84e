"""Proper scores against scikit-learn and closed forms."""

import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from harness.metrics.probability import Brier, LogLoss
from harness.metrics.scored import Scored


def answered(scored):
    known = scored.predicted >= 0
    return scored.gold[known], scored.probabilities[known], range(len(scored.labels))


def test_log_loss(scored, value_of):
    gold, probabilities, labels = answered(scored)
    expected = log_loss(gold, probabilities, labels=labels)
    assert value_of(LogLoss(), scored) == pytest.approx(expected)


def test_brier(scored, value_of):
    gold, probabilities, labels = answered(scored)
    expected = brier_score_loss(gold, probabilities, labels=labels, scale_by_half=False)
    assert value_of(Brier(), scored) == pytest.approx(expected)


def test_certain_answers(value_of):
    right = Scored(("a", "b"), np.array([0]), np.array([0]), np.array([[1.0, 0.0]]))
    wrong = dataclasses.replace(right, gold=np.array([1]))
    assert (value_of(LogLoss(), right), value_of(Brier(), right)) == (0, 0)
    assert value_of(LogLoss(), wrong) == pytest.approx(52 * math.log(2))
    assert value_of(Brier(), wrong) == 2


@pytest.mark.parametrize("classes", [2, 5])
def test_uniform_probabilities(classes, value_of):
    gold = np.arange(classes)
    scored = Scored(tuple("abcde"[:classes]), gold, gold, np.full((classes, classes), 1 / classes))
    assert value_of(LogLoss(), scored) == pytest.approx(math.log(classes))
    assert value_of(Brier(), scored) == pytest.approx(1 - 1 / classes)
