"""Matthews correlation against scikit-learn, which gives 0 where it is undefined."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from harness.metrics.correlation import MatthewsCorrelation
from harness.metrics.scored import Scored


def test_matthews_correlation(scored, value_of):
    expected = matthews_corrcoef(scored.gold, scored.predicted)
    assert value_of(MatthewsCorrelation(), scored) == pytest.approx(expected)


def test_two_classes_are_the_correlation_of_two_columns(make_scored, value_of):
    scored = make_scored(seed=5, classes=2)
    expected = np.corrcoef(scored.gold, scored.predicted)[0, 1]
    assert value_of(MatthewsCorrelation(), scored) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("gold", "predicted"), [([0, 1, 1], [1, 1, 1]), ([0, 0], [0, 1]), ([0, 0], [0, 0])]
)
def test_undefined_where_one_side_does_not_vary(gold, predicted, value_of):
    scored = Scored(("a", "b"), np.array(gold), np.array(predicted))
    assert np.isnan(value_of(MatthewsCorrelation(), scored))


def test_perfect_answers_give_exactly_1(value_of):
    gold = np.random.default_rng(0).integers(0, 7, size=3080)
    scored = Scored(tuple("abcdefg"), gold, gold)
    assert value_of(MatthewsCorrelation(), scored) == 1.0
