"""Estimates of many metrics from one bootstrap."""

import dataclasses

import numpy as np
import pytest

from harness.core.types import Estimate
from harness.metrics import evaluate
from harness.metrics.accuracy import Accuracy, BalancedAccuracy
from harness.metrics.correlation import MatthewsCorrelation
from harness.metrics.evaluate import estimates
from harness.metrics.f1 import F1, MacroF1, Precision
from harness.metrics.probability import Brier, LogLoss
from harness.metrics.scored import Scored
from harness.stats.bootstrap import resample

METRICS = [Accuracy(), BalancedAccuracy(), MacroF1(), F1(), LogLoss(), Brier()]
UNDEFINED = Estimate(None, None, None)


@pytest.fixture
def draws(make_scored):
    first = make_scored(seed=0)
    others = [make_scored(seed=seed) for seed in (1, 2)]
    return [first] + [dataclasses.replace(other, gold=first.gold) for other in others]


def test_values_are_means_over_the_draws(draws, value_of):
    found = estimates(METRICS, draws, replicates=50)
    assert list(found) == [metric.name for metric in METRICS]
    for metric in METRICS:
        expected = np.mean([value_of(metric, draw) for draw in draws], axis=0)
        values = found[metric.name]
        if metric.per_class:
            assert list(values) == list(draws[0].labels)
            assert [one.value for one in values.values()] == pytest.approx(expected)
        else:
            assert values.value == pytest.approx(expected)
            assert values.low < values.value < values.high


def test_a_metric_alone_gives_what_it_gives_among_others(draws):
    together = estimates(METRICS, draws, replicates=100, seed=3)
    for metric in METRICS:
        alone = estimates([metric], draws, replicates=100, seed=3)[metric.name]
        assert flat(alone) == pytest.approx(flat(together[metric.name]))


def test_metrics_over_classes_share_their_counts(draws, monkeypatch):
    widths = []

    def spy(matrices, **settings):
        widths.extend(matrix.shape[1] for matrix in matrices)
        return resample(matrices, **settings)

    monkeypatch.setattr(evaluate, "resample", spy)
    estimates([Accuracy(), F1(), MacroF1(), BalancedAccuracy()], draws, replicates=2)
    assert widths == [2 + 3 * len(draws[0].labels)] * len(draws)


def flat(found):
    several = found.values() if isinstance(found, dict) else [found]
    return [number for one in several for number in dataclasses.astuple(one)]


def test_same_seed_same_numbers(draws):
    first, again, other = (estimates(METRICS, draws, replicates=50, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_draws_that_differ_make_the_interval_wider():
    gold = np.zeros(300, dtype=int)
    shares = (0.5, 0.6, 0.7, 0.8, 0.9)
    draws = [
        Scored(("a", "b"), gold, (np.arange(300) >= share * 300).astype(int)) for share in shares
    ]
    widths = {}
    for name, chosen in {"alike": [draws[2]] * 5, "different": draws}.items():
        found = estimates([Accuracy()], chosen)["accuracy"]
        assert found.value == pytest.approx(0.7)
        widths[name] = found.high - found.low
    assert widths["different"] > 2 * widths["alike"]


def test_without_probabilities_their_metrics_are_undefined(draws):
    silent = [draws[0], dataclasses.replace(draws[1], probabilities=None)]
    found = estimates(METRICS, silent, replicates=20)
    assert found["log_loss"] == found["brier"] == UNDEFINED
    assert found["accuracy"].value is not None
    only = dataclasses.replace(draws[0], probabilities=None)
    assert estimates([LogLoss()], [only], replicates=20) == {"log_loss": UNDEFINED}


def test_rows_without_an_answer_are_wrong_and_without_probabilities(make_scored):
    scored = make_scored(seed=0, unanswered=0.4)
    known = scored.predicted >= 0
    answered = Scored(
        scored.labels, scored.gold[known], scored.predicted[known], scored.probabilities[known]
    )
    found, among = (estimates(METRICS, [s], replicates=20) for s in (scored, answered))
    assert found["accuracy"].value == pytest.approx(among["accuracy"].value * known.mean())
    assert found["log_loss"].value == pytest.approx(among["log_loss"].value)


def test_undefined_is_none_never_0():
    gold = np.zeros(20, dtype=int)
    constant = Scored(("a", "b"), gold, gold)
    found = estimates([MatthewsCorrelation(), Precision()], [constant], replicates=20)
    assert found["mcc"] == UNDEFINED
    assert found["precision"] == {"a": Estimate(1.0, 1.0, 1.0), "b": UNDEFINED}


def test_no_rows_leave_everything_undefined():
    nothing = Scored(("a", "b"), np.array([], dtype=int), np.array([], dtype=int))
    found = estimates([Accuracy(), F1()], [nothing], replicates=5)
    assert found == {"accuracy": UNDEFINED, "f1": {"a": UNDEFINED, "b": UNDEFINED}}


def test_draws_of_different_rows_are_refused(make_scored):
    with pytest.raises(ValueError, match="same labels and test rows"):
        estimates(METRICS, [make_scored(seed=0), make_scored(seed=1)])
    with pytest.raises(ValueError, match="at least one draw"):
        estimates(METRICS, [])
