"""Intervals against published tables, closed forms and simulated coverage."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.types import Estimate
from harness.stats.intervals import percentile_interval, wilson_interval


# Newcombe 1998, Two-sided confidence intervals for the single proportion, Table I, method 3.
@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_the_published_table(successes, total, low, high):
    found = wilson_interval(successes, total)
    assert found.value == successes / total
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_ends_are_where_the_score_test_stands_at_its_limit(total, share, level):
    found = wilson_interval(round(share * total), total, level=level)
    z = NormalDist().inv_cdf((1 + level) / 2)
    for end in (found.low, found.high):
        assert abs(found.value - end) == pytest.approx(
            z * math.sqrt(end * (1 - end) / total), abs=1e-7
        )
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_of_nothing_is_undefined():
    assert wilson_interval(0, 0) == Estimate(None, None, None)


@pytest.mark.parametrize(("successes", "total"), [(-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes, total):
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(successes, total)


def test_percentile_interval_interpolates_linearly():
    assert percentile_interval(np.arange(101.0), level=0.9) == pytest.approx((5, 95))
    assert percentile_interval(np.array([0.0, 1.0]), level=0.5) == pytest.approx((0.25, 0.75))


def test_percentile_interval_leaves_out_a_tenth_undefined_and_gives_up_beyond():
    values = np.arange(100.0)
    values[:10] = np.nan
    assert percentile_interval(values) == percentile_interval(np.arange(10.0, 100.0))
    values[10] = np.nan
    assert percentile_interval(values) == (None, None)
    assert percentile_interval(np.full(5, np.nan)) == (None, None)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_levels_are_shares(level):
    with pytest.raises(ValueError, match="level"):
        percentile_interval(np.zeros(3), level=level)
    with pytest.raises(ValueError, match="level"):
        wilson_interval(1, 2, level=level)
