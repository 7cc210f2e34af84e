"""Metrics of ordered labels against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from harness.metrics.order import MeanAbsoluteError, QuadraticKappa
from harness.metrics.scored import Scored

STARS = tuple("12345")


def filled(scored):
    """The answers, the farthest label where there is none: by trying all."""
    return [
        given if given >= 0 else max(range(len(scored.labels)), key=lambda to, g=gold: abs(to - g))
        for gold, given in zip(scored.gold.tolist(), scored.predicted.tolist(), strict=True)
    ]


def test_mean_absolute_error(scored, value_of):
    expected = mean_absolute_error(scored.gold, filled(scored))
    assert value_of(MeanAbsoluteError(), scored) == pytest.approx(expected)


def test_quadratic_kappa(scored, value_of):
    labels = range(len(scored.labels))
    expected = cohen_kappa_score(scored.gold, filled(scored), weights="quadratic", labels=labels)
    assert value_of(QuadraticKappa(), scored) == pytest.approx(expected)


@pytest.mark.parametrize(("gold", "error"), [(0, 4), (1, 3), (2, 2), (3, 3), (4, 4)])
def test_no_answer_is_the_largest_error_there_can_be(gold, error, value_of):
    scored = Scored(STARS, np.array([gold]), np.array([-1]))
    assert value_of(MeanAbsoluteError(), scored) == error


def test_the_size_of_a_mistake_counts(value_of):
    gold = np.arange(5)
    near, far = (
        Scored(STARS, gold, np.array(given)) for given in ([1, 1, 2, 3, 4], [4, 1, 2, 3, 4])
    )
    assert value_of(MeanAbsoluteError(), near) == 1 / 5
    assert value_of(MeanAbsoluteError(), far) == 4 / 5
    assert value_of(QuadraticKappa(), near) > value_of(QuadraticKappa(), far)


def test_answers_that_always_say_the_same_agree_by_chance(value_of):
    gold = np.array([0, 1, 4, 4])
    assert value_of(QuadraticKappa(), Scored(STARS, gold, np.full(4, 2))) == 0.0
    opposite = Scored(STARS, np.array([0, 4, 0, 4]), np.array([4, 0, 4, 0]))
    assert value_of(QuadraticKappa(), opposite) == -1.0


def test_undefined_where_nothing_varies_on_either_side(value_of):
    for label in range(5):
        same = np.full(7, label)
        assert np.isnan(value_of(QuadraticKappa(), Scored(STARS, same, same)))
