"""Seeded random predictions to score."""

import numpy as np
import pytest

from harness.metrics.base import NO_ANSWER, Scored


def random_scored(
    seed=0, rows=60, classes=4, *, gold_from=None, predicted_from=None, unanswered=0.0
):
    """Rows answered better than by chance; labels can be left out of the gold or the answers."""
    generator = np.random.default_rng(seed)
    gold = generator.choice(gold_from or classes, size=rows)
    probabilities = generator.dirichlet(np.ones(classes), size=rows)
    probabilities[np.arange(rows), gold] += 0.4
    never = np.setdiff1d(np.arange(classes), predicted_from or np.arange(classes))
    probabilities[:, never] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    silent = generator.random(rows) < unanswered
    predicted[silent] = NO_ANSWER
    probabilities[silent] = np.nan
    labels = tuple(f"label {number}" for number in range(classes))
    return Scored(labels, gold, predicted, probabilities)


CASES = {
    "plain": {},
    "two classes": {"classes": 2},
    "many classes, few rows": {"rows": 25, "classes": 30},
    "a class without rows": {"gold_from": [0, 1, 3]},
    "a class never given": {"predicted_from": [0, 1, 2]},
    "a class neither had nor given": {"gold_from": [0, 1, 3], "predicted_from": [0, 1, 3]},
    "no answer to some rows": {"unanswered": 0.3},
    "all at once": {
        "classes": 6,
        "gold_from": [0, 1, 3, 4],
        "predicted_from": [0, 2, 3],
        "unanswered": 0.2,
    },
}


@pytest.fixture
def make_scored():
    return random_scored


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def scored(request):
    return random_scored(seed=1, **request.param)


@pytest.fixture
def value_of():
    """The value of a metric on all rows, without a bootstrap."""

    def value(metric, scored):
        return metric.aggregate(metric.statistics(scored).sum(axis=0))

    return value
