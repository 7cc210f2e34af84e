"""Precision, recall and F1 against scikit-learn, undefined where it says NaN."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from harness.metrics.f1 import F1, MacroF1, Precision, Recall
from harness.metrics.scored import Scored


def test_each_class(scored, value_of):
    expected = precision_recall_fscore_support(
        scored.gold,
        scored.predicted,
        labels=range(len(scored.labels)),
        zero_division=np.nan,
    )
    for metric, values in zip((Precision(), Recall(), F1()), expected, strict=False):
        assert value_of(metric, scored) == pytest.approx(values, nan_ok=True)


def test_macro_f1(scored, value_of):
    expected = f1_score(
        scored.gold,
        scored.predicted,
        labels=range(len(scored.labels)),
        average="macro",
        zero_division=np.nan,
    )
    assert value_of(MacroF1(), scored) == pytest.approx(expected)


def test_what_is_undefined_and_what_is_nothing(value_of):
    scored = Scored(tuple("abcd"), np.array([0, 0, 1]), np.array([0, 0, 2]))
    undefined = np.nan
    assert value_of(Precision(), scored) == pytest.approx([1, undefined, 0, undefined], nan_ok=True)
    assert value_of(Recall(), scored) == pytest.approx([1, 0, undefined, undefined], nan_ok=True)
    assert value_of(F1(), scored) == pytest.approx([1, 0, 0, undefined], nan_ok=True)
    assert value_of(MacroF1(), scored) == pytest.approx(1 / 3)
