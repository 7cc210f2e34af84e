"""Metrics of label sets against scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    hamming_loss,
    precision_recall_fscore_support,
)

from harness.metrics.f1 import F1, MacroF1, MicroF1, Precision, Recall
from harness.metrics.label_sets import HammingLoss, SampleF1, SubsetAccuracy
from harness.metrics.scored import ScoredSets

LABELS = ("a", "b", "c")


def sets(*pairs):
    """Rows given as letters: what is right and what was answered, ``None`` for nothing."""
    gold = [[label in right for label in LABELS] for right, _ in pairs]
    made = [[label in (given or "") for label in LABELS] for _, given in pairs]
    answered = [given is not None for _, given in pairs]
    return ScoredSets(LABELS, np.array(gold), np.array(made), np.array(answered))


def answered_only(scored):
    known = scored.answered
    return ScoredSets(scored.labels, scored.gold[known], scored.predicted[known], known[known])


def test_micro_f1(label_sets, value_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = f1_score(
            label_sets.gold, label_sets.predicted, average="micro", zero_division=np.nan
        )
    assert value_of(MicroF1(), label_sets) == pytest.approx(expected, nan_ok=True)


def test_each_label_and_their_mean(label_sets, value_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = precision_recall_fscore_support(
            label_sets.gold, label_sets.predicted, zero_division=np.nan
        )
        macro = f1_score(
            label_sets.gold, label_sets.predicted, average="macro", zero_division=np.nan
        )
    for metric, values in zip((Precision(), Recall(), F1()), expected, strict=False):
        assert value_of(metric, label_sets) == pytest.approx(values, nan_ok=True)
    assert value_of(MacroF1(), label_sets) == pytest.approx(macro, nan_ok=True)


def test_row_by_row(label_sets, value_of):
    """Among the rows with an answer scikit-learn's; the others have the worst figure."""
    scored = answered_only(label_sets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = f1_score(scored.gold, scored.predicted, average="samples", zero_division=1.0)
    share = scored.rows / label_sets.rows
    subset = accuracy_score(scored.gold, scored.predicted)
    loss = hamming_loss(scored.gold, scored.predicted)
    assert value_of(SampleF1(), label_sets) == pytest.approx(samples * share)
    assert value_of(SubsetAccuracy(), label_sets) == pytest.approx(subset * share)
    assert value_of(HammingLoss(), label_sets) == pytest.approx(loss * share + (1 - share))


def test_by_hand(value_of):
    scored = sets(("a", "a"), ("ab", "bc"), ("", ""), ("", None), ("c", None))
    found = {
        metric.name: value_of(metric, scored)
        for metric in (MicroF1(), SampleF1(), SubsetAccuracy(), HammingLoss())
    }
    assert found == pytest.approx({
        "micro_f1": 2 * 2 / (4 + 3),
        "sample_f1": (1 + 0.5 + 1 + 0 + 0) / 5,
        "subset_accuracy": 2 / 5,
        "hamming_loss": (0 + 2 / 3 + 0 + 1 + 1) / 5,
    })  # fmt: skip


def test_no_label_anywhere_leaves_the_pooled_f1_undefined(value_of):
    nothing = sets(("", ""), ("", None))
    assert np.isnan(value_of(MicroF1(), nothing))
    assert np.isnan(value_of(MacroF1(), nothing))
    assert value_of(SubsetAccuracy(), nothing) == 0.5
    assert value_of(MicroF1(), sets(("", "a"), ("b", ""))) == 0.0
