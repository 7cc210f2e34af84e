"""Calibration error against a plain loop and closed forms."""

import numpy as np
import pytest

from harness.metrics.calibration import ExpectedCalibrationError
from harness.metrics.scored import Scored


def by_hand(scored, bins):
    """Guo et al. 2017, equation 3, row by row."""
    held = {number: [] for number in range(1, bins + 1)}
    for gold, row in zip(scored.gold.tolist(), scored.probabilities.tolist(), strict=True):
        if row[0] == row[0]:
            top = max(row)
            number = next(m for m in held if (m - 1) / bins < top <= m / bins)
            held[number].append((top, row.index(top) == gold))
    rows = sum(map(len, held.values()))
    gaps = [
        len(members)
        / rows
        * abs(
            sum(right for _, right in members) / len(members)
            - sum(top for top, _ in members) / len(members)
        )
        for members in held.values()
        if members
    ]
    return sum(gaps)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_against_a_loop(scored, bins, value_of):
    metric = ExpectedCalibrationError(bins)
    assert value_of(metric, scored) == pytest.approx(by_hand(scored, bins))


@pytest.mark.parametrize(("confidence", "right"), [(0.9, 30), (0.6, 50), (1.0, 40)])
def test_one_confidence_for_all(confidence, right, value_of):
    rows = 50
    probabilities = np.tile([confidence, 1 - confidence], (rows, 1))
    gold = (np.arange(rows) >= right).astype(int)
    scored = Scored(("a", "b"), gold, np.zeros(rows, dtype=int), probabilities)
    expected = abs(right / rows - confidence)
    assert value_of(ExpectedCalibrationError(), scored) == pytest.approx(expected)


def test_a_bin_holds_its_upper_edge():
    probabilities = np.array([[0.5, 0.5], [0.5 + 1e-9, 0.5 - 1e-9], [1.0, 0.0]])
    scored = Scored(("a", "b"), np.zeros(3, dtype=int), np.zeros(3, dtype=int), probabilities)
    counts = ExpectedCalibrationError(bins=4).statistics(scored)[:, :4]
    assert counts.argmax(axis=1).tolist() == [1, 2, 3]


def test_calibrated_probabilities_come_near_0(value_of):
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(3), size=50_000)
    gold = (probabilities.cumsum(axis=1) < generator.random((50_000, 1))).sum(axis=1)
    gold = np.minimum(gold, 2)
    scored = Scored(tuple("abc"), gold, probabilities.argmax(axis=1), probabilities)
    assert value_of(ExpectedCalibrationError(), scored) < 0.01
