"""What holds for every registered metric, those of other packages too, and way of answering."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.metrics import METRICS, metric_for, metrics_for
from harness.metrics.base import Metric
from harness.metrics.evaluate import estimates
from harness.tasks.kinds import KINDS

SEEDED = settings(derandomize=True, deadline=None, max_examples=25)
WAYS = {"label": "one label", "choice": "one label", "labels": "label sets", "text": "texts"}
PRIMARY = {
    "single_label": "accuracy",
    "text_pair": "accuracy",
    "multiple_choice": "accuracy",
    "multi_label": "micro_f1",
    "ordinal": "accuracy",
    "extraction": "exact_match",
    "generation": "exact_match",
}


def ways_of(entry):
    """The ways of answering that a metric is for."""
    if entry.scope:
        return ["scope"]
    return list(dict.fromkeys(WAYS[KINDS.get(kind).answer] for kind in entry.kinds))


PAIRS = [(entry, way) for entry in METRICS for way in ways_of(entry)]


@pytest.fixture(params=METRICS, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].name}, {pair[1]}")
def pair(request):
    return request.param


@pytest.fixture
def metric(pair):
    return pair[0].load()()


@pytest.fixture
def make(pair, makers):
    """Makes random rows as the metric takes them."""
    return makers[pair[1]]


def any_rows(make, way):
    """Any predictions: few rows or none, few or many labels, absent classes, no answers."""
    others = {}
    if way in ("one label", "label sets"):
        others["classes"] = st.integers(2, 5)
    if way == "one label":
        others["gold_from"] = st.sampled_from([None, [0], [0, 1]])
        others["predicted_from"] = st.sampled_from([None, [1], [0, 1]])
    return st.builds(
        make,
        seed=st.integers(0, 2**32),
        rows=st.integers(0, 30),
        unanswered=st.sampled_from([0.0, 0.3, 1.0]),
        **others,
    )


def test_the_line_in_the_table_says_what_the_class_says(entry):
    metric = entry.load()()
    assert isinstance(metric, Metric)
    for attribute in ("name", "higher_is_better", "needs_probabilities", "per_class", "scope"):
        assert getattr(entry, attribute) == getattr(metric, attribute)
    assert entry.summary
    assert entry.kinds
    assert set(entry.kinds) <= {kind.name for kind in KINDS}


@pytest.mark.parametrize("unanswered", [0.0, 0.3])
def test_the_shape_of_what_comes_back(metric, make, unanswered):
    scored = make(seed=1, unanswered=unanswered)
    statistics = metric.statistics(scored)
    assert statistics.dtype == np.float64
    assert statistics.shape[0] == scored.rows == 60
    assert not np.isnan(statistics).any()
    totals = np.broadcast_to(statistics.sum(axis=0), (4, 3, statistics.shape[1]))
    found = metric.aggregate(totals)
    assert found.dtype == np.float64
    assert found.shape == ((4, 3, len(scored.labels)) if metric.per_class else (4, 3))
    assert np.array_equal(found[2, 1], metric.aggregate(totals[2, 1]), equal_nan=True)


def test_statistics_add_up_over_any_split_and_order_of_rows(
    pair, metric, make, value_of, take_rows
):
    @SEEDED
    @given(any_rows(make, pair[1]), st.integers(0, 2**32))
    def check(scored, seed):
        order = np.random.default_rng(seed).permutation(scored.rows)
        parts = np.array_split(order, 3)
        totals = sum(metric.statistics(take_rows(scored, part)).sum(axis=0) for part in parts)
        whole = value_of(metric, scored)
        assert metric.aggregate(totals) == pytest.approx(whole, nan_ok=True)
        assert value_of(metric, take_rows(scored, order)) == pytest.approx(whole, nan_ok=True)

    check()


def test_a_row_counted_twice_is_two_rows(metric, make, value_of, take_rows):
    scored = make(seed=2, unanswered=0.1)
    counts = np.random.default_rng(0).integers(0, 3, size=scored.rows)
    weighted = metric.aggregate(counts @ metric.statistics(scored))
    repeated = take_rows(scored, np.repeat(np.arange(len(counts)), counts))
    assert weighted == pytest.approx(value_of(metric, repeated), nan_ok=True)


def test_nothing_is_better_than_perfect(metric, make, value_of, answer_perfectly):
    if metric.higher_is_better is None:
        pytest.skip("neither way is better")
    sign = 1 if metric.higher_is_better else -1

    @SEEDED
    @given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5]))
    def check(seed, unanswered):
        scored = make(seed=seed, unanswered=unanswered)
        best = value_of(metric, answer_perfectly(scored))
        assert not np.isnan(best).any()
        assert not (sign * value_of(metric, scored) > sign * best + 1e-12).any()

    check()


def test_a_row_that_loses_its_answer_is_not_better_for_it(metric, make, value_of):
    """Metrics of probabilities judge the answers there are, precision those that were given."""
    if metric.needs_probabilities or "precision" in metric.name:
        pytest.skip("rows without an answer are left out")
    sign = 1 if metric.higher_is_better else -1
    answered, silent = (make(seed=3, unanswered=share) for share in (0.0, 1.0))
    assert answered.same_rows(silent)
    before, after = value_of(metric, answered), value_of(metric, silent)
    assert np.isnan(after).all() or (sign * after < sign * before).all()


def test_shipped_metrics_end_at_1_or_0(pair, metric, make, answer_perfectly):
    if not pair[0].path.startswith("harness."):
        pytest.skip("of another package")
    found = estimates([metric], [answer_perfectly(make(seed=4, rows=90))], replicates=20)
    best = 1.0 if metric.higher_is_better else 0.0
    (one,) = found.values()
    for each in one.values() if metric.per_class else [one]:
        assert dataclasses.astuple(each) == (best, best, best)


def test_of_no_rows_it_is_undefined(metric, make, value_of):
    assert np.isnan(value_of(metric, make(rows=0))).all()


@pytest.mark.parametrize("unanswered", [0.0, 1.0])
def test_estimates_can_be_written_as_json(metric, make, unanswered):
    scored = make(seed=5, unanswered=unanswered)
    found = estimates([metric], [scored, scored], replicates=20)[metric.name]
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


@pytest.mark.parametrize("kind", list(KINDS), ids=lambda kind: kind.name)
def test_every_kind_has_a_primary_metric_that_is_one_number(kind):
    first = metrics_for(kind.name, scope=False)[0]
    assert not first.per_class
    assert not first.needs_probabilities
    assert first.name == PRIMARY.get(kind.name, first.name)


def test_metrics_of_the_scope_are_for_tasks_with_an_out_of_scope_label():
    without, having = (metrics_for("single_label", scope=scope) for scope in (False, True))
    added = [entry.name for entry in having if entry not in without]
    assert added == ["out_of_scope_recall", "out_of_scope_precision", "out_of_scope_f1"]
    assert metrics_for("generation", scope=True) == metrics_for("generation", scope=False)


def test_a_metric_that_does_not_fit_a_task_is_refused():
    assert metric_for("multi_label", "f1", scope=False) is METRICS.get("f1")
    with pytest.raises(UserError, match="for tasks of the kind multi_label") as caught:
        metric_for("multi_label", "mcc", scope=False, where="mails.yaml:3: metrics")
    assert caught.value.where == "mails.yaml:3: metrics"
    assert "one of micro_f1, macro_f1" in str(caught.value)
    with pytest.raises(UserError, match="without an out-of-scope label"):
        metric_for("single_label", "out_of_scope_f1", scope=False)
    with pytest.raises(UserError, match="did you mean 'micro_f1'"):
        metric_for("multi_label", "micr_f1", scope=False)
