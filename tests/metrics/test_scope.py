"""Telling rows out of scope, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from harness.metrics.scope import OutOfScopeF1, OutOfScopePrecision, OutOfScopeRecall
from harness.metrics.scored import ScoredScope

METRICS = {
    OutOfScopeRecall(): recall_score,
    OutOfScopePrecision(): precision_score,
    OutOfScopeF1(): f1_score,
}


def scope(outside, rejected):
    return ScoredScope(np.array(outside, dtype=bool), np.array(rejected, dtype=bool))


@pytest.mark.parametrize("seed", range(4))
def test_as_scikit_learn(makers, seed, value_of):
    scored = makers["scope"](seed=seed, unanswered=0.1)
    for metric, reference in METRICS.items():
        expected = reference(scored.outside, scored.rejected)
        assert 0.3 < expected < 1
        assert value_of(metric, scored) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("outside", "rejected", "expected"),
    [
        ([1, 0, 0, 0], [1, 1, 0, 0], [1, 0.5, 2 / 3]),
        ([1, 1], [0, 0], [0, np.nan, 0]),
        ([0, 0], [1, 0], [np.nan, 0, 0]),
        ([0, 0], [0, 0], [np.nan, np.nan, np.nan]),
    ],
)
def test_what_is_undefined_and_what_is_nothing(outside, rejected, expected, value_of):
    found = [value_of(metric, scope(outside, rejected)) for metric in METRICS]
    assert found == pytest.approx(expected, nan_ok=True)
