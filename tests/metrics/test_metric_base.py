"""What a metric is given: built from predictions, and refused where it cannot be true."""

import numpy as np
import pytest

from harness.core.types import Prediction
from harness.metrics.base import Scored, mean_of_defined, ratio

LABELS = ("yes", "no")
GOLD = np.array([0, 1])


def test_from_predictions():
    scored = Scored.from_predictions(
        LABELS,
        ["no", "yes", "no"],
        [
            Prediction("no", (0.25, 0.75)),
            Prediction(None, failure="unread"),
            Prediction("yes", (0.5, 0.5)),
        ],
    )
    assert scored.labels == LABELS
    assert scored.gold.tolist() == [1, 0, 1]
    assert scored.predicted.tolist() == [1, -1, 0]
    assert scored.probabilities == pytest.approx(
        np.array([[0.25, 0.75], [np.nan, np.nan], [0.5, 0.5]]), nan_ok=True
    )


def test_from_predictions_without_probabilities():
    assert Scored.from_predictions(LABELS, ["no"], [Prediction("no")]).probabilities is None
    assert len(Scored.from_predictions(LABELS, [], []).gold) == 0


@pytest.mark.parametrize(
    ("gold", "outputs"), [(["maybe"], ["no"]), (["no"], ["maybe"]), (["no"], ["no", "no"])]
)
def test_from_predictions_refuses_what_does_not_fit(gold, outputs):
    with pytest.raises(ValueError, match="expected"):
        Scored.from_predictions(LABELS, gold, [Prediction(output) for output in outputs])


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        ([0, 2], [0, 1]),
        ([0, -1], [0, 1]),
        ([0, 1], [0, 2]),
        ([0, 1], [0, -2]),
        ([0, 1], [0]),
        ([0.0, 1.0], [0, 1]),
    ],
)
def test_impossible_labels_are_refused(gold, predicted):
    with pytest.raises(ValueError, match="expected"):
        Scored(LABELS, np.array(gold), np.array(predicted))


@pytest.mark.parametrize(
    "probabilities",
    [
        [[0.5, 0.5]],
        [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]],
        [[0.5, 0.5], [0.5, 0.4]],
        [[0.5, 0.5], [1.5, -0.5]],
        [[0.5, 0.5], [np.nan, 1.0]],
        [[0.5, 0.5], [np.inf, 0.0]],
    ],
)
def test_impossible_probabilities_are_refused(probabilities):
    with pytest.raises(ValueError, match="probabilities: expected"):
        Scored(LABELS, GOLD, GOLD, np.array(probabilities))


def test_class_counts():
    scored = Scored(LABELS, np.array([0, 1, 1]), np.array([0, 0, -1]))
    assert scored.class_counts.tolist() == [
        [1, 0, 1, 0, 1, 0],
        [0, 0, 0, 1, 1, 0],
        [0, 0, 0, 1, 0, 0],
    ]
    assert scored.class_counts is scored.class_counts


def test_nothing_over_nothing_is_undefined():
    found = ratio(np.array([1.0, 0.0, 0.0]), np.array([2.0, 3.0, 0.0]))
    assert found == pytest.approx([0.5, 0.0, np.nan], nan_ok=True)
    values = np.array([[1.0, np.nan, 2.0], [np.nan] * 3])
    assert mean_of_defined(values) == pytest.approx([1.5, np.nan], nan_ok=True)
