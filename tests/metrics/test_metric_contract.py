"""What holds for every registered metric, those of other packages too."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import METRICS
from harness.metrics.base import Metric, Scored
from harness.metrics.evaluate import estimates

SEEDED = settings(derandomize=True, deadline=None, max_examples=25)


@pytest.fixture(params=METRICS, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture
def metric(entry):
    return entry.load()()


def take(scored, rows):
    return dataclasses.replace(
        scored,
        gold=scored.gold[rows],
        predicted=scored.predicted[rows],
        probabilities=scored.probabilities[rows],
    )


@st.composite
def predictions(draw):
    """Any predictions: few rows or none, absent classes, certain answers, no answers."""
    rows, classes = draw(st.integers(0, 30)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    probabilities = generator.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 1]))), rows)
    predicted = probabilities.argmax(axis=1)
    silent = generator.random(rows) < draw(st.sampled_from([0, 0.3]))
    predicted[silent], probabilities[silent] = -1, np.nan
    gold = generator.integers(0, draw(st.integers(1, classes)), size=rows)
    return Scored(tuple("abcde"[:classes]), gold, predicted, probabilities)


def test_the_line_in_the_table_says_what_the_class_says(entry, metric):
    assert isinstance(metric, Metric)
    for attribute in ("name", "higher_is_better", "needs_probabilities", "per_class"):
        assert getattr(entry, attribute) == getattr(metric, attribute)
    assert entry.summary
    assert "single_label" in entry.kinds


def test_the_shape_of_what_comes_back(metric, scored):
    statistics = metric.statistics(scored)
    assert statistics.dtype == np.float64
    assert statistics.shape[0] == len(scored.gold)
    assert not np.isnan(statistics).any()
    totals = np.broadcast_to(statistics.sum(axis=0), (4, 3, statistics.shape[1]))
    found = metric.aggregate(totals)
    assert found.shape == ((4, 3, len(scored.labels)) if metric.per_class else (4, 3))
    assert np.array_equal(found[2, 1], metric.aggregate(totals[2, 1]), equal_nan=True)


def test_statistics_add_up_over_any_split_and_order_of_rows(metric, value_of):
    @SEEDED
    @given(predictions(), st.integers(0, 2**32))
    def check(scored, seed):
        order = np.random.default_rng(seed).permutation(len(scored.gold))
        parts = np.array_split(order, 3)
        totals = sum(metric.statistics(take(scored, part)).sum(axis=0) for part in parts)
        whole = value_of(metric, scored)
        assert metric.aggregate(totals) == pytest.approx(whole, nan_ok=True)
        assert value_of(metric, take(scored, order)) == pytest.approx(whole, nan_ok=True)

    check()


def test_a_row_counted_twice_is_two_rows(metric, make_scored, value_of):
    scored = make_scored(seed=2, unanswered=0.1)
    counts = np.random.default_rng(0).integers(0, 3, size=len(scored.gold))
    weighted = metric.aggregate(counts @ metric.statistics(scored))
    repeated = take(scored, np.repeat(np.arange(len(counts)), counts))
    assert weighted == pytest.approx(value_of(metric, repeated), nan_ok=True)


def test_nothing_is_better_than_perfect(metric, value_of):
    if metric.higher_is_better is None:
        pytest.skip("neither way is better")
    labels, gold = tuple("abc"), np.arange(30) % 3
    perfect = value_of(metric, Scored(labels, gold, gold, np.eye(3)[gold]))
    sign = 1 if metric.higher_is_better else -1
    assert not np.isnan(perfect).any()

    @SEEDED
    @given(st.integers(0, 2**32))
    def check(seed):
        probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), size=30)
        other = Scored(labels, gold, probabilities.argmax(axis=1), probabilities)
        assert (sign * value_of(metric, other) <= sign * perfect).all()

    check()


def test_shipped_metrics_end_at_1_or_0():
    gold = np.arange(30) % 3
    perfect = Scored(tuple("abc"), gold, gold, np.eye(3)[gold])
    metrics = [entry.load()() for entry in METRICS if entry.path.startswith("harness.")]
    for name, found in estimates(metrics, [perfect], replicates=20).items():
        best = 1.0 if METRICS.get(name).higher_is_better else 0.0
        for one in found.values() if isinstance(found, dict) else [found]:
            assert dataclasses.astuple(one) == (best, best, best)


def test_of_no_rows_it_is_undefined(metric, value_of):
    nothing = np.array([], dtype=int)
    found = value_of(metric, Scored(tuple("abc"), nothing, nothing, np.empty((0, 3))))
    assert np.isnan(found).all()


def test_estimates_can_be_written_as_json(metric, scored):
    found = estimates([metric], [scored], replicates=20)[metric.name]
    plain = (
        {label: dataclasses.asdict(one) for label, one in found.items()}
        if metric.per_class
        else dataclasses.asdict(found)
    )
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_planning_reads_the_table_without_numpy():
    code = (
        "import sys; from harness.metrics import METRICS; list(METRICS); "
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
